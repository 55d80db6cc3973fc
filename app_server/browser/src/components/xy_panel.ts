/** `anvil.XYPanel`: components at coordinates, in pixels from its top left. */

import {
  isNone,
  method,
  pyFloat,
  pyInt,
  toJs,
  variadic,
  type Kwargs,
  type PyObject,
} from "../engine/skulpt";
import { ClassicContainer, defineComponent, property, type Classic } from "./classic/classic";
import {
  alignProperty,
  appearanceGroup,
  heightProperty,
  layoutGroup,
  marginGroup,
  tooltipProperty,
} from "./classic/groups";
import { cls, cssLength } from "./classic/theme";
import { addArguments, adopt } from "./core/container";

const lengthOf = (value: PyObject | undefined): string =>
  isNone(value) ? "" : cssLength(toJs(value));

export const XYPanel = defineComponent({
  name: "XYPanel",
  base: ClassicContainer,
  properties: [
    heightProperty("holder"),
    alignProperty("center"),
    ...appearanceGroup(),
    ...layoutGroup(),
    property("width", "number", null, (self, value) => {
      self.parts$.holder!.style.width = lengthOf(value) || "100%";
    }),
    ...marginGroup(),
    tooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = `${cls("xy-panel")} anvil-container`;
    const holder = document.createElement("div");
    holder.className = cls("holder");
    Object.assign(holder.style, { display: "inline-block", position: "relative", width: "100%" });
    root.append(holder);
    self.parts$.holder = holder;
    return root;
  },
  methods: {
    add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      const { x, y, width } = addArguments(args, kwargs);
      return adopt(this, args[0], this.state$.children.length, (shown) => {
        const item = document.createElement("div");
        item.className = "anvil-xy-panel-item";
        Object.assign(item.style, {
          position: "absolute",
          left: lengthOf(x) || "0",
          top: lengthOf(y) || "0",
          width: lengthOf(width),
        });
        item.classList.toggle("anvil-xy-panel-item-has-width", lengthOf(width) !== "");
        item.append(shown);
        this.parts$.holder!.append(item);
        return { onRemove: () => item.remove() };
      });
    }),
    get_width: method<Classic>([], function () {
      const width = this.root$.offsetWidth;
      return Number.isInteger(width) ? pyInt(width) : pyFloat(width);
    }),
  },
});
