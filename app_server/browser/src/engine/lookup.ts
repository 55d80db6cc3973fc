/** Members of Python modules by name, for TypeScript that needs them. */

import { findAttr, findModule, pyError, type PyObject } from "./skulpt";

const found = new Map<string, PyObject>();

/** A member of an imported module; raises ImportError if it is not imported or has no such name. */
export function lookUp(moduleName: string, member: string): PyObject {
  const key = `${moduleName}:${member}`;
  let value = found.get(key);
  if (value === undefined) {
    const module = findModule(moduleName);
    value = module && findAttr(module, member);
    if (value === undefined) {
      throw pyError("ImportError", `${moduleName}.${member} is not there (yet)`);
    }
    found.set(key, value);
  }
  return value;
}
