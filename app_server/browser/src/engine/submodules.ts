/**
 * Modules within packages whose import failed once.
 *
 * Skulpt forgets a package whose code raised, but not the modules that it had imported by then; a
 * second try makes a new package, to which they are not attached: `from . import part` fails with
 * "partially initialized module". As in CPython, such a part is found among the imported modules.
 */

import { pyName, pyTypes, type PyObject, type PyStr } from "./skulpt";

type Lookup = (this: PyObject, name: PyStr, canSuspend?: boolean) => unknown;

export function findSubmodules(): void {
  const proto = pyTypes.module!.prototype as unknown as { tp$getattr: Lookup };
  const getAttribute = proto.tp$getattr;
  proto.tp$getattr = function (name, canSuspend) {
    const found = getAttribute.call(this, name, canSuspend);
    if (found !== undefined) return found;
    const members = (this as unknown as { $d: Record<string, PyStr | undefined> }).$d;
    if (members.__path__ === undefined || members.__name__ === undefined) return undefined;
    return Sk.sysmodules.quick$lookup(pyName(`${members.__name__.v}.${name.v}`));
  };
}
