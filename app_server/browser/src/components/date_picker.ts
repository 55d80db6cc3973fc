/**
 * `anvil.DatePicker`: a date, or a date and time, by the browser's own input.
 *
 * While the input has no focus, the date is shown as `format` has it, and the placeholder where
 * there is no date: the browser's input knows neither, so a text lies over it.
 */

import { pyError, pyNone, type PyObject } from "../engine/skulpt";
import {
  boolProperty,
  defineComponent,
  isOn,
  property,
  textProperty,
  valueOf,
  type Classic,
  type Property,
} from "./classic/classic";
import { controlTooltipProperty, focusMethod, nameControl } from "./classic/control";
import { formatDate, fromNative, hasTime, readDate, toNative, toPyDate } from "./classic/dates";
import {
  alignProperty,
  appearanceGroup,
  enabledProperty,
  fontGroup,
  layoutGroup,
  marginGroup,
} from "./classic/groups";
import { cls, plainText, toggle } from "./classic/theme";
import { dispatch } from "./core/events";

/** Years below are what is there while a later year is being typed. */
const FIRST_YEAR = 1000;

const inputOf = (self: Classic): HTMLInputElement => self.parts$.control as HTMLInputElement;
const hasClock = (self: Classic): boolean => isOn(self, "pick_time");
const dateOf = (self: Classic): Date | null => (self.date$ ?? null) as Date | null;
const formatOf = (self: Classic): string => plainText(valueOf(self, "format"));

function showText(self: Classic): void {
  const shown = self.parts$.shown!;
  const date = dateOf(self);
  const format = formatOf(self);
  if (date !== null) shown.textContent = format && formatDate(date, format, hasClock(self));
  else shown.textContent = plainText(valueOf(self, "placeholder"));
  shown.classList.toggle("anvil-datepicker-placeholder", date === null);
  self.root$.classList.toggle("anvil-datepicker-covered", shown.textContent !== "");
}

function showDate(self: Classic): void {
  const input = inputOf(self);
  const date = dateOf(self);
  const value = date === null ? "" : toNative(date, hasClock(self));
  if (input.value !== value) input.value = value; // writing it again would move the cursor
  showText(self);
}

function setDate(self: Classic, value: PyObject): void {
  if (hasTime(value) && !hasClock(self)) {
    throw pyError(
      "ValueError",
      "Cannot display a datetime object on a DatePicker without setting pick_time to True.",
    );
  }
  self.date$ = readDate(value, formatOf(self), "date");
  showDate(self);
}

/** A bound of the dates that may be chosen: the attribute of the input that says so. */
const boundProperty = (name: "min_date" | "max_date", attribute: "min" | "max"): Property =>
  property(name, "string", "", (self, value) => {
    const bound = readDate(value, formatOf(self), name);
    self[`${attribute}$`] = bound;
    inputOf(self)[attribute] = bound === null ? "" : toNative(bound, hasClock(self));
  });

function showKind(self: Classic): void {
  inputOf(self).type = hasClock(self) ? "datetime-local" : "date";
  for (const attribute of ["min", "max"] as const) {
    const bound = self[`${attribute}$`] as Date | null | undefined;
    inputOf(self)[attribute] = bound ? toNative(bound, hasClock(self)) : "";
  }
  showDate(self);
}

/** The nearest date that may be chosen. */
function within(self: Classic, date: Date): Date {
  const native = toNative(date, hasClock(self));
  const { min, max } = inputOf(self);
  if (min !== "" && native < min) return self.min$ as Date;
  if (max !== "" && native > max) return self.max$ as Date;
  return date;
}

/** Take over what the person chose or typed. `isFinal` is false while typing may go on. */
function takeInput(self: Classic, isFinal: boolean): void {
  const chosen = fromNative(inputOf(self).value);
  const isTyping = chosen !== null && chosen.getFullYear() < FIRST_YEAR;
  const isBad = inputOf(self).validity.badInput; // half a date
  if (!isFinal && (isTyping || isBad)) return;
  const allowed = chosen === null ? null : within(self, chosen);
  if (!isFinal && allowed !== chosen) return;
  const before = dateOf(self);
  const isSame = (date: Date | null): string =>
    date === null ? "" : toNative(date, hasClock(self));
  if (isSame(before) === isSame(allowed)) {
    if (isFinal) showDate(self);
    return;
  }
  self.date$ = allowed;
  if (isFinal) showDate(self);
  else showText(self);
  dispatch(self, "change", {}, "date");
}

export const DatePicker = defineComponent({
  name: "DatePicker",
  events: ["change"],
  properties: [
    boolProperty("pick_time", false, showKind),
    textProperty("format", "", showText),
    boundProperty("min_date", "min"),
    boundProperty("max_date", "max"),
    property("date", "string", "", setDate, {
      read(self) {
        const date = dateOf(self);
        return date === null ? pyNone : toPyDate(date, hasClock(self));
      },
    }),
    textProperty("placeholder", "", (self, placeholder) => {
      self.placeholder$ = placeholder;
      nameControl(self);
      showText(self);
    }),
    alignProperty("left", ["left", "center", "right"], (self, choice) => {
      const input = inputOf(self);
      for (const one of ["left", "center", "right"]) toggle(input, `align-${one}`, one === choice);
      self.parts$.control!.style.textAlign = choice;
      self.parts$.shown!.style.textAlign = choice;
    }),
    ...fontGroup(),
    ...appearanceGroup("control"),
    enabledProperty("control"),
    ...marginGroup(),
    ...layoutGroup(),
    controlTooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-datepicker";
    const control = document.createElement("input");
    control.type = "date";
    control.className = cls("form-control", "to-disable");
    const shown = document.createElement("span");
    shown.className = "anvil-datepicker-shown";
    shown.setAttribute("aria-hidden", "true"); // the input itself says its date
    root.append(control, shown);
    Object.assign(self.parts$, { control, shown });
    return root;
  },
  ready(self) {
    const input = inputOf(self);
    input.addEventListener("change", () => takeInput(self, false));
    input.addEventListener("blur", () => takeInput(self, true));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") takeInput(self, true);
    });
  },
  methods: { focus: focusMethod },
});
