/** What a form's constructor does with its arguments. */

import {
  callMethod,
  chain,
  chainEach,
  isDict,
  isException,
  isList,
  isStr,
  isTuple,
  kwargsToObject,
  pyName,
  pyNone,
  pyStr,
  setAttr,
  tryCatch,
  type Kwargs,
  type PyObject,
  type PyType,
  type Result,
} from "../engine/skulpt";
import { mroOf } from "../components/core/events";
import { leafOf, type FormTemplate } from "../templates/shape";
import type { Form } from "./form_state";

/** Set constructor arguments as properties; then refresh the bindings once. */
export function initComponents(form: Form, template: FormTemplate, kwargs?: Kwargs): Result {
  const known = knownProperties(form.ob$type);
  const given = Object.entries(kwargsToObject(kwargs)).filter(([name]) => {
    if (!known.has(name)) console.warn(`${form.tp$name}: there is no property '${name}' to set`);
    return known.has(name);
  });
  form.form$.refreshesOnItem = false;
  const each = chainEach(given, ([name, value]) =>
    tryCatch<unknown>(
      () => setAttr(form, name, value),
      (error) => {
        form.form$.refreshesOnItem = true;
        throw prefixed(error, `property '${name}' of ${leafOf(template.name)}`);
      },
    ),
  );
  return chain(
    each,
    () => {
      form.form$.refreshesOnItem = true;
      return callMethod(form, "refresh_data_bindings");
    },
    () => pyNone,
  );
}

/** The same error, its message saying what was being done. */
function prefixed(error: unknown, doing: string): unknown {
  if (!isException(error)) return error;
  const [message] = error.args.v;
  if (isStr(message)) error.args.v[0] = pyStr(`${doing}: ${message.v}`);
  return error;
}

const knownByClass = new WeakMap<PyType, Set<string>>();

/** Names that a form's constructor takes: its own properties and those of its container. */
function knownProperties(type: PyType): Set<string> {
  let known = knownByClass.get(type);
  if (known === undefined) {
    known = new Set(["item", "visible", "tag"]);
    for (const one of mroOf(type)) {
      const own = Object.getOwnPropertyDescriptor(one.prototype, "_anvil_properties_")?.value as
        PyObject | undefined;
      for (const listed of isList(own) || isTuple(own) ? own.v : []) {
        const name = isDict(listed) ? listed.quick$lookup(pyName("name")) : undefined;
        if (isStr(name)) known.add(name.v);
      }
    }
    knownByClass.set(type, known);
  }
  return known;
}
