/** What stands where a component could not be made: says so. */

import { textProperty, defineComponent } from "./classic/classic";

export const InvalidComponent = defineComponent({
  name: "InvalidComponent",
  properties: [
    textProperty("text", "", (self, text) => {
      self.root$.textContent = text;
    }),
  ],
  build() {
    const root = document.createElement("div");
    root.className = "anvil-invalid-component";
    root.setAttribute("role", "alert");
    return root;
  },
});
