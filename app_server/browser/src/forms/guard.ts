/** Names of components are kept for the components. */

import {
  genericGetAttr,
  genericSetAttr,
  pyError,
  type PyObject,
  type PyStr,
  type PyType,
} from "../engine/skulpt";
import type { Form } from "./form_state";

/** A component's name stands for the component, whatever the class has under it. */
export function guardNames(type: PyType): void {
  const proto = type.prototype;
  proto.tp$getattr = function (this: Form, name: PyStr, canSuspend?: boolean) {
    const component = this.form$?.components.get(name.v);
    return component ?? genericGetAttr.call(this, name, canSuspend);
  };
  proto.tp$setattr = function (this: Form, name: PyStr, value?: PyObject, canSuspend?: boolean) {
    if (this.form$?.components.has(name.v)) {
      throw pyError(
        "AttributeError",
        `Cannot set attribute '${name.v}' on '${this.tp$name}' form. ` +
          "There is already a component with this name.",
      );
    }
    return genericSetAttr.call(this, name, value, canSuspend);
  };
}
