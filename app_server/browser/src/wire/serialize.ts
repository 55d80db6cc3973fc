/** Python arguments to a message: JSON plus the `objects` that JSON cannot hold. */

import {
  call,
  callSync,
  chain,
  findAttr,
  getAttr,
  isDict,
  isFloat,
  isInstance,
  isInt,
  isList,
  isNone,
  isPy,
  isStr,
  isTuple,
  isType,
  pyError,
  pyName,
  pyNone,
  pyTypes,
  run,
  textOf,
  toJs,
  typeName,
  type Kwargs,
  type PyObject,
  type PyType,
} from "../engine/skulpt";
import { lookUp } from "../engine/lookup";
import { findPortableClass, required, serverClasses } from "./registry";
import {
  CHUNK_BYTES,
  PROTOCOL_VERSION,
  type Json,
  type MediaChunk,
  type OutgoingCall,
  type Path,
  type WireObject,
} from "./types";

interface LiveObjectSpec {
  id: string;
  backend: string;
  [field: string]: unknown;
}

/** What to call: a function by name, or a method of a live object. */
export interface CallTarget {
  command: string;
  liveObject?: LiveObjectSpec;
}

class Serializer {
  readonly objects: WireObject[] = [];
  readonly capabilities: OutgoingCall["capabilities"] = [];
  readonly media: { entry: WireObject; value: PyObject }[] = [];
  readonly info: PyObject;

  constructor() {
    this.info = callSync(required("serializationInfo"));
  }

  /** JSON of a value; what JSON cannot hold goes to `objects`, and stands as null in the JSON. */
  encode(value: PyObject, path: Path): Json {
    if (isNone(value)) return null;
    if (isStr(value) && value.ob$type === pyTypes.str) return value.v;
    if (value === pyTypes.bool.true$) return true;
    if (value === pyTypes.bool.false$) return false;
    if (this.isPortable(value)) return this.encodePortable(value, path);
    if (isStr(value)) return value.v;
    if (isInt(value)) return this.encodeInt(value, path);
    if (isFloat(value)) return this.encodeFloat(value, path);
    if (isList(value) || isTuple(value)) {
      return value.v.map((item, index) => this.encode(item, [...path, index]));
    }
    if (isDict(value)) return this.encodeDict(value, path);
    if (!isPy(value)) return this.encodeJs(value, path);
    if (value.js$wrapped !== undefined) return this.encodeJs(value.js$wrapped, path);
    return this.encodeObject(value, path);
  }

  private encodeDict(dict: PyObject, path: Path): Json {
    const result: Record<string, Json> = {};
    for (const [key, value] of (dict as PyObject & { $items(): [PyObject, PyObject][] }).$items()) {
      if (!isStr(key)) {
        throw pyError(
          "TypeError",
          `Cannot use '${typeName(key)}' objects as the key in a dict when sending to a server ` +
            `function; only string keys are allowed (${describe(path)})`,
        );
      }
      result[key.v] = this.encode(value, [...path, key.v]);
    }
    return result;
  }

  private encodeJs(value: unknown, path: Path): Json {
    if (value === null || value === undefined) return null;
    if (isPy(value)) return this.encode(value, path);
    if (typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (Array.isArray(value)) {
      return value.map((item, index) => this.encodeJs(item, [...path, index]));
    }
    if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, this.encodeJs(item, [...path, key])]),
      );
    }
    throw serializationError("a JavaScript object", path);
  }

  private encodeInt(value: PyObject, path: Path): Json {
    if (typeof value.v === "number") return value.v;
    this.objects.push({ path, type: ["Long"], value: String(value.v) });
    return null;
  }

  private encodeFloat(value: PyObject, path: Path): Json {
    if (Number.isFinite(value.v)) return value.v as number;
    this.objects.push({ path, type: ["Float"], value: String(value.v) });
    return null;
  }

  private isPortable(value: PyObject): boolean {
    return findAttr(value, "SERIALIZATION_INFO") !== undefined;
  }

  private encodePortable(value: PyObject, path: Path): Json {
    const [pyTypeName, registered] = (
      findAttr(value, "SERIALIZATION_INFO") as PyObject & { v: [PyObject, PyType] }
    ).v;
    const name = textOf(pyTypeName);
    if (value === registered && findPortableClass(name)) {
      this.objects.push({ path, type: ["ClassType"], typeName: name });
      return null;
    }
    if (value.ob$type !== registered || !findPortableClass(name)) {
      throw callSync(lookUp("anvil.server", "SerializationError"), [
        pyName(
          `Type ${typeName(value)} is not registered with @anvil.server.portable_class (${describe(path)})`,
        ),
      ]);
    }
    this.info.tp$setattr(pyName("_default_key"), pyTypeName);
    const serialize = findAttr(value, "__serialize__");
    const content = serialize
      ? callSync(serialize, [this.info])
      : (findAttr(value, "__dict__") ?? pyNone);
    const json = this.encode(content, path);
    this.objects.push({ path, type: ["ValueType"], typeName: name });
    return json;
  }

  private encodeObject(value: PyObject, path: Path): Json {
    if (isInstance(value, lookUp("anvil", "LazyMedia"))) {
      const spec = toJs(findAttr(value, "_spec")) as Record<string, unknown>;
      this.objects.push({ ...spec, path, type: ["LazyMedia"] });
    } else if (isInstance(value, lookUp("anvil", "Media"))) {
      const entry: WireObject = { path, type: ["DataMedia"] };
      this.objects.push(entry);
      this.media.push({ entry, value });
    } else if (serverClasses.capability && isInstance(value, serverClasses.capability)) {
      this.encodeCapability(value, path);
    } else if (isInstance(value, lookUp("anvil", "LiveObjectProxy"))) {
      const { backend, id, permissions, mac, methods } = toJs(findAttr(value, "_spec")) as Record<
        string,
        unknown
      >;
      this.objects.push({ path, type: ["LiveObject"], backend, id, permissions, mac, methods });
    } else if (isInstance(value, lookUp("datetime", "datetime"))) {
      this.objects.push({ path, type: ["DateTime"], value: encodeDatetime(value) });
    } else if (isInstance(value, lookUp("datetime", "date"))) {
      this.objects.push({ path, type: ["Date"], value: formatDate(value, "%Y-%m-%d") });
    } else {
      throw serializationError(
        isType(value) ? `the class ${textOf(findAttr(value, "__name__")!)}` : typeName(value),
        path,
      );
    }
    return null;
  }

  private encodeCapability(value: PyObject, path: Path): void {
    const scope = toJs(findAttr(value, "_scope")) as Json[];
    const narrow = toJs(findAttr(value, "_narrow")) as Json[];
    const mac = toJs(findAttr(value, "_mac"));
    this.objects.push({ path, type: ["Capability"], scope, narrow, mac });
    this.capabilities.push({ scopeJson: JSON.stringify([...scope, ...narrow]), value });
  }
}

