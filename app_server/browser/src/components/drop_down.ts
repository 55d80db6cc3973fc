/** `anvil.DropDown`: one of several items. */

import {
  chain,
  equals,
  isList,
  isNone,
  isStr,
  isTuple,
  itemsOf,
  pyError,
  pyList,
  pyNone,
  repr,
  tryCatch,
  typeName,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import {
  defineComponent,
  isOn,
  property,
  valueOf,
  type Classic,
  type Property,
} from "./classic/classic";
import { controlTooltipProperty, focusMethod, nameControl } from "./classic/control";
import {
  alignProperty,
  appearanceGroup,
  enabledProperty,
  fontGroup,
  layoutGroup,
  marginGroup,
  showAlign,
} from "./classic/groups";
import { cls, plainText } from "./classic/theme";
import { dispatch } from "./core/events";

interface Item {
  label: string;
  value: PyObject;
}

/** Values of the options that stand for no item. */
const INVALID = "-1";
const PLACEHOLDER = "-2";

const selectOf = (self: Classic): HTMLSelectElement => self.parts$.control as HTMLSelectElement;
const itemsIn = (self: Classic): Item[] => (self.items$ ?? []) as Item[];

function readItem(item: PyObject, index: number): Item {
  if (isStr(item)) return { label: item.v, value: item };
  if (!isList(item) && !isTuple(item)) {
    throw pyError(
      "TypeError",
      `DropDown.items must be a list of strings or tuples (item ${index} is ${repr(item)})`,
    );
  }
  const [label, value] = item.v;
  if (item.v.length !== 2 || !isStr(label)) {
    throw pyError(
      "TypeError",
      `DropDown.items: tuples must be of the form ('label', value) (item ${index} is ${repr(item)})`,
    );
  }
  return { label: label.v, value: value! };
}

function addOption(self: Classic, value: string, label: string): void {
  const option = document.createElement("option");
  option.value = value;
  option.textContent = label;
  selectOf(self).append(option);
}

function removeInvalid(self: Classic): void {
  self.invalid$ = undefined;
  selectOf(self).querySelector(`option[value="${INVALID}"]`)?.remove();
}

/** The selected value that is no item: it is kept until items come that have it. */
function showInvalid(self: Classic, value: PyObject): void {
  removeInvalid(self);
  self.invalid$ = value;
  addOption(self, INVALID, "<Invalid value>");
  selectOf(self).value = INVALID;
}

const indexOf = (self: Classic, value: PyObject): number =>
  itemsIn(self).findIndex((item) => equals(item.value, value));

/** The selected item's value, undefined when there is none selected. */
function selectedItem(self: Classic): PyObject | undefined {
  return itemsIn(self)[Number(selectOf(self).value)]?.value;
}

function select(self: Classic, value: PyObject): void {
  const index = indexOf(self, value);
  if (index >= 0) {
    removeInvalid(self);
    selectOf(self).value = String(index);
  } else if (isNone(value) && isOn(self, "include_placeholder")) {
    removeInvalid(self);
    selectOf(self).value = PLACEHOLDER;
  } else {
    showInvalid(self, value);
  }
}

/** Write the options anew, and select `wanted` if it is among them. */
function showOptions(self: Classic, wanted: PyObject | undefined): void {
  const invalid = self.invalid$ as PyObject | undefined;
  const hasPlaceholder = isOn(self, "include_placeholder");
  const placeholder = plainText(valueOf(self, "placeholder"));
  selectOf(self).replaceChildren();
  self.invalid$ = undefined;
  if (hasPlaceholder) addOption(self, PLACEHOLDER, placeholder);
  self.placeholder$ = hasPlaceholder ? placeholder : "";
  nameControl(self);
  itemsIn(self).forEach(({ label }, index) => addOption(self, String(index), label));
  const value = invalid ?? wanted;
  if (value !== undefined && indexOf(self, value) >= 0) select(self, value);
  else if (hasPlaceholder && invalid !== undefined) select(self, invalid);
  else if (itemsIn(self).length === 0 && invalid !== undefined) showInvalid(self, invalid);
  // Else the browser selects the first option: the placeholder, if there is one.
}

function setItems(self: Classic, value: PyObject): Result<void> {
  const list = tryCatch<PyObject[]>(
    () => itemsOf(value),
    (error) => {
      if (!isNone(value) && !String(error).includes("not iterable")) throw error;
      const message = `DropDown.items must be a list of strings or tuples, not ${typeName(value)}`;
      throw pyError("TypeError", message);
    },
  );
  return chain(list, (given: PyObject[]) => {
    const items = given.map(readItem);
    const wanted = selectedItem(self);
    self.values$.set("items", pyList(given));
    self.items$ = items;
    showOptions(self, wanted);
  });
}

const valueProperties = (): Property[] => [
  property("include_placeholder", "boolean", false, (self) => showOptions(self, undefined)),
  property("placeholder", "string", "", (self) => showOptions(self, selectedItem(self))),
  property("items", "text[]", [], setItems, { read: (self) => valueOf(self, "items") }),
  property("selected_value", "object", null, select, {
    read: (self) => (self.invalid$ as PyObject | undefined) ?? selectedItem(self) ?? pyNone,
  }),
];

export const DropDown = defineComponent({
  name: "DropDown",
  events: ["change"],
  properties: [
    ...valueProperties(),
    alignProperty("full", ["left", "center", "right", "full"], (self, choice) => {
      const isFull = choice === "full";
      for (const name of ["form", "control"]) {
        self.parts$[name]!.style.width = isFull ? "100%" : "";
      }
      self.root$.classList.toggle("anvil-inlinable", !isFull);
      showAlign(self, isFull ? "" : choice);
    }),
    ...fontGroup("control"),
    ...appearanceGroup("control"),
    enabledProperty("control"),
    ...marginGroup(),
    ...layoutGroup(),
    controlTooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-dropdown";
    const form = document.createElement("div"); // Anvil has a form here, which cannot be nested
    form.className = cls("form-inline");
    const control = document.createElement("select");
    control.className = cls("form-control", "to-disable");
    form.append(control);
    root.append(form);
    Object.assign(self.parts$, { form, control });
    return root;
  },
  ready(self) {
    selectOf(self).addEventListener("change", () => {
      removeInvalid(self);
      dispatch(self, "change", {}, "selected_value");
    });
  },
  methods: { focus: focusMethod },
});
