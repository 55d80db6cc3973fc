/** `anvil.Label`: text that the person cannot change. */

import { defineComponent } from "./classic/classic";
import {
  alignProperty,
  appearanceGroup,
  fontGroup,
  iconGroup,
  layoutGroup,
  shownTextProperty,
  spacingGroup,
  tooltipProperty,
} from "./classic/groups";
import { iconElements } from "./classic/icons";
import { cls } from "./classic/theme";

export const Label = defineComponent({
  name: "Label",
  properties: [
    shownTextProperty(),
    alignProperty("left"),
    ...fontGroup(),
    ...iconGroup(),
    ...appearanceGroup(),
    ...spacingGroup("text"),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-label anvil-inlinable";
    const text = document.createElement("span");
    text.className = cls("label-text");
    self.parts$.text = text;
    const icons = iconElements(self);
    root.append(icons.left, text, icons.right);
    return root;
  },
});
