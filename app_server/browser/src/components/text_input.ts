/** What TextBox and TextArea share. */

import { method, pyNone, pyStr, textOf, toJs, toPy } from "../engine/skulpt";
import {
  enumProperty,
  jsValueOf,
  property,
  textProperty,
  type Classic,
  type Property,
} from "./classic/classic";
import {
  alignProperty,
  appearanceGroup,
  enabledProperty,
  fontGroup,
  layoutGroup,
  marginGroup,
} from "./classic/groups";
import { plainText } from "./classic/theme";
import { dispatch } from "./core/events";

export type TextControl = HTMLInputElement | HTMLTextAreaElement;
export const controlOf = (self: Classic): TextControl => self.root$ as TextControl;

const isNumber = (self: Classic): boolean => jsValueOf(self, "type") === "number";

/** `text`; of a number box it is a number or None, as Anvil has it. */
const textValueProperty = (): Property =>
  property(
    "text",
    "string",
    "",
    (self, value) => {
      const text = plainText(value);
      const control = controlOf(self);
      // Writing the same text again would move the cursor.
      if (control.value !== text) control.value = text;
      self.written$ = control.value;
      self.grow$?.();
    },
    {
      read(self) {
        const { value } = controlOf(self);
        if (!self.propertyTable$.has("type") || !isNumber(self)) return pyStr(value);
        const number = Number.parseFloat(value);
        return toPy(Number.isNaN(number) ? null : number);
      },
    },
  );

/** A tooltip that is also the box's name for a screen reader: a title alone is often not read. */
const namingTooltipProperty = (): Property =>
  textProperty("tooltip", "", (self, tooltip) => {
    for (const attribute of ["title", "aria-label"]) {
      if (tooltip === "") controlOf(self).removeAttribute(attribute);
      else controlOf(self).setAttribute(attribute, tooltip);
    }
  });

export const TYPES = ["text", "number", "email", "tel", "url"] as const;

/** Properties in the order in which they are set: the type before the text. */
export const textInputProperties = (own: Property[]): Property[] => [
  ...own,
  textValueProperty(),
  textProperty("placeholder", "", (self, text) => {
    controlOf(self).placeholder = text;
  }),
  alignProperty("left"),
  ...fontGroup(),
  ...appearanceGroup(),
  enabledProperty(),
  ...marginGroup(),
  ...layoutGroup(),
  namingTooltipProperty(),
];

export const typeProperty = (): Property =>
  enumProperty("type", "text", TYPES, (self) => showType(self));

export const hideTextProperty = (): Property =>
  property("hide_text", "boolean", false, (self) => showType(self));

function showType(self: Classic): void {
  const control = controlOf(self) as HTMLInputElement;
  const type = textOf(toPy(jsValueOf(self, "type") ?? "text"));
  control.type = jsValueOf(self, "hide_text") ? "password" : type;
  if (type === "number") control.step = "any";
  else control.removeAttribute("step");
}

export const TEXT_EVENTS = ["change", "pressed_enter", "focus", "lost_focus"];

/** `change` while typing; write-back when the person leaves the box or presses Enter. */
export function listenToText(self: Classic): void {
  const control = controlOf(self);
  self.written$ = control.value;
  const noteWritten = (): string | undefined => {
    if (control.value === self.written$) return undefined;
    self.written$ = control.value;
    return "text";
  };
  control.addEventListener("input", () => {
    self.grow$?.();
    dispatch(self, "change");
  });
  control.addEventListener("focus", () => dispatch(self, "focus"));
  control.addEventListener("blur", () => dispatch(self, "lost_focus", {}, noteWritten()));
  control.addEventListener("keydown", (event) => {
    const { key, isComposing } = event as KeyboardEvent;
    if (key !== "Enter" || isComposing || control instanceof HTMLTextAreaElement) return;
    dispatch(self, "pressed_enter", {}, noteWritten());
  });
}

export const textMethods = {
  focus: method<Classic>([], function () {
    controlOf(this).focus();
    return pyNone;
  }),
  select: method<Classic>(
    ["start", "end"],
    function (start, end) {
      const control = controlOf(this);
      const from = toJs(start) as number | null;
      const to = toJs(end) as number | null;
      if (from === null && to === null) control.select();
      else control.setSelectionRange(from ?? 0, to ?? control.value.length);
      return pyNone;
    },
    { start: pyNone, end: pyNone },
  ),
};
