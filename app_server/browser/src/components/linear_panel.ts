/** `anvil.LinearPanel`: components below one another. */

import { variadic, type Kwargs, type PyObject } from "../engine/skulpt";
import { ClassicContainer, defineComponent, type Classic } from "./classic/classic";
import {
  appearanceGroup,
  layoutGroup,
  rowSpacingProperty,
  spacingGroup,
  tooltipProperty,
} from "./classic/groups";
import { cls } from "./classic/theme";
import { insertInOrder, type Holders } from "./classic/order";
import { addArguments, adopt, placeOf } from "./core/container";
import type { Component } from "./core/types";

export const LinearPanel = defineComponent({
  name: "LinearPanel",
  base: ClassicContainer,
  properties: [
    ...appearanceGroup(),
    rowSpacingProperty(),
    ...spacingGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-container";
    const list = document.createElement("ul");
    list.className = cls("linear-panel");
    list.setAttribute("role", "presentation"); // it is layout, not a list
    root.append(list);
    self.parts$.list = list;
    self.holders$ = new WeakMap() satisfies Holders;
    return root;
  },
  methods: {
    add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      const { index } = addArguments(args, kwargs);
      const at = placeOf(this, index);
      return adopt(this, args[0], at, (element) => {
        const item = document.createElement("li");
        item.setAttribute("role", "presentation");
        item.append(element);
        const holders = this.holders$ as Holders;
        insertInOrder(this, holders, this.parts$.list!, item, at);
        holders.set(args[0] as Component, item);
        return { onRemove: () => item.remove() };
      });
    }),
  },
});
