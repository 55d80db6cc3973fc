/** Shapes of Python values as JavaScript sees them. */

/** Keyword arguments as Skulpt passes them: name, value, name, value, ... */
export type Kwargs = (string | PyObject)[];

export interface PyObject {
  readonly ob$type: PyType;
  readonly tp$name: string;
  /** Names JavaScript code may hang on a Python object (see `proto` of a native class). */
  [member: string]: any; // eslint-disable-line @typescript-eslint/no-explicit-any
  tp$getattr(name: PyStr, canSuspend?: boolean): PyObject | undefined;
  tp$setattr(name: PyStr, value: PyObject | undefined, canSuspend?: boolean): unknown;
}

export interface PyStr extends PyObject {
  readonly v: string;
}

export interface PyDict extends PyObject {
  mp$subscript(key: PyObject): PyObject;
  mp$ass_subscript(key: PyObject, value: PyObject): void;
  quick$lookup(key: PyObject): PyObject | undefined;
  $items(): [PyObject, PyObject][];
}

export interface PyModule extends PyObject {
  $d: Record<string, PyObject>;
}

export interface PyType extends PyObject {
  new (...args: never[]): PyObject;
  readonly prototype: PyObject;
}

/** A Python exception as JavaScript catches it. */
export interface PyException extends PyObject {
  args: PyObject & { v: PyObject[] };
  traceback: { filename: string; lineno: number; colno?: number; fromServer?: boolean }[];
  nativeError?: unknown;
}

/** Python that waits for something; `engine/skulpt.ts` makes and resolves these. */
export interface Suspension {
  readonly $isSuspension: true;
  data: { type: string; promise?: Promise<unknown>; result?: unknown; error?: unknown };
  resume(): unknown;
  optional?: boolean;
}

/** What a call into Python gives at once: its result, or a wait for it. */
export type Result<T = PyObject> = T | Suspension;

/** How Python arguments reach a JavaScript function. */
export interface CallFlags {
  NoArgs?: boolean;
  OneArg?: boolean;
  MinArgs?: number;
  MaxArgs?: number;
  /** `null` names a positional-only argument. */
  NamedArgs?: (string | null)[];
  Defaults?: unknown[];
  /** The function gets `(args: PyObject[], kwargs?: Kwargs)`. */
  FastCall?: boolean;
}

export interface MethodDef<T = PyObject> {
  $name?: string;
  $doc?: string;
  $meth(this: T, ...args: any[]): unknown; // eslint-disable-line @typescript-eslint/no-explicit-any
  $flags: CallFlags;
}

export interface GetSetDef<T = PyObject> {
  $get(this: T): Result;
  $set?(this: T, value: PyObject | undefined): unknown;
  $doc?: string;
}

export interface NativeClassOptions<T extends PyObject = PyObject> {
  constructor: (this: T, ...args: any[]) => void; // eslint-disable-line @typescript-eslint/no-explicit-any
  base?: PyType;
  slots?: Record<string, unknown> & ThisType<T>;
  methods?: Record<string, MethodDef<T>>;
  classmethods?: Record<string, MethodDef<PyType>>;
  getsets?: Record<string, GetSetDef<T>>;
  proto?: Record<string, unknown> & ThisType<T>;
  flags?: Record<string, unknown>;
}
