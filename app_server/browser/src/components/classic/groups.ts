/** The groups of properties that Anvil's classic components share. */

import { isTrue, toJs } from "../../engine/skulpt";
import { setVisible } from "../core/page";
import {
  boolProperty,
  enumProperty,
  property,
  textProperty,
  type Classic,
  type Property,
} from "./classic";
import { showIcon, showIconSide } from "./icons";
import {
  applyRoles,
  cssColor,
  cssLength,
  marginStyles,
  paddingStyles,
  spacingParts,
  toggle,
} from "./theme";

/** The element that a group styles: a part of the component, or its root. */
const part = (self: Classic, name: string | undefined): HTMLElement =>
  (name === undefined ? undefined : self.parts$[name]) ?? self.root$;

const SPACES = ["none", "small", "medium", "large"] as const;

const spaceProperty = (side: "above" | "below"): Property =>
  enumProperty(`spacing_${side}`, "small", SPACES, (self, choice) => {
    for (const space of SPACES) {
      self.root$.classList.toggle(`anvil-spacing-${side}-${space}`, space === choice);
    }
  });

export const layoutGroup = (): Property[] => [
  spaceProperty("above"),
  spaceProperty("below"),
  textProperty("width", "default", (self, width) => {
    self.root$.style.width = cssLength(width);
  }),
];

/** `spacing`: margin outside the root, padding inside `padded` (the root unless named). */
export const spacingGroup = (padded?: string): Property[] => [
  property("spacing", "spacing", null, (self, value) => {
    const { margin, padding } = spacingParts(value);
    Object.assign(self.root$.style, marginStyles(margin));
    Object.assign(part(self, padded).style, paddingStyles(padding));
  }),
];

export const marginGroup = (): Property[] => [
  property("margin", "margin", null, (self, value) => {
    Object.assign(self.root$.style, marginStyles(toJs(value)));
  }),
];

/** Lettering of the component, on `styled`. */
export const fontGroup = (styled?: string): Property[] => [
  property("font_size", "number", null, (self, value) => {
    const size = toJs(value);
    part(self, styled).style.fontSize = typeof size === "number" ? `${size}px` : "";
  }),
  textProperty("font", "", (self, font) => {
    part(self, styled).style.fontFamily = font;
  }),
  boolProperty("bold", false, (self, isOn) => {
    part(self, styled).style.fontWeight = isOn ? "bold" : "";
  }),
  boolProperty("italic", false, (self, isOn) => {
    part(self, styled).style.fontStyle = isOn ? "italic" : "";
  }),
  boolProperty("underline", false, (self, isOn) => {
    part(self, styled).style.textDecoration = isOn ? "underline" : "";
    // An inline block does not take its container's underline.
    const text = self.parts$.text;
    if (text) text.style.textDecoration = isOn ? "underline" : "";
  }),
];

const ALIGNS = ["left", "center", "right"] as const;

export const alignProperty = (
  initial: string,
  options: readonly string[] = ALIGNS,
  show: (self: Classic, choice: string) => void = showAlign,
): Property => enumProperty("align", initial, options, show);

export function showAlign(self: Classic, choice: string): void {
  for (const align of [...ALIGNS, "justify"]) {
    toggle(self.root$, `align-${align}`, align === choice);
  }
  self.root$.style.textAlign = choice;
}

/** The text in `parts$.text`. */
export const shownTextProperty = (): Property =>
  textProperty("text", "", (self, text) => {
    toggle(self.root$, "has-text", text !== "");
    self.parts$.text!.textContent = text;
  });

export const iconGroup = (): Property[] => [
  textProperty("icon", "", showIcon, "icon"),
  enumProperty(
    "icon_align",
    "left",
    ["left_edge", "left", "top", "right", "right_edge"],
    showIconSide,
  ),
];

const colorProperty = (
  name: string,
  style: "backgroundColor" | "color",
  styled?: string,
): Property =>
  textProperty(
    name,
    "",
    (self, value) => {
      part(self, styled).style[style] = cssColor(value);
    },
    "color",
  );

export const visibleProperty = (): Property =>
  property("visible", "boolean", true, (self, value) => {
    const isVisible = isTrue(value);
    toggle(self.root$, "visible-false", !isVisible);
    return setVisible(self, isVisible);
  });

/** Colours (of `colored`), border, visibility and role. */
export const appearanceGroup = (colored?: string): Property[] => [
  colorProperty("background", "backgroundColor", colored),
  colorProperty("foreground", "color", colored),
  textProperty("border", "", (self, border) => {
    self.root$.style.border = border;
  }),
  visibleProperty(),
  property("role", "themeRole", null, (self, value) => applyRoles(self.root$, value)),
];

/** `enabled` of the control in `parts$[control]`, or of the root. */
export const enabledProperty = (control?: string): Property =>
  boolProperty("enabled", true, (self, isEnabled) => {
    part(self, control).toggleAttribute("disabled", !isEnabled);
    self.root$.toggleAttribute("disabled", !isEnabled);
  });

export const tooltipProperty = (): Property =>
  textProperty("tooltip", "", (self, tooltip) => {
    if (tooltip === "") self.root$.removeAttribute("title");
    else self.root$.setAttribute("title", tooltip);
  });

export const heightProperty = (styled?: string): Property =>
  textProperty("height", "", (self, height) => {
    part(self, styled).style.height = cssLength(height);
  });

export const rowSpacingProperty = (): Property => property("row_spacing", "number", 10);

/** Keys held during a mouse event, as Anvil gives them to handlers. */
export const heldKeys = (event: MouseEvent): Record<string, boolean> => ({
  shift: event.shiftKey,
  alt: event.altKey,
  ctrl: event.ctrlKey,
  meta: event.metaKey,
});
