/** `anvil.js`: JavaScript from Python and back. */

import { elementOf, isComponent } from "../engine/component_host";
import { registerModule } from "../engine/files";
import {
  bindableFunction,
  call,
  chain,
  findAttr,
  isStr,
  isTrue,
  method,
  nativeValue,
  proxy,
  pyError,
  pyFunction,
  pyNone,
  pyStr,
  pyTrue,
  repr,
  setAttr,
  suspend,
  textOf,
  toJs,
  toJsOrWrap,
  toPyOrProxy,
  tryCatch,
  typeName,
  type PyException,
  type PyObject,
} from "../engine/skulpt";
import { reportError } from "../errors/report";
import { makeBlobMedia } from "./blob";

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";

const awaitPromise = method(["js_promise"], (value: PyObject) => {
  const promise = nativeValue(value);
  if (!isThenable(promise)) return value;
  return chain(suspend(Promise.resolve(promise) as Promise<unknown>), toPyOrProxy);
});

const getDomNode = method(["component"], (component: PyObject) => {
  if (isComponent(component)) return chain(elementOf(component), proxy);
  if (nativeValue(component) instanceof Node) return component;
  throw pyError(
    "TypeError",
    `get_dom_node expected an anvil Component or DOM node, got '${typeName(component)}'`,
  );
});

/** `call(function_or_name, *args)`; a dotted name is looked up from `window`. */
function callJs([fn, ...args]: PyObject[]): unknown {
  if (fn === undefined) throw pyError("TypeError", "call() needs a function or its name");
  if (!isStr(fn)) return call(fn, args);
  const steps = fn.v.split(".");
  let owner: unknown = window;
  for (const step of steps.slice(0, -1)) owner = (owner as Record<string, unknown>)?.[step];
  const member = (owner as Record<string, unknown> | undefined)?.[steps.at(-1)!];
  if (typeof member !== "function") {
    throw pyError("AttributeError", `there is no global JavaScript function '${fn.v}'`);
  }
  const result: unknown = member.apply(owner, args.map(toJsOrWrap));
  return isThenable(result)
    ? chain(suspend(Promise.resolve(result) as Promise<unknown>), toPyOrProxy)
    : toPyOrProxy(result);
}

const newJs = ([cls, ...args]: PyObject[]): unknown => {
  const constructor: unknown = cls && nativeValue(cls);
  if (typeof constructor !== "function") {
    throw pyError("TypeError", `${cls ? repr(cls) : "nothing"} is not a JavaScript class`);
  }
  return toPyOrProxy(Reflect.construct(constructor, args.map(toJsOrWrap)));
};

/** The address of a module: `./x` and `_/theme/x` are the app's, the rest is as given. */
function moduleUrl(given: string): string {
  const own = /^(\.?\/)?_\/theme\//.test(given);
  return new URL(own ? given.replace(/^\.?\//, "") : given, document.baseURI).href;
}

// Through an import map, bare names stay as they are.
const isBare = (name: string): boolean => !/^(\.{0,2}\/|[a-z][a-z0-9+.-]*:|_\/)/i.test(name);

const importFrom = method(["url"], (url: PyObject) => {
  const given = textOf(url);
  const target = isBare(given) ? given : moduleUrl(given);
  return chain(suspend(import(/* @vite-ignore */ target) as Promise<unknown>), proxy);
});

const toMedia = method(
  ["blob", "content_type", "name"],
  (value: PyObject, contentType: PyObject, name: PyObject) => {
    const data = nativeValue(value);
    const type = textOf(contentType);
    const title = toJs(name) as string | null;
    if (data instanceof Blob) return makeBlobMedia(data, title);
    if (Array.isArray(data)) {
      const parts = data.map((part) => nativeValue(part as PyObject)) as BlobPart[];
      const inferred = type || (parts[0] instanceof Blob ? parts[0].type : "");
      return makeBlobMedia(new Blob(parts, { type: inferred }), title);
    }
    if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
      return makeBlobMedia(new Blob([data as BlobPart], { type }), title);
    }
    throw pyError(
      "TypeError",
      `to_media() expects a Blob, ArrayBuffer, Uint8Array or an Array of those, got '${typeName(value)}'`,
    );
  },
  { content_type: pyStr(""), name: pyNone },
);

/** Wraps a callback: JavaScript libraries tend to swallow what it raises. */
const reportExceptions = method(["wrapped_function"], (fn: PyObject) => {
  const wrapper = bindableFunction("report_exceptions", (args, kwargs) =>
    tryCatch<unknown>(
      () => call(fn, args, kwargs),
      (error) => {
        reportError(error);
        return undefined;
      },
    ),
  );
  for (const name of ["__name__", "__qualname__", "__doc__", "__module__"]) {
    const value = findAttr(fn, name);
    if (value !== undefined) setAttr(wrapper, name, value);
  }
  setAttr(wrapper, "__wrapped__", fn);
  return wrapper;
});

/** Callbacks called by JavaScript: what they raise is reported and handed on, unless told else. */
function reportAndRaise(error: unknown): never {
  reportError(error);
  throw error;
}

const reportAllExceptions = method(
  ["enabled", "reraise"],
  (enabled: PyObject, reraise: PyObject) => {
    if (!isTrue(enabled)) Sk.uncaughtException = undefined;
    else Sk.uncaughtException = isTrue(reraise) ? reportAndRaise : (error) => reportError(error);
    return pyNone;
  },
  { reraise: pyTrue },
);

/** JavaScript's errors are this class in Python; `original_error` is the one that was thrown. */
function externalError(): PyObject {
  const cls = Sk.builtin.ExternalError as unknown as PyObject & { prototype: PyObject };
  const Property = Sk.builtin.property as unknown as { new (get: PyObject): PyObject };
  cls.prototype.original_error = new Property(
    bindableFunction("original_error", ([error]) =>
      toPyOrProxy((error as PyException).nativeError),
    ),
  );
  return cls;
}

export function registerJsModule(): void {
  registerModule(
    "anvil.js",
    (define) => {
      const functions = {
        await_promise: awaitPromise,
        get_dom_node: getDomNode,
        import_from: importFrom,
        to_media: toMedia,
        report_exceptions: reportExceptions,
        report_all_exceptions: reportAllExceptions,
      };
      for (const [name, definition] of Object.entries(functions)) {
        define(name, pyFunction(name, definition, "anvil.js"));
      }
      define("call", bindableFunction("call", callJs));
      define("call_js", bindableFunction("call_js", callJs));
      define("new", bindableFunction("new", newJs));
      define("ProxyType", proxy({}).ob$type);
      define("ExternalError", externalError());
      const windowProxy = proxy(window);
      define("window", windowProxy);
      // `from anvil.js.window import document` works too.
      Sk.sysmodules.mp$ass_subscript(pyStr("anvil.js.window"), windowProxy);
    },
    true,
  );
}
