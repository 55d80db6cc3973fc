/** What CheckBox and RadioButton share: a native control in a label with its text. */

import {
  alignProperty,
  appearanceGroup,
  enabledProperty,
  fontGroup,
  layoutGroup,
  shownTextProperty,
  spacingGroup,
  tooltipProperty,
} from "./groups";
import { type Classic, type Property } from "./classic";
import { cls } from "./theme";

/** The label; its parts are `label`, `control` and `text`. */
export function buildChoice(self: Classic, type: "checkbox" | "radio"): HTMLLabelElement {
  const label = document.createElement("label");
  const control = document.createElement("input");
  control.type = type;
  control.className = cls("to-disable");
  const text = document.createElement("span");
  label.append(control, text);
  Object.assign(self.parts$, { label, control, text });
  // A Link around it is not clicked.
  label.addEventListener("click", (event) => event.stopPropagation());
  return label;
}

export const choiceControl = (self: Classic): HTMLInputElement =>
  self.parts$.control as HTMLInputElement;

export const choiceProperties = (own: Property[]): Property[] => [
  ...own,
  shownTextProperty(),
  alignProperty("left"),
  ...fontGroup("label"),
  ...appearanceGroup(),
  enabledProperty("control"),
  ...spacingGroup("label"),
  ...layoutGroup(),
  tooltipProperty(),
];
