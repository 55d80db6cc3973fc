/** `anvil.Spacer`: empty space. */

import { defineComponent, textProperty } from "./classic/classic";
import { layoutGroup, tooltipProperty, visibleProperty } from "./classic/groups";
import { cssLength } from "./classic/theme";

export const Spacer = defineComponent({
  name: "Spacer",
  properties: [
    textProperty("height", "32", (self, height) => {
      self.root$.style.height = cssLength(height);
    }),
    visibleProperty(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build() {
    const root = document.createElement("div");
    root.className = "anvil-spacer";
    return root;
  },
});
