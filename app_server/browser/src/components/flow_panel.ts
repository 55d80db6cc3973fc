/** `anvil.FlowPanel`: components beside one another, wrapping onto further lines. */

import {
  isNone,
  isStr,
  isTrue,
  pyStr,
  toJs,
  variadic,
  type Kwargs,
  type PyObject,
} from "../engine/skulpt";
import {
  ClassicContainer,
  defineComponent,
  enumProperty,
  jsValueOf,
  property,
  valueOf,
  type Classic,
} from "./classic/classic";
import { appearanceGroup, layoutGroup, tooltipProperty } from "./classic/groups";
import { insertInOrder, type Holders } from "./classic/order";
import { cls, cssLength, marginStyles, paddingStyles, spacingParts, toggle } from "./classic/theme";
import { addArguments, adopt, placeOf } from "./core/container";
import type { Component } from "./core/types";

const GAPS = ["none", "tiny", "small", "medium", "large", "huge"];
const ALIGNS = {
  left: "flex-start",
  center: "center",
  right: "flex-end",
  justify: "space-between",
};
const VERTICALS = ["top", "middle", "bottom", "full"] as const;

const isGap = (value: PyObject): boolean => isStr(value) && GAPS.includes(value.v);

/** The gap: its own property, or `spacing` as it was meant before there was one. */
function gapOf(self: Classic): PyObject {
  const own = valueOf(self, "gap");
  if (!isNone(own)) return own;
  const spacing = valueOf(self, "spacing");
  return isGap(spacing) ? spacing : pyStr("medium");
}

function showGap(self: Classic): void {
  const gap = toJs(gapOf(self));
  for (const one of GAPS) toggle(self.root$, `flow-spacing-${one}`, one === gap);
}

const holdersOf = (self: Classic): Holders => (self.holders$ ??= new WeakMap()) as Holders;

/** The box around a component. One that knows its own width gets none from the panel. */
function makeItem(shown: Element, width: PyObject | undefined, expand: PyObject | undefined) {
  const item = document.createElement("div");
  item.className = `${cls("flow-panel-item")} anvil-always-inline-container`;
  const knowsWidth = shown.classList.contains("anvil-inlinable");
  item.style.width = knowsWidth || isNone(width) ? "" : cssLength(toJs(width));
  if (!isNone(expand) && isTrue(expand!)) item.style.flex = "1";
  item.append(shown);
  return item;
}

export const FlowPanel = defineComponent({
  name: "FlowPanel",
  base: ClassicContainer,
  properties: [
    enumProperty("align", "left", Object.keys(ALIGNS), (self, choice) => {
      const justify = ALIGNS[choice as keyof typeof ALIGNS] ?? ALIGNS.left;
      self.parts$.gutter!.style.justifyContent = justify;
    }),
    enumProperty("vertical_align", "full", VERTICALS, (self, choice) => {
      for (const one of VERTICALS) toggle(self.root$, `vertical-align-${one}`, one === choice);
    }),
    property("gap", "enum", null, showGap, { read: gapOf }),
    property("spacing", "spacing", null, (self, value) => {
      const { margin, padding } = isGap(value)
        ? { margin: null, padding: null }
        : spacingParts(value);
      Object.assign(self.root$.style, marginStyles(margin), paddingStyles(padding));
      showGap(self);
    }),
    ...appearanceGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = `${cls("flow-panel")} anvil-container anvil-container-overflow`;
    const gutter = document.createElement("div");
    gutter.className = cls("flow-panel-gutter");
    root.append(gutter);
    self.parts$.gutter = gutter;
    return root;
  },
  ready(self) {
    if (isNone(jsValueOf(self, "gap"))) showGap(self);
  },
  methods: {
    add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      const { index, width, expand } = addArguments(args, kwargs);
      const at = placeOf(this, index);
      return adopt(this, args[0], at, (shown) => {
        const item = makeItem(shown, width, expand);
        insertInOrder(this, holdersOf(this), this.parts$.gutter!, item, at);
        holdersOf(this).set(args[0] as Component, item);
        return {
          onRemove: () => item.remove(),
          setVisible: (isVisible) => toggle(item, "visible-false", !isVisible),
        };
      });
    }),
  },
});
