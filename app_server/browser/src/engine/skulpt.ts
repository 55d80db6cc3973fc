/**
 * Typed access to Skulpt: values across the border, calls, waits, classes and modules.
 *
 * A call into Python may suspend (Python that waits for a promise): `call` hands back a `Result`,
 * `run` turns it into a promise, and `chain`/`tryCatch` continue inside Python. Names that
 * JavaScript reserves (`call`, `name`, `length`, ...) are mangled here and nowhere else.
 */

import type {
  Kwargs,
  PyDict,
  PyException,
  PyObject,
  PyStr,
  PyType,
  Result,
  Suspension,
} from "./types";

export * from "./define";
export type * from "./types";

// -- constants and primitive values ------------------------------------------------------------

export const pyNone: PyObject = Sk.builtin.none.none$;
export const pyTrue: PyObject = Sk.builtin.bool.true$;
export const pyFalse: PyObject = Sk.builtin.bool.false$;
export const pyNotImplemented: PyObject = Sk.builtin.NotImplemented.NotImplemented$;
export const pyTypes = Sk.builtin;

const interned = new Map<string, PyStr>();

/** A Python string; the same object each time for one text (cheap to use as an attribute name). */
export function pyName(text: string): PyStr {
  let value = interned.get(text);
  if (value === undefined) {
    value = new Sk.builtin.str(text);
    interned.set(text, value);
  }
  return value;
}

export const pyStr = (text: string): PyStr => new Sk.builtin.str(text);
export const pyInt = (value: number | string): PyObject => new Sk.builtin.int_(value);
export const pyFloat = (value: number): PyObject => new Sk.builtin.float_(value);
export const pyBool = (value: unknown): PyObject => (value ? pyTrue : pyFalse);
export const pyList = (items: PyObject[]): PyObject => new Sk.builtin.list(items);
export const pyTuple = (items: PyObject[]): PyObject => new Sk.builtin.tuple(items);
export const pyBytes = (data: Uint8Array): PyObject => new Sk.builtin.bytes(data);

export function pyDict(entries: Iterable<readonly [string | PyObject, PyObject]> = []): PyDict {
  const dict = new Sk.builtin.dict();
  for (const [key, value] of entries) {
    dict.mp$ass_subscript(typeof key === "string" ? new Sk.builtin.str(key) : key, value);
  }
  return dict;
}

// -- conversion -----------------------------------------------------------------------------------

/** JSON-like JavaScript to Python; objects become dicts, `null`/`undefined` None, Python stays. */
export const toPy = (value: unknown): PyObject => Sk.ffi.remapToPy(value);

/** Python to JavaScript; dicts become objects. What has no counterpart is given back as it is. */
export const toJs = (value: PyObject | undefined): unknown =>
  Sk.ffi.remapToJs(value, { unhandledHook: (other: unknown) => other });

/** A live Python view of any JavaScript value, as `anvil.js` gives it. */
export const proxy = (value: unknown): PyObject => Sk.ffi.proxy(value);

/** JavaScript to Python for `anvil.js`: plain data converts, objects become live views. */
export const toPyOrProxy = (value: unknown): PyObject =>
  Sk.ffi.remapToPy(value, {
    dictHook: (object: unknown) => Sk.ffi.proxy(object),
    setHook: (object: unknown) => Sk.ffi.proxy(object),
    mapHook: (object: unknown) => Sk.ffi.proxy(object),
    unhandledHook: (other: unknown) => Sk.ffi.proxy(other),
  });

/** Python to JavaScript for `anvil.js`: functions become callable, other objects are wrapped. */
export const toJsOrWrap = (value: PyObject): unknown => Sk.ffi.remapToJsOrWrap(value);

/** The text of a Python string, or of `str(value)`. */
export const textOf = (value: PyObject): string =>
  isStr(value) ? value.v : (call1(Sk.builtin.str, value) as PyStr).v;

/** The JavaScript value behind a live view; other Python values as `valueOf` gives them. */
export const nativeValue = (value: PyObject): unknown =>
  value.js$wrapped !== undefined ? value.js$wrapped : (value.valueOf() as unknown);

export const bytesOf = (value: PyObject): Uint8Array => (value as PyObject & { v: Uint8Array }).v;

// -- tests ----------------------------------------------------------------------------------------

export const isPy = (value: unknown): value is PyObject =>
  value !== null && value !== undefined && Boolean((value as PyObject).sk$object);
