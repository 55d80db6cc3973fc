/** `anvil.property_utils`: what components written in Python use for their properties. */

import {
  chain,
  findAttr,
  isNone,
  isStr,
  isTrue,
  kwargsToObject,
  nativeClass,
  nativeValue,
  call,
  pyDict,
  pyError,
  pyFunction,
  pyList,
  pyName,
  pyNone,
  pyStr,
  pyTrue,
  pyTypes,
  method,
  textOf,
  toJs,
  toPy,
  callSync,
  isDict,
  isList,
  type Kwargs,
  type MethodDef,
  type PyDict,
  type PyObject,
  type PyType,
  type Result,
} from "../../engine/skulpt";
import { findFormClass } from "../../boot/open_form";
import { PROPERTY_TYPES } from "../classic/property_types";
import { fourSides, marginStyles, paddingStyles } from "../classic/theme";
import { isComponent } from "../core/types";

interface AnvilProperty extends PyObject {
  described$: PyDict;
  property$: PyObject;
}

interface Descriptor {
  tp$descr_get(self: PyObject | null, type?: PyType, canSuspend?: boolean): Result;
  tp$descr_set(self: PyObject, value?: PyObject, canSuspend?: boolean): unknown;
}

const asDescriptor = (value: PyObject): Descriptor => value as unknown as Descriptor;

/** List a property on the class that it is defined in; one of the same name is replaced. */
function listProperty(owner: PyObject, described: PyDict): void {
  const type = owner as PyType;
  const own = Object.getOwnPropertyDescriptor(type.prototype, "_anvil_properties_")?.value as
    PyObject | undefined;
  const inherited = findAttr(type, "_anvil_properties_");
  const listed = isList(own) ? own : pyList(isList(inherited) ? [...inherited.v] : []);
  const items = (listed as PyObject & { v: PyObject[] }).v;
  const name = textOf(described.quick$lookup(pyName("name"))!);
  const at = items.findIndex(
    (one) => isDict(one) && toJs(one.quick$lookup(pyName("name"))) === name,
  );
  if (at >= 0) items[at] = described;
  else items.push(described);
  type.prototype._anvil_properties_ = listed;
}

/** `@anvil_property("string")` above a getter: a property that is listed in `_anvil_properties_`. */
const AnvilPropertyClass = nativeClass<AnvilProperty>("anvil.property_utils.anvil_property", {
  constructor: function AnvilProperty() {},
  slots: {
    tp$init(this: AnvilProperty, args: PyObject[], kwargs?: Kwargs) {
      const given = kwargsToObject(kwargs);
      const type = args[0] ?? given.type;
      if (args.length > 1 || !isStr(type)) {
        throw pyError("TypeError", "anvil_property() takes the type, and the rest by keyword");
      }
      if (!PROPERTY_TYPES.has(type.v)) {
        throw pyError("ValueError", `Invalid property type, got '${type.v}'`);
      }
      this.described$ = pyDict(Object.entries({ ...given, type }));
      this.property$ = callSync(pyTypes.property);
    },
    tp$call(this: AnvilProperty, args: PyObject[], kwargs?: Kwargs) {
      this.property$ = callSync(pyTypes.property, args, kwargs);
      return this;
    },
    tp$descr_get(this: AnvilProperty, self: PyObject | null, type?: PyType, wait?: boolean) {
      return asDescriptor(this.property$).tp$descr_get(self, type, wait);
    },
    tp$descr_set(this: AnvilProperty, self: PyObject, value?: PyObject, wait?: boolean) {
      return asDescriptor(this.property$).tp$descr_set(self, value, wait);
    },
  },
  methods: {
    setter: {
      $meth(setter: PyObject) {
        this.property$ = callSync(findAttr(this.property$, "setter")!, [setter]);
        return this;
      },
      $flags: { OneArg: true },
    },
    __set_name__: {
      $meth(owner: PyObject, name: PyObject) {
        this.described$.mp$ass_subscript(pyStr("name"), name);
        listProperty(owner, this.described$);
        return pyNone;
      },
      $flags: { MinArgs: 2, MaxArgs: 2 },
    },
  },
  getsets: {
    fget: {
      $get() {
        return findAttr(this.property$, "fget") ?? pyNone;
      },
    },
    fset: {
      $get() {
        return findAttr(this.property$, "fset") ?? pyNone;
      },
    },
  },
});

function elementFrom(value: PyObject): HTMLElement {
  const element = nativeValue(value);
  if (element instanceof HTMLElement || element instanceof SVGElement) {
    return element as HTMLElement;
  }
  throw pyError("TypeError", "expected a DOM element");
}

const partOf = (spacing: PyObject, part: "margin" | "padding"): unknown =>
  (toJs(spacing) as Record<string, unknown> | null)?.[part] ?? null;

