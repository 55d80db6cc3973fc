/** Python functions and classes written in TypeScript; part of `engine/skulpt.ts`. */

import type { CallFlags, Kwargs, MethodDef, NativeClassOptions, PyObject, PyType } from "./types";

/**
 * A method or function in JavaScript. `params` are names, in order; those in `defaults` (by name)
 * may be left out. The implementation gets one argument for each.
 */
export function method<T = PyObject>(
  params: string[],
  implementation: (this: T, ...args: PyObject[]) => unknown,
  defaults: Record<string, unknown> = {},
): MethodDef<T> {
  const optional = params.filter((param) => param in defaults);
  const flags: CallFlags = {
    NamedArgs: params,
    Defaults: optional.map((param) => defaults[param]),
  };
  return { $meth: implementation, $flags: params.length === 0 ? { NoArgs: true } : flags };
}

/** Arguments in the order of `params`, for the slots `tp$init` and `tp$call`; see `method`. */
export function readArgs(
  name: string,
  params: string[],
  defaults: Record<string, unknown>,
  args: PyObject[],
  kwargs?: Kwargs,
): PyObject[] {
  const optional = params.filter((param) => param in defaults).map((param) => defaults[param]);
  return Sk.abstr.copyKeywordsToNamedArgs(name, params, args, kwargs, optional);
}

/** A method or function that takes whatever comes: `(args, kwargs)`. */
export function variadic<T = PyObject>(
  implementation: (this: T, args: PyObject[], kwargs?: Kwargs) => unknown,
): MethodDef<T> {
  return { $meth: implementation, $flags: { FastCall: true } };
}

/** A Python function from a definition made with `method` or `variadic`. */
export function pyFunction(name: string, definition: MethodDef, moduleName?: string): PyObject {
  return new Sk.builtin.sk_method({ ...definition, $name: name }, null, moduleName);
}

/**
 * A Python function that behaves like one written in Python: as a class attribute it binds, and
 * gets `self` as the first argument.
 */
export function bindableFunction(
  name: string,
  implementation: (args: PyObject[], kwargs?: Kwargs) => unknown,
): PyObject {
  const fast = (args: PyObject[], kwargs?: Kwargs): unknown => implementation(args, kwargs);
  Object.assign(fast, { co_fastcall: true, co_name: new Sk.builtin.str(name) });
  const Func = Sk.builtin.func as unknown as { new (code: unknown): PyObject };
  return new Func(fast);
}

/** A Python class written in JavaScript; Python may subclass it. See `NativeClassOptions`. */
export const nativeClass = <T extends PyObject = PyObject>(
  name: string,
  options: NativeClassOptions<T>,
): PyType => Sk.abstr.buildNativeClass(name, options);

/** A class as `class Name(bases):` makes it, with these members. */
export function buildClass(
  moduleName: string,
  name: string,
  bases: PyObject[],
  members: Record<string, PyObject> = {},
  keywords: Kwargs = [],
): PyType {
  const globals = { __name__: new Sk.builtin.str(moduleName) };
  return Sk.misceval.buildClass(
    globals,
    (_globals, locals) => {
      for (const [member, value] of Object.entries(members)) {
        locals[Sk.fixReserved(member)] = value;
      }
    },
    name,
    bases,
    undefined,
    keywords,
  );
}

/** The slot value that gives a native class Python's default `__new__`. */
export const genericNew: unknown = Sk.generic.new;
export const genericGetAttr = Sk.generic.getAttr;
export const genericSetAttr = Sk.generic.setAttr;