export const isNone = (value: unknown): boolean =>
  value === undefined || value === null || value === pyNone;
export const isStr = (value: unknown): value is PyStr => value instanceof Sk.builtin.str;
export const isDict = (value: unknown): value is PyDict => value instanceof Sk.builtin.dict;
export const isList = (value: unknown): value is PyObject & { v: PyObject[] } =>
  value instanceof Sk.builtin.list;
export const isTuple = (value: unknown): value is PyObject & { v: PyObject[] } =>
  value instanceof Sk.builtin.tuple;
export const isInt = (value: PyObject): boolean =>
  value instanceof (Sk.builtin.int_ as unknown as typeof Object);
export const isFloat = (value: PyObject): boolean =>
  value instanceof (Sk.builtin.float_ as unknown as typeof Object);
export const isCallable = (value: unknown): boolean => Sk.builtin.checkCallable(value);
export const isInstance = (value: PyObject, type: PyObject): boolean =>
  Sk.builtin.isinstance(value, type) === pyTrue;
export const isType = (value: unknown): value is PyType => value instanceof Sk.builtin.type;
export const isException = (value: unknown): value is PyException =>
  value instanceof Sk.builtin.BaseException;
export const isTrue = (value: PyObject): boolean => Sk.misceval.isTrue(value);
export const isSuspension = (value: unknown): value is Suspension =>
  Boolean((value as Suspension | undefined)?.$isSuspension);
export const typeName = (value: PyObject): string => Sk.abstr.typeName(value);
export const repr = (value: PyObject): string => {
  const text: unknown = Sk.misceval.objectRepr(value);
  return typeof text === "string" ? text : (text as PyStr).v;
};
export const equals = (a: PyObject, b: PyObject): boolean =>
  a === b || Sk.misceval.richCompareBool(a, b, "Eq");

// -- errors ---------------------------------------------------------------------------------------

/** A Python exception of a built-in type, ready to throw. */
export function pyError(
  type:
    | "TypeError"
    | "ValueError"
    | "AttributeError"
    | "KeyError"
    | "RuntimeError"
    | "LookupError"
    | "ImportError"
    | "Exception"
    | "StopIteration",
  message: string,
): PyException {
  const Type = Sk.builtin[type] as { new (message: string): PyException };
  return new Type(message);
}

// -- calls and waits ------------------------------------------------------------------------------

/** Call Python; the result may be a wait. */
export const call = (fn: PyObject, args: PyObject[] = [], kwargs?: Kwargs): Result =>
  Sk.misceval.callsimOrSuspendArray(fn, args, kwargs);

/** Call Python that never waits; raises `SuspensionError` if it does. */
export const callSync = (fn: PyObject, args: PyObject[] = [], kwargs?: Kwargs): PyObject =>
  Sk.misceval.callsimArray(fn, args, kwargs);

const call1 = (fn: PyObject, arg: PyObject): PyObject => Sk.misceval.callsimArray(fn, [arg]);

/** Call a method by its Python name. */
export function callMethod(
  self: PyObject,
  name: string,
  args: PyObject[] = [],
  kwargs?: Kwargs,
): Result {
  return chain(getAttr(self, name), (method: PyObject) => call(method, args, kwargs));
}

/** Continue after each step, waiting where one waits. */
export function chain<A, R>(first: A | Suspension, a: (value: A) => R | Suspension): R | Suspension;
export function chain<A, B, R>(
  first: A | Suspension,
  a: (value: A) => B | Suspension,
  b: (value: B) => R | Suspension,
): R | Suspension;
export function chain<A, B, C, R>(
  first: A | Suspension,
  a: (value: A) => B | Suspension,
  b: (value: B) => C | Suspension,
  c: (value: C) => R | Suspension,
): R | Suspension;
export function chain(first: unknown, ...steps: ((value: never) => unknown)[]): unknown {
  return Sk.misceval.chain(first, ...steps);
}

/** Run `step` for each item in order, waiting where one waits. */
export function chainEach<T>(
  items: readonly T[],
  step: (item: T, index: number) => unknown,
): Result<void> {
  return Sk.misceval.chain(
    undefined,
    ...items.map((item, index) => () => step(item, index)),
    () => undefined,
  ) as Result<void>;
}

/** Run `step` until it gives false, waiting where it waits. Unlike recursion it needs no stack. */
export function chainWhile(step: () => boolean | Suspension): Result<void> {
  for (;;) {
    const more = step();
    if (isSuspension(more)) {
      return chain(more as boolean | Suspension, (goesOn: boolean) =>
        goesOn ? chainWhile(step) : undefined,
      ) as Result<void>;
    }
    if (!more) return undefined;
  }
}