const setStyles = (element: PyObject, styles: Record<string, string>): PyObject => {
  Object.assign(elementFrom(element).style, styles);
  return pyNone;
};

/** A computed length: pixels as a number, else its text. */
const asLength = (css: string): string | number | null =>
  css === "" ? null : css.endsWith("px") ? Number.parseFloat(css) : css;

/** What the style sheets give for the sides that the component leaves unset. */
function unsetSides(element: PyObject, kind: "margin" | "padding", current: unknown): unknown {
  const computed = getComputedStyle(elementFrom(element));
  const given = fourSides(current ?? null);
  const css = ["Top", "Right", "Bottom", "Left"].map((side, index) => {
    const key = `${kind}${side}` as "marginTop";
    return given[index] === null || given[index] === "" ? computed[key] : null;
  });
  return { value: css.map((one) => (one === null ? null : asLength(one))), css };
}

function unsetValue(element: PyObject, key: PyObject, current: PyObject): PyObject {
  const isSet = !isNone(current) && toJs(current) !== "";
  if (isSet) return toPy({ value: null, css: null });
  const css = getComputedStyle(elementFrom(element))[textOf(key) as "width"];
  return toPy({ value: asLength(css), css });
}

/** The class that makes a form which a property names; it is given the properties to set. */
function formConstructor(parent: PyObject, value: PyObject): Result {
  if (isNone(value) || !isStr(value)) return value;
  const home = isComponent(parent) ? parent.state$.packageName : null;
  return chain(findFormClass(value.v, home ?? undefined), (type: PyObject) =>
    pyFunction("instantiate", {
      $meth: (_args: PyObject[], kwargs?: Kwargs) => call(type, [], kwargs),
      $flags: { FastCall: true },
    }),
  );
}

const FUNCTIONS: Record<string, MethodDef> = {
  get_form_constructor: method(
    ["parent_form", "property_value", "prefer_live_design"],
    (parent: PyObject, value: PyObject) => formConstructor(parent, value),
    { prefer_live_design: pyTrue },
  ),
  get_margin_styles: method(["margin"], (margin: PyObject) => toPy(marginStyles(toJs(margin)))),
  get_padding_styles: method(["padding"], (padding: PyObject) =>
    toPy(paddingStyles(toJs(padding))),
  ),
  get_spacing_styles: method(["spacing"], (spacing: PyObject) =>
    toPy({
      ...marginStyles(partOf(spacing, "margin")),
      ...paddingStyles(partOf(spacing, "padding")),
    }),
  ),
  set_element_margin: method(["element", "margin"], (element: PyObject, margin: PyObject) =>
    setStyles(element, marginStyles(toJs(margin))),
  ),
  set_element_padding: method(["element", "padding"], (element: PyObject, padding: PyObject) =>
    setStyles(element, paddingStyles(toJs(padding))),
  ),
  set_element_spacing: method(["element", "spacing"], (element: PyObject, spacing: PyObject) =>
    setStyles(element, {
      ...marginStyles(partOf(spacing, "margin")),
      ...paddingStyles(partOf(spacing, "padding")),
    }),
  ),
  set_element_visibility: method(["element", "visible"], (element: PyObject, visible: PyObject) => {
    elementFrom(element).toggleAttribute("anvil-visible-false", !isTrue(visible));
    return pyNone;
  }),
  get_unset_margin: method(
    ["element", "current_value"],
    (element: PyObject, current: PyObject) => toPy(unsetSides(element, "margin", toJs(current))),
    { current_value: pyNone },
  ),
  get_unset_padding: method(
    ["element", "current_value"],
    (element: PyObject, current: PyObject) => toPy(unsetSides(element, "padding", toJs(current))),
    { current_value: pyNone },
  ),
  get_unset_spacing: method(
    ["margin_element", "padding_element", "current_value"],
    (outer: PyObject, inner: PyObject, current: PyObject) => {
      const margin = unsetSides(outer, "margin", partOf(current, "margin"));
      const padding = unsetSides(inner, "padding", partOf(current, "padding"));
      const pick = (key: "value" | "css"): unknown => ({
        margin: (margin as Record<string, unknown>)[key],
        padding: (padding as Record<string, unknown>)[key],
      });
      return toPy({ value: pick("value"), css: pick("css") });
    },
    { current_value: pyNone },
  ),
  get_unset_value: method(
    ["element", "key", "current_value"],
    (element: PyObject, key: PyObject, current: PyObject) => unsetValue(element, key, current),
    { current_value: pyNone },
  ),
};

export function definePropertyUtils(define: (name: string, value: PyObject) => void): void {
  define("anvil_property", AnvilPropertyClass);
  for (const [name, definition] of Object.entries(FUNCTIONS)) {
    define(name, pyFunction(name, definition, "anvil.property_utils"));
  }
}
