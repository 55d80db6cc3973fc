/**
 * What Python tells the wire about itself: portable classes, exception types and the classes of
 * `anvil.server` (see src/python/lib/anvil/server.py).
 */

import { pyError, type PyObject, type PyType } from "../engine/skulpt";

const portableClasses = new Map<string, PyType>();
const exceptionTypes = new Map<string, PyObject>();

export const registerPortableClass = (name: string, type: PyType): void =>
  void portableClasses.set(name, type);
export const findPortableClass = (name: string): PyType | undefined => portableClasses.get(name);

export const registerException = (name: string, type: PyObject): void =>
  void exceptionTypes.set(name, type);
export const findException = (name: string): PyObject | undefined => exceptionTypes.get(name);

/** The Python classes that (de)serialising needs; set while `anvil.server` is imported. */
export const serverClasses: {
  wrappedError?: PyObject;
  capability?: PyObject;
  makeCapability?: PyObject;
  serializationInfo?: PyObject;
  onInvalidated?: PyObject;
} = {};

export function required(name: keyof typeof serverClasses): PyObject {
  const value = serverClasses[name];
  if (value === undefined) throw pyError("RuntimeError", "anvil.server has not been imported");
  return value;
}
