/** `anvil.RadioButton`: one of those with the same `group_name` is selected at a time. */

import {
  bindableFunction,
  chain,
  isNone,
  isTrue,
  pyBool,
  pyError,
  pyNone,
  pyStr,
  textOf,
  type PyObject,
} from "../engine/skulpt";
import { fromDom, raiseEvent, writeBack } from "./core/events";
import { buildChoice, choiceControl, choiceProperties } from "./classic/choice";
import { defineComponent, property, type Classic } from "./classic/classic";
import { focusMethod } from "./classic/control";
import { cls, plainText } from "./classic/theme";

const isRadio = (value: PyObject | undefined): value is Classic =>
  (value as Classic | undefined)?.definition$ !== undefined &&
  (value as Classic).parts$.control !== undefined;

/** The value of the group's selected button in a document or a part not yet in one. */
function groupValue(name: string, root: Document | Element | ShadowRoot): PyObject {
  const selector = `input[type="radio"][name="${CSS.escape(name)}"]:checked`;
  const found = root.querySelector<HTMLInputElement>(selector);
  return found === null ? pyNone : pyStr(found.value);
}

/** `button.get_group_value()`, also with a group's name, and `RadioButton.get_group_value(name)`. */
function getGroupValue(args: PyObject[]): PyObject {
  const self = isRadio(args[0]) ? args[0] : null;
  const [given, ...more] = self === null ? args : args.slice(1);
  if (more.length > 0 || (self === null && given === undefined)) {
    throw pyError("TypeError", "RadioButton.get_group_value() takes the name of a group");
  }
  const name = given === undefined ? choiceControl(self!).name : textOf(given);
  const root = self === null ? document : self.root$.getRootNode();
  return groupValue(name, root as Document | Element);
}

export const RadioButton = defineComponent({
  name: "RadioButton",
  events: ["clicked", "change"],
  properties: choiceProperties([
    property(
      "group_name",
      "string",
      "radioGroup1",
      (self, value) => {
        choiceControl(self).name = plainText(value);
      },
      { read: (self) => pyStr(choiceControl(self).name) },
    ),
    property(
      "value",
      "string",
      "",
      (self, value) => {
        choiceControl(self).value = isNone(value) ? "" : textOf(value);
      },
      { read: (self) => pyStr(choiceControl(self).value) },
    ),
    property(
      "selected",
      "boolean",
      false,
      (self, value) => {
        choiceControl(self).checked = isTrue(value);
      },
      { read: (self) => pyBool(choiceControl(self).checked) },
    ),
  ]),
  build(self) {
    const root = document.createElement("div");
    root.className = `${cls("radio")} anvil-inlinable`;
    root.append(buildChoice(self, "radio"));
    // Without a value attribute a browser's radio button has the value "on".
    choiceControl(self).value = "";
    return root;
  },
  ready(self) {
    choiceControl(self).addEventListener("change", () =>
      fromDom(() =>
        chain(
          writeBack(self, "selected"),
          () => raiseEvent(self, "clicked"),
          () => raiseEvent(self, "change"),
        ),
      ),
    );
  },
  methods: { focus: focusMethod },
  members: { get_group_value: bindableFunction("get_group_value", getGroupValue) },
});
