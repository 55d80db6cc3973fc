/** `anvil.Classes` and `anvil.Style`: live views of an element's classes and inline style. */

import {
  isDict,
  isInstance,
  isNone,
  isTrue,
  kwargsToObject,
  method,
  nativeClass,
  pyBool,
  pyError,
  pyList,
  pyNone,
  pyStr,
  pyTuple,
  pyTypes,
  textOf,
  toJs,
  typeName,
  variadic,
  type PyObject,
  type PyType,
} from "../engine/skulpt";

interface Styling extends PyObject {
  element$: HTMLElement;
}

const iterOf = (items: PyObject[]): PyObject =>
  (pyList(items) as unknown as { tp$iter(): PyObject }).tp$iter();

/** Dictionary entries and keyword arguments of `update`, together. */
function updates(
  args: PyObject[],
  kwargs: (string | PyObject)[] | undefined,
): [string, PyObject][] {
  const entries: [string, PyObject][] = [];
  for (const given of args) {
    if (!isDict(given)) throw pyError("TypeError", `update() takes a dict, not ${typeName(given)}`);
    entries.push(
      ...given.$items().map(([key, value]) => [textOf(key), value] as [string, PyObject]),
    );
  }
  return [...entries, ...Object.entries(kwargsToObject(kwargs))];
}

// -- Classes --------------------------------------------------------------------------------------

const split = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** Class names from a string, a list, a dict of name to bool, or another Classes. */
function classNames(value: PyObject): string[] {
  if (isNone(value)) return [];
  if (isInstance(value, Classes)) return [...(value as Styling).element$.classList];
  if (isDict(value)) {
    return value.$items().flatMap(([key, on]) => (isTrue(on) ? split(textOf(key)) : []));
  }
  const given = toJs(value);
  if (typeof given === "string") return split(given);
  if (Array.isArray(given) && given.every((name) => typeof name === "string")) {
    return given.flatMap(split);
  }
  throw pyError("TypeError", `class names must be a string, list or dict, not ${typeName(value)}`);
}

export const Classes: PyType = nativeClass<Styling>("anvil.Classes", {
  constructor: function Classes(element?: HTMLElement) {
    this.element$ = element ?? document.createElement("i");
  },
  slots: {
    tp$new(this: PyObject, args: PyObject[]) {
      const self = makeClasses(document.createElement("i"));
      replaceClasses(self, args[0] ?? pyNone);
      return self;
    },
    $r(this: Styling) {
      return pyStr(`Classes('${this.element$.className}')`);
    },
    tp$str(this: Styling) {
      return pyStr(this.element$.className);
    },
    tp$iter(this: Styling) {
      return iterOf([...this.element$.classList].map(pyStr));
    },
    sq$length(this: Styling) {
      return this.element$.classList.length;
    },
    sq$contains(this: Styling, name: PyObject) {
      return split(textOf(name)).every((one) => this.element$.classList.contains(one));
    },
    mp$subscript(this: Styling, name: PyObject) {
      return pyBool(split(textOf(name)).every((one) => this.element$.classList.contains(one)));
    },
    mp$ass_subscript(this: Styling, name: PyObject, isOn?: PyObject) {
      for (const one of split(textOf(name))) {
        this.element$.classList.toggle(one, isOn !== undefined && isTrue(isOn));
      }
    },
  },
  methods: {
    add: variadic(function (this: Styling, args: PyObject[]) {
      this.element$.classList.add(...args.flatMap(classNames));
      return pyNone;
    }),
    remove: variadic(function (this: Styling, args: PyObject[]) {
      this.element$.classList.remove(...args.flatMap(classNames));
      return pyNone;
    }),
    update: variadic(function (this: Styling, args: PyObject[], kwargs) {
      for (const [names, isOn] of updates(args, kwargs)) {
        for (const name of split(names)) this.element$.classList.toggle(name, isTrue(isOn));
      }
      return pyNone;
    }),
    clear: method<Styling>([], function () {
      this.element$.className = "";
      return pyNone;
    }),
  },
});

export const makeClasses = (element: HTMLElement): Styling =>
  new (Classes as unknown as { new (element: HTMLElement): Styling })(element);

