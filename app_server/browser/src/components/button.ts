/** `anvil.Button`. The root is a box around the button, as in Anvil's DOM. */

import { toPy } from "../engine/skulpt";
import { defineComponent } from "./classic/classic";
import {
  alignProperty,
  appearanceGroup,
  enabledProperty,
  fontGroup,
  heldKeys,
  iconGroup,
  layoutGroup,
  shownTextProperty,
  showAlign,
  spacingGroup,
  tooltipProperty,
} from "./classic/groups";
import { iconElements } from "./classic/icons";
import { cls } from "./classic/theme";
import { dispatch } from "./core/events";

export const Button = defineComponent({
  name: "Button",
  events: ["click"],
  properties: [
    shownTextProperty(),
    alignProperty("center", ["left", "center", "right", "full"], (self, choice) => {
      const isFull = choice === "full";
      self.parts$.button!.style.width = isFull ? "100%" : "";
      self.root$.classList.toggle("anvil-inlinable", !isFull);
      if (!isFull) showAlign(self, choice);
    }),
    ...fontGroup("button"),
    ...iconGroup(),
    ...appearanceGroup("button"),
    enabledProperty("button"),
    ...spacingGroup("button"),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-inlinable anvil-button";
    const button = document.createElement("button");
    button.type = "button";
    button.className = cls("btn", "btn-default", "to-disable");
    const text = document.createElement("span");
    text.className = cls("button-text");
    const icons = iconElements(self);
    button.append(icons.left, text, icons.right);
    root.append(button);
    Object.assign(self.parts$, { button, text });
    return root;
  },
  ready(self) {
    self.parts$.button!.addEventListener("click", (event) => {
      event.stopPropagation(); // a Link around the button is not clicked
      dispatch(self, "click", { keys: toPy(heldKeys(event)) });
    });
  },
});
