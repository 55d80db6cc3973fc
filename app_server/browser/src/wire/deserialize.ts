/** A message's JSON and its `objects` to Python values. */

import { lookUp } from "../engine/lookup";
import {
  call,
  callSync,
  chain,
  findAttr,
  getAttr,
  importModule,
  pyDict,
  pyError,
  pyFloat,
  pyInt,
  pyList,
  pyName,
  pyNone,
  pyStr,
  run,
  setAttr,
  toPy,
  tryCatch,
  type PyException,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { makeBlobMedia } from "../python/blob";
import { findException, findPortableClass, required } from "./registry";
import type { Json, ReceivedMedia, WireError, WireObject } from "./types";

/** The marks of a message by path: each node holds what stands there and the marks below. */
interface Marks {
  here: WireObject[];
  below: Map<string | number, Marks>;
}

const newMarks = (): Marks => ({ here: [], below: new Map() });

function groupByPath(objects: WireObject[]): Marks {
  const root = newMarks();
  for (const object of objects) {
    let node = root;
    for (const step of object.path) {
      let next = node.below.get(step);
      if (next === undefined) node.below.set(step, (next = newMarks()));
      node = next;
    }
    node.here.push(object);
  }
  return root;
}

export interface Incoming {
  objects: WireObject[];
  vt_global: Json | undefined;
  media: ReceivedMedia;
}

/** Rebuilds the parts of one message; shared data is rebuilt first, once. */
export class Deserializer {
  private readonly marks: Marks;
  private readonly media: ReceivedMedia;
  private info: PyObject | undefined;

  constructor({ objects, media }: Incoming) {
    this.marks = groupByPath(objects);
    this.media = media;
  }

  async open(vtGlobal: Json | undefined): Promise<this> {
    const shared = await this.decode("vt_global", vtGlobal ?? null);
    this.info = await run(() => call(required("serializationInfo"), [shared]));
    return this;
  }

  /** The Python value of one member of the message. */
  decode(member: string, json: Json): Promise<PyObject> {
    const marks = this.marks.below.get(member);
    return run(() => (marks === undefined ? toPy(json) : this.build(json, marks)));
  }

  /** The Python values of a member that is an object, by their keys. */
  async decodeEntries(member: string, json: Record<string, Json>): Promise<[string, PyObject][]> {
    const marks = this.marks.below.get(member);
    const decoded: [string, PyObject][] = [];
    for (const [key, item] of Object.entries(json)) {
      decoded.push([key, await run(() => this.build(item, marks?.below.get(key)))]);
    }
    return decoded;
  }

  private build(json: Json, marks: Marks | undefined): Result {
    if (marks === undefined) return toPy(json);
    return chain(this.buildContent(json, marks), (content: PyObject) => {
      let result: Result = content;
      for (const object of marks.here) {
        result = chain(result, (value: PyObject) => this.rebuild(object, value));
      }
      return result;
    });
  }

  private buildContent(json: Json, marks: Marks): Result {
    if (marks.below.size === 0) return toPy(json);
    if (Array.isArray(json)) {
      return chain(
        this.buildAll(json.map((item, index) => [item, marks.below.get(index)])),
        pyList,
      );
    }
    if (json !== null && typeof json === "object") {
      const entries = Object.entries(json);
      const values = this.buildAll(entries.map(([key, item]) => [item, marks.below.get(key)]));
      return chain(values, (built: PyObject[]) =>
        pyDict(entries.map(([key], index) => [key, built[index]!] as const)),
      );
    }
    return toPy(json);
  }

  private buildAll(parts: [Json, Marks | undefined][]): PyObject[] | Result<PyObject[]> {
    const built: PyObject[] = [];
    const step = (from: number): Result<PyObject[]> => {
      for (let i = from; i < parts.length; i++) {
        const value = this.build(...parts[i]!);
        if ((value as { $isSuspension?: boolean }).$isSuspension) {
          return chain(value, (settled: PyObject) => {
            built.push(settled);
            return step(i + 1);
          });
        }
        built.push(value as PyObject);
      }
      return built;
    };
    return step(0);
  }

  private rebuild(object: WireObject, content: PyObject): Result {
    for (const type of object.type) {
      switch (type) {
        case "Primitive":
          return toPy(object.value);
        case "DataMedia":
          return makeBlobMedia(this.mediaOf(object), (object.name as string | null) ?? null);
        case "LazyMedia": {
          const { path: _path, ...spec } = object;
          return call(lookUp("anvil", "LazyMedia"), [toPy(spec)]);
        }
        case "LiveObject": {
          const { path: _path, ...spec } = object;
          return call(lookUp("anvil", "LiveObjectProxy"), [toPy(spec)]);
        }
        case "Capability":
          return callSync(required("makeCapability"), [
            toPy(object.scope),
            toPy(object.mac ?? null),
            toPy(object.narrow ?? []),
          ]);
        case "Date":
          return callSync(findAttr(lookUp("datetime", "date"), "fromisoformat")!, [
            pyStr(object.value as string),
          ]);
        case "DateTime":
          return decodeDatetime(object.value as string);
        case "Long":
          return pyInt(object.value as string);
        case "Float":
          return pyFloat(parseFloatText(object.value as string));
        case "ClassType":
          return findOrImport(object.typeName as string);
        case "ValueType":
          return chain(findOrImport(object.typeName as string), (cls: PyObject) =>
            this.rebuildPortable(object.typeName as string, cls, content),
          );
      }
    }
    throw pyError(
      "TypeError",
      `Cannot return object of type '${String(object.type[0])}' from server call`,
    );
  }

  private mediaOf(object: WireObject): Blob {
    const blob = this.media.get(object.id as string);
    if (blob === undefined) throw pyError("RuntimeError", "Media did not arrive with its message");
    return blob;
  }

  private rebuildPortable(name: string, cls: PyObject, content: PyObject): Result {
    const info = (this.info ??= callSync(required("serializationInfo")));
    info.tp$setattr(pyName("_default_key"), pyName(name));
    const make = findAttr(cls, "__new_deserialized__");
    if (make !== undefined) return call(make, [content, info]);
    return chain(call(findAttr(cls, "__new__")!, [cls]), (value: PyObject) => {
      const fill = findAttr(value, "__deserialize__");
      const filled = fill
        ? call(fill, [content, info])
        : chain(getAttr(value, "__dict__"), (dict: PyObject) =>
            callSync(findAttr(dict, "update")!, [content]),
          );
      return chain(filled, () => value);
    });
  }
}

/** The portable class of this name; imports the module it says it is from, if need be. */
function findOrImport(typeName: string): Result {
  const known = findPortableClass(typeName);
  if (known !== undefined) return known;
  const moduleName = typeName.slice(0, Math.max(0, typeName.lastIndexOf(".")));
  const imported: Result<unknown> =
    moduleName === ""
      ? pyNone
      : tryCatch<unknown>(
          () => importModule(moduleName),
          () => pyNone,
        );
  return chain(imported, () => {
    const found = findPortableClass(typeName);
    if (found === undefined) {
      throw callSync(lookUp("anvil.server", "SerializationError"), [
        pyName(`No such serializable type: ${typeName}`),
      ]);
    }
    return found;
  });
}

const parseFloatText = (text: string): number =>
  ({ inf: Infinity, "-inf": -Infinity, Infinity, "-Infinity": -Infinity, nan: NaN, NaN })[text] ??
  Number(text);

/** `2026-03-01 09:30:00.000000+0200`: aware, in an offset zone (UTC if it names none). */
function decodeDatetime(text: string): PyObject {
  const match = /^(.*?)(?:([+-])(\d\d):?(\d\d)|Z)?$/.exec(text)!;
  const sign = match[2] === "-" ? -1 : 1;
  const minutes = sign * (Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0));
  const zone = callSync(lookUp("anvil.tz", "tzoffset"), [], ["minutes", pyInt(minutes)]);
  const [seconds, fraction = ""] = match[1]!.split(".");
  const naive = callSync(findAttr(lookUp("datetime", "datetime"), "fromisoformat")!, [
    pyStr(`${seconds}.${fraction.slice(0, 6).padEnd(6, "0")}`),
  ]);
  return callSync(findAttr(naive, "replace")!, [], ["tzinfo", zone]);
}

/** The Python exception for an error of the server: of its registered type, or wrapped. */
export async function buildException(error: WireError): Promise<PyException> {
  const message = error.message ?? "The server failed without saying why";
  const type = (await findExceptionType(error.type)) ?? required("wrappedError");
  const exception = (await run(() => call(type, [pyStr(message)]))) as PyException;
  for (const [filename, lineno] of error.trace ?? []) {
    exception.traceback.push({ filename, lineno, fromServer: true });
  }
  if (findAttr(exception, "error_obj") !== undefined) {
    await run(() => setAttr(exception, "error_obj", toPy(error)) as Result);
  }
  exception.anvil$error = error;
  return exception;
}

/** Importing the module of a type registers it; the server may know types not yet imported here. */
async function findExceptionType(name: string | undefined): Promise<PyObject | undefined> {
  if (name === undefined) return undefined;
  const known = findException(name);
  const dot = name.lastIndexOf(".");
  if (known !== undefined || dot < 0 || !name.startsWith("anvil.")) return known;
  try {
    await run(() => importModule(name.slice(0, dot)));
  } catch {
    return undefined;
  }
  return findException(name);
}
