/** `anvil.CheckBox`. */

import { isNone, isTrue, pyBool, pyNone } from "../engine/skulpt";
import { buildChoice, choiceControl, choiceProperties } from "./classic/choice";
import { defineComponent, isOn, property, valueOf, type Classic } from "./classic/classic";
import { focusMethod } from "./classic/control";
import { cls } from "./classic/theme";
import { dispatch } from "./core/events";

/** Neither checked nor not: only where `allow_indeterminate` is on, by `checked = None`. */
function showIndeterminate(self: Classic): void {
  choiceControl(self).indeterminate =
    isOn(self, "allow_indeterminate") && isNone(valueOf(self, "checked"));
}

export const CheckBox = defineComponent({
  name: "CheckBox",
  events: ["change"],
  properties: choiceProperties([
    property("allow_indeterminate", "boolean", false, showIndeterminate),
    property(
      "checked",
      "boolean",
      false,
      (self, value) => {
        choiceControl(self).checked = isTrue(value);
        showIndeterminate(self);
      },
      {
        read(self) {
          const { checked, indeterminate } = choiceControl(self);
          return indeterminate ? pyNone : pyBool(checked);
        },
      },
    ),
  ]),
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-inlinable";
    const box = document.createElement("div");
    box.className = cls("checkbox");
    box.append(buildChoice(self, "checkbox"));
    root.append(box);
    return root;
  },
  ready(self) {
    choiceControl(self).addEventListener("change", () => {
      self.values$.set("checked", pyBool(choiceControl(self).checked));
      dispatch(self, "change", {}, "checked");
    });
  },
  methods: { focus: focusMethod },
});
