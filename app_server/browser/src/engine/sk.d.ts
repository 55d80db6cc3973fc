/**
 * The parts of Skulpt's global `Sk` that the runtime stands on, typed. Only `src/engine` uses `Sk`
 * itself; everything else goes through `engine/skulpt.ts`.
 */

import type {
  Kwargs,
  MethodDef,
  NativeClassOptions,
  PyDict,
  PyModule,
  PyObject,
  PyStr,
  PyType,
  Suspension,
} from "./types";

type Result = PyObject | Suspension;

interface SkBuiltins {
  str: PyType & { new (value: unknown): PyStr };
  int_: PyType & { new (value: number | string): PyObject };
  float_: PyType & { new (value: number): PyObject };
  bool: PyType & { new (value: unknown): PyObject; true$: PyObject; false$: PyObject };
  none: { none$: PyObject };
  NotImplemented: { NotImplemented$: PyObject };
  list: PyType & { new (items: Iterable<PyObject>): PyObject };
  tuple: PyType & { new (items: Iterable<PyObject>): PyObject };
  dict: Omit<PyType, "prototype"> & {
    new (flat?: PyObject[]): PyDict;
    readonly prototype: PyDict;
  };
  bytes: PyType & { new (value: Uint8Array): PyObject & { v: Uint8Array } };
  func: PyType;
  method: PyType;
  object: PyType;
  type: PyType;
  module: PyType & { new (): PyModule };
  property: PyType;
  sk_method: { new (def: MethodDef, self: PyObject | null, moduleName?: string): PyObject };
  BaseException: PyType;
  isinstance(value: PyObject, type: PyObject): PyObject;
  issubclass(value: PyObject, type: PyObject): PyObject;
  checkCallable(value: unknown): boolean;
  [name: string]: unknown;
}

interface SkGlobal {
  builtin: SkBuiltins;
  builtins: Record<string, PyObject>;
  sysmodules: PyDict;
  python3: Record<string, unknown>;
  uncaughtException: ((error: unknown) => void) | undefined;
  fixReserved(name: string): string;
  unfixReserved(name: string): string;
  configure(options: Record<string, unknown>): void;
  compile(
    source: string,
    filename: string,
    mode: "exec",
    canSuspend: boolean,
  ): { funcname: string; code: string };
  importModule(name: string, dumpJs: boolean, canSuspend: boolean): Result;
  importModuleInternal_(
    name: string,
    dumpJs: boolean,
    modname: string | undefined,
    code: string | undefined,
    relativeTo: PyObject | undefined,
    returnUndefinedOnMissing: boolean,
    canSuspend: boolean,
  ): Result;
  misceval: {
    Suspension: { new (): Suspension };
    callsimArray(fn: PyObject, args?: PyObject[], kwargs?: Kwargs): PyObject;
    callsimOrSuspendArray(fn: PyObject, args?: PyObject[], kwargs?: Kwargs): Result;
    asyncToPromise<T>(
      run: () => T | Suspension,
      handlers?: Record<string, unknown>,
    ): Promise<Exclude<T, Suspension>>;
    promiseToSuspension(promise: Promise<unknown>): Suspension;
    chain(first: unknown, ...steps: ((value: never) => unknown)[]): unknown;
    tryCatch(run: () => unknown, onError: (error: unknown) => unknown): unknown;
    retryOptionalSuspensionOrThrow<T>(value: T | Suspension, message?: string): T;
    richCompareBool(a: PyObject, b: PyObject, op: string, canSuspend?: boolean): boolean;
    isTrue(value: PyObject): boolean;
    objectRepr(value: PyObject): string;
    arrayFromIterable(value: PyObject, canSuspend?: boolean): PyObject[] | Suspension;
    buildClass(
      globals: Record<string, unknown>,
      body: (globals: unknown, locals: Record<string, PyObject>) => void,
      name: string,
      bases: PyObject[],
      cell?: unknown,
      kwargs?: Kwargs,
    ): PyType;
  };
  abstr: {
    buildNativeClass<T extends PyObject>(name: string, options: NativeClassOptions<T>): PyType;
    gattr(value: PyObject, name: PyStr, canSuspend?: boolean): PyObject;
    sattr(value: PyObject, name: PyStr, to: PyObject, canSuspend?: boolean): void;
    objectGetItem(value: PyObject, key: PyObject, canSuspend?: boolean): PyObject;
    objectSetItem(value: PyObject, key: PyObject, to: PyObject, canSuspend?: boolean): void;
    lookupSpecial(value: PyObject, name: PyStr): PyObject | undefined;
    typeName(value: PyObject): string;
    keywordArrayFromPyDict(dict: PyDict): Kwargs;
    iter(value: PyObject): PyObject;
    copyKeywordsToNamedArgs(
      name: string,
      params: (string | null)[],
      args: PyObject[],
      kwargs: Kwargs | undefined,
      defaults: unknown[],
    ): PyObject[];
  };
  generic: {
    new: unknown;
    getAttr(this: PyObject, name: PyStr, canSuspend?: boolean): PyObject | undefined;
    setAttr(
      this: PyObject,
      name: PyStr,
      value: PyObject | undefined,
      canSuspend?: boolean,
    ): unknown;
    getSetDict: unknown;
  };
  ffi: {
    remapToPy(value: unknown, hooks?: Record<string, unknown>): PyObject;
    remapToJs(value: unknown, hooks?: Record<string, unknown>): unknown;
    remapToJsOrWrap(value: unknown): unknown;
    proxy(value: unknown, flags?: Record<string, unknown>): PyObject;
  };
  /** Hands a native module or form template to the code that stands in for its file. */
  /** Raises what went wrong when a module was read; by its number in `files.ts`. */
  /** Limits of time, or null for none: the compiler then leaves out the clocks. */
  execLimit: number | null;
  yieldLimit: number | null;
  anvil$raise?: (index: number) => never;
  anvil$module?: (name: string, globals: Record<string, PyObject>) => unknown;
}

declare global {
  const Sk: SkGlobal;
}