export function replaceClasses(self: Styling, value: PyObject): void {
  self.element$.className = classNames(value).join(" ");
}

// -- Style ----------------------------------------------------------------------------------------

// Properties whose numbers carry no unit.
const UNITLESS = new Set(
  (
    "animation-iteration-count aspect-ratio border-image-outset border-image-slice column-count " +
    "columns fill-opacity flex flex-grow flex-shrink flood-opacity font-weight grid-area " +
    "grid-column grid-column-end grid-column-start grid-row grid-row-end grid-row-start line-clamp " +
    "line-height opacity order orphans scale stop-opacity stroke-miterlimit stroke-opacity tab-size " +
    "widows z-index zoom"
  ).split(" "),
);

/** `margin_top` and `marginTop` are `margin-top`; custom properties stay as they are. */
const cssName = (name: string): string =>
  name.startsWith("--")
    ? name
    : name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll("_", "-");

function cssValue(property: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((one) => cssValue(property, one)).join(" ");
  const isLength = typeof value === "number" && !UNITLESS.has(property) && property[0] !== "-";
  if (isLength) return `${value}px`;
  return value === null || value === undefined ? "" : String(value);
}

function setStyle(self: Styling, name: string, value: PyObject | undefined): void {
  const property = cssName(name);
  self.element$.style.setProperty(property, cssValue(property, isNone(value) ? null : toJs(value)));
}

const names = (self: Styling): string[] => [...self.element$.style];
const read = (self: Styling, name: string): string =>
  self.element$.style.getPropertyValue(cssName(name));

export const Style: PyType = nativeClass<Styling>("anvil.Style", {
  constructor: function Style(element?: HTMLElement) {
    this.element$ = element ?? document.createElement("i");
  },
  slots: {
    tp$new(this: PyObject, args: PyObject[]) {
      const self = makeStyle(document.createElement("i"));
      replaceStyle(self, args[0] ?? pyNone);
      return self;
    },
    $r(this: Styling) {
      return pyStr(`Style('${this.element$.style.cssText}')`);
    },
    tp$str(this: Styling) {
      return pyStr(this.element$.style.cssText);
    },
    tp$iter(this: Styling) {
      return iterOf(names(this).map(pyStr));
    },
    sq$length(this: Styling) {
      return this.element$.style.length;
    },
    sq$contains(this: Styling, name: PyObject) {
      return read(this, textOf(name)) !== "";
    },
    mp$subscript(this: Styling, name: PyObject) {
      return pyStr(read(this, textOf(name)));
    },
    mp$ass_subscript(this: Styling, name: PyObject, value?: PyObject) {
      setStyle(this, textOf(name), value);
    },
  },
  methods: {
    keys: method<Styling>([], function () {
      return iterOf(names(this).map(pyStr));
    }),
    values: method<Styling>([], function () {
      return iterOf(names(this).map((name) => pyStr(read(this, name))));
    }),
    items: method<Styling>([], function () {
      return iterOf(names(this).map((name) => pyTuple([pyStr(name), pyStr(read(this, name))])));
    }),
    get: {
      $meth(name: PyObject, otherwise: PyObject = pyStr("")) {
        const value = read(this, textOf(name));
        return value === "" ? otherwise : pyStr(value);
      },
      $flags: { MinArgs: 1, MaxArgs: 2 },
    },
    update: variadic(function (this: Styling, args: PyObject[], kwargs) {
      for (const [name, value] of updates(args, kwargs)) setStyle(this, name, value);
      return pyNone;
    }),
    clear: method<Styling>([], function () {
      this.element$.style.cssText = "";
      return pyNone;
    }),
  },
});

export const makeStyle = (element: HTMLElement): Styling =>
  new (Style as unknown as { new (element: HTMLElement): Styling })(element);

export function replaceStyle(self: Styling, value: PyObject): void {
  if (isInstance(value, Style)) {
    self.element$.style.cssText = (value as Styling).element$.style.cssText;
    return;
  }
  self.element$.style.cssText = value instanceof pyTypes.str ? textOf(value) : "";
  if (isDict(value)) for (const [name, one] of updates([value], [])) setStyle(self, name, one);
}