/** `try`/`except` around Python that may wait. */
export const tryCatch = <T>(
  run: () => T | Suspension,
  onError: (error: unknown) => T | Suspension,
): T | Suspension => Sk.misceval.tryCatch(run, onError) as T | Suspension;

/** `try`/`finally` around Python that may wait. */
export function tryFinally<T>(run: () => T | Suspension, after: () => unknown): T | Suspension {
  return chain(
    tryCatch<{ value?: T; error?: unknown }>(
      () => chain(run(), (value: T) => ({ value })),
      (error) => ({ error }),
    ),
    (outcome) =>
      chain(after() as unknown, () => {
        if ("error" in outcome) throw outcome.error;
        return outcome.value as T;
      }),
  );
}

/** Make Python wait for a promise; its value must be what Python is to get. */
export const suspend = <T = PyObject>(promise: Promise<T>): Result<T> =>
  Sk.misceval.promiseToSuspension(promise);

/** Run Python from JavaScript to its end. */
export const run = <T>(work: () => T | Suspension): Promise<T> =>
  Sk.misceval.asyncToPromise(work) as Promise<T>;

/** The value of something that must not wait. */
export const settled = <T>(value: T | Suspension): T =>
  Sk.misceval.retryOptionalSuspensionOrThrow(value);

/** All items of a Python iterable. */
export const itemsOf = (iterable: PyObject): Result<PyObject[]> =>
  Sk.misceval.arrayFromIterable(iterable, true);

/** An iterator over a Python iterable. */
export const iterOf = (iterable: PyObject): PyObject => Sk.abstr.iter(iterable);

/** The next item of an iterator, or undefined at its end. May wait. */
export const nextOf = (iterator: PyObject): Result<PyObject | undefined> =>
  (iterator.tp$iternext as (canSuspend: boolean) => Result<PyObject | undefined>).call(
    iterator,
    true,
  );

// -- attributes -----------------------------------------------------------------------------------

/** An attribute; raises AttributeError where there is none. May wait (a property that does). */
export const getAttr = (self: PyObject, name: string): Result =>
  Sk.abstr.gattr(self, pyName(name), true);

/** An attribute, or undefined. Does not wait. */
export const findAttr = (self: PyObject, name: string): PyObject | undefined =>
  self.tp$getattr(pyName(name));

export const setAttr = (self: PyObject, name: string, value: PyObject): Result<unknown> =>
  self.tp$setattr(pyName(name), value, true) as Result<unknown>;

/** `self[key]`. May wait. */
export const getItem = (self: PyObject, key: PyObject): Result =>
  Sk.abstr.objectGetItem(self, key, true);

/** `self[key] = value`. May wait. */
export const setItem = (self: PyObject, key: PyObject, value: PyObject): Result =>
  Sk.abstr.objectSetItem(self, key, value, true) as unknown as Result;

// -- keyword arguments ----------------------------------------------------------------------------

export function kwargsToObject(kwargs: Kwargs | undefined): Record<string, PyObject> {
  const result: Record<string, PyObject> = {};
  for (let i = 0; i < (kwargs?.length ?? 0); i += 2) {
    result[kwargs![i] as string] = kwargs![i + 1] as PyObject;
  }
  return result;
}

export const objectToKwargs = (values: Record<string, PyObject>): Kwargs =>
  Object.entries(values).flat();

export const dictToKwargs = (dict: PyDict): Kwargs => Sk.abstr.keywordArrayFromPyDict(dict);

// -- modules ---------------------------------------------------------------------------------------

/** The name under which Skulpt keeps a Python name that JavaScript reserves. */
export const mangle = (name: string): string => Sk.fixReserved(name);

/** The Python name of one that `mangle` gave. */
export const unmangle = (name: string): string => Sk.unfixReserved(name);

/** Import a module by its full name; gives that module itself. May wait. */
export function importModule(name: string): Result {
  return chain(Sk.importModule(name, false, true), () => {
    const found = Sk.sysmodules.quick$lookup(pyName(name));
    if (found === undefined) throw pyError("ImportError", `No module named '${name}'`);
    return found;
  });
}

/** A module that has been imported already. */
export const findModule = (name: string): PyObject | undefined =>
  Sk.sysmodules.quick$lookup(pyName(name));
