/** `anvil.designer`: the running app is never in the designer, so nothing here has an effect. */

import { pyDict, pyFalse, pyFunction, pyNone, variadic, type PyObject } from "../../engine/skulpt";

const WITHOUT_EFFECT = [
  "get_design_name",
  "update_component_properties",
  "update_component_sections",
  "start_editing_subform",
  "start_editing_form",
  "register_interaction",
  "notify_interactions_changed",
  "request_form_property_change",
  "start_inline_editing",
];

export function defineDesigner(define: (name: string, value: PyObject) => void): void {
  define("in_designer", pyFalse);
  for (const name of WITHOUT_EFFECT) {
    define(
      name,
      pyFunction(
        name,
        variadic(() => pyNone),
        "anvil.designer",
      ),
    );
  }
  define(
    "get_designer_state",
    pyFunction(
      "get_designer_state",
      variadic(() => pyDict()),
    ),
  );
  const same = variadic((args: PyObject[]) => args[0] ?? pyNone);
  define("get_design_component", pyFunction("get_design_component", same, "anvil.designer"));
}
