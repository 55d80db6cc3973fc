/** `anvil.TextArea`: several lines of text. */

import { boolProperty, defineComponent, isOn } from "./classic/classic";
import { heightProperty } from "./classic/groups";
import { cls } from "./classic/theme";
import { listenToText, TEXT_EVENTS, textInputProperties, textMethods } from "./text_input";

export const TextArea = defineComponent({
  name: "TextArea",
  // Anvil lists `pressed_enter` here too; Enter makes a new line and never raises it.
  events: TEXT_EVENTS,
  properties: textInputProperties([
    heightProperty(),
    boolProperty("auto_expand", false, (self, isOn) => {
      self.root$.style.overflowY = isOn ? "hidden" : "";
      self.grow$();
    }),
  ]),
  build(self) {
    const area = document.createElement("textarea");
    area.className = `anvil-text-area ${cls("form-control", "to-disable")}`;
    // As tall as its text; measured only where it is laid out.
    self.grow$ = () => {
      if (!isOn(self, "auto_expand") || !area.isConnected) return;
      area.style.height = "auto";
      area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
    };
    return area;
  },
  ready(self) {
    listenToText(self);
    new ResizeObserver(() => self.grow$()).observe(self.root$);
  },
  methods: textMethods,
});
