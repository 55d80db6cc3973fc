/** `anvil.TextBox`: one line of text, or a number. */

import { defineComponent } from "./classic/classic";
import { cls } from "./classic/theme";
import {
  hideTextProperty,
  listenToText,
  TEXT_EVENTS,
  textInputProperties,
  textMethods,
  typeProperty,
} from "./text_input";

export const TextBox = defineComponent({
  name: "TextBox",
  events: TEXT_EVENTS,
  properties: textInputProperties([typeProperty(), hideTextProperty()]),
  build() {
    const input = document.createElement("input");
    input.type = "text";
    input.className = `anvil-text-box ${cls("form-control", "to-disable")}`;
    return input;
  },
  ready: listenToText,
  methods: textMethods,
});