const describe = (path: Path): string =>
  `arguments${path
    .slice(1)
    .map((step) => `[${JSON.stringify(step)}]`)
    .join("")}`;

function serializationError(what: string, path: Path): PyObject {
  const message = `Cannot pass ${what} object to a server function: ${describe(path)}`;
  return callSync(lookUp("anvil.server", "SerializationError"), [pyName(message)]);
}

const formatDate = (value: PyObject, format: string): string =>
  textOf(callSync(findAttr(value, "strftime")!, [pyName(format)]));

/** A naive time is the browser's own: it goes out with the browser's offset, as Anvil does. */
function encodeDatetime(value: PyObject): string {
  let aware = value;
  const offset = callSync(findAttr(value, "utcoffset")!);
  if (offset === pyNone) {
    const zone = callSync(
      lookUp("anvil.tz", "tzoffset"),
      [],
      ["minutes", new pyTypes.int_(-localDate(value).getTimezoneOffset())],
    );
    aware = callSync(findAttr(value, "replace")!, [], ["tzinfo", zone]);
  }
  return formatDate(aware, "%Y-%m-%d %H:%M:%S.%f%z");
}

function localDate(value: PyObject): Date {
  const field = (name: string): number => toJs(findAttr(value, name)) as number;
  return new Date(
    field("year"),
    field("month") - 1,
    field("day"),
    field("hour"),
    field("minute"),
    field("second"),
  );
}

/** Read media among the arguments and cut them into chunks. */
async function readMedia(
  id: string,
  media: { entry: WireObject; value: PyObject }[],
): Promise<MediaChunk[]> {
  const chunks: MediaChunk[] = [];
  for (const [index, { entry, value }] of media.entries()) {
    const mediaId = `${id}_${index}`;
    const ask = (name: string): Promise<PyObject> =>
      run(() => chain(getAttr(value, name), (method: PyObject) => call(method)));
    const data = (await ask("get_bytes")).v as Uint8Array<ArrayBuffer>;
    const contentType = toJs(await ask("get_content_type"));
    const name = toJs(await ask("get_name"));
    Object.assign(entry, { id: mediaId, name, "mime-type": contentType });
    const count = Math.max(1, Math.ceil(data.length / CHUNK_BYTES));
    for (let i = 0; i < count; i++) {
      chunks.push({
        header: {
          type: "CHUNK_HEADER",
          requestId: id,
          mediaId,
          chunkIndex: i,
          lastChunk: i === count - 1,
        },
        data: data.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
      });
    }
  }
  return chunks;
}

/** Serialise a call. Raises SerializationError and TypeError at once, before anything is sent. */
export function serializeCall(
  id: string,
  target: CallTarget,
  args: PyObject[],
  kwargs: Kwargs | undefined,
): Promise<OutgoingCall> {
  const serializer = new Serializer();
  const jsonArgs = args.map((value, index) => serializer.encode(value, ["args", index]));
  const jsonKwargs: Record<string, Json> = {};
  for (let i = 0; i < (kwargs?.length ?? 0); i += 2) {
    const name = kwargs![i] as string;
    jsonKwargs[name] = serializer.encode(kwargs![i + 1] as PyObject, ["kwargs", name]);
  }
  const shared = callSync(findAttr(serializer.info, "_to_json")!);
  const own = serializer.objects.splice(0);
  serializer.info.tp$setattr(pyName("_can_transmit"), pyTypes.bool.false$);
  const vtGlobal = serializer.encode(shared, ["vt_global"]);
  // The receiver rebuilds in this order: shared data first, then what may point into it.
  const objects = [...serializer.objects, ...own];
  const message: OutgoingCall["message"] = {
    type: "CALL",
    id,
    v: PROTOCOL_VERSION,
    args: jsonArgs,
    kwargs: jsonKwargs,
    vt_global: vtGlobal,
    objects,
  };
  if (target.liveObject) {
    const { id: objectId, backend, permissions, mac } = target.liveObject;
    message.liveObjectCall = { method: target.command, id: objectId, backend, permissions, mac };
  } else {
    message.command = target.command;
  }
  return readMedia(id, serializer.media).then((chunks) => ({
    message,
    chunks,
    capabilities: serializer.capabilities,
  }));
}
