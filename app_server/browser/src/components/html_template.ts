/**
 * `anvil.HtmlTemplate` (and its older name `HtmlPanel`): HTML, or a theme's page (`@theme:x.html`),
 * whose elements marked `anvil-slot="name"` take components.
 *
 * `anvil-slot-repeat="name"` marks an element that is copied for each component of the slot;
 * `anvil-if-slot-empty` and `anvil-hide-if-slot-empty` show and hide elements.
 */

import {
  callMethod,
  chain,
  chainEach,
  isNone,
  isStr,
  kwargsToObject,
  pyDict,
  pyError,
  pyNone,
  pyStr,
  pyTypes,
  bindableFunction,
  proxy,
  suspend,
  textOf,
  toJsOrWrap,
  toPyOrProxy,
  variadic,
  type Kwargs,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { addingTo, makeSlot, type Slot } from "../forms/slots";
import { ClassicContainer, defineComponent, textProperty, type Classic } from "./classic/classic";
import { appearanceGroup, tooltipProperty } from "./classic/groups";
import { cls, themeHtml } from "./classic/theme";
import { addArguments, adopt, placeOf } from "./core/container";
import type { Component } from "./core/types";
import { freshScript } from "./html_rendering";

const DEFAULT_SLOT = "default";

interface HtmlSlot {
  element: HTMLElement;
  isRepeated: boolean;
  /** What carries each component: its element, or a copy of the repeated one. */
  carriers: Map<Component, Element>;
  shownIfEmpty: Element[];
  hiddenIfEmpty: Element[];
}

interface HtmlTemplateClass extends Classic {
  slots$: Map<string, HtmlSlot>;
  layoutSlots$: Map<string, Slot>;
  slotOf$: Map<Component, string>;
  nodes$: Map<string, Element>;
  scripts$: HTMLScriptElement[];
}

const attributeOf = (element: Element, name: string): string => element.getAttribute(name) ?? "";

/** Take in new HTML: find slots, marked elements and scripts in it. */
function readHtml(self: HtmlTemplateClass, source: string): void {
  const theme = /^@theme:(.*)$/.exec(source.trim());
  if (theme && themeHtml(theme[1]!) === undefined) {
    console.warn(`the theme has no HTML '${theme[1]}'`);
  }
  self.root$.innerHTML = theme ? (themeHtml(theme[1]!) ?? "") : source;
  self.slots$ = new Map();
  self.nodes$ = new Map();
  self.scripts$ = [...self.root$.querySelectorAll("script")];
  const find = (attribute: string): HTMLElement[] => [
    ...self.root$.querySelectorAll<HTMLElement>(`[${attribute}]`),
  ];
  for (const element of find("anvil-name")) {
    self.nodes$.set(attributeOf(element, "anvil-name"), element);
  }
  for (const attribute of ["anvil-slot", "anvil-slot-repeat"]) {
    for (const element of find(attribute)) {
      const name = attributeOf(element, attribute);
      if (name === "" || (attribute === "anvil-slot" && self.slots$.has(name))) continue;
      // The slot inside a repeated element only says where in a copy the component goes.
      if (attribute === "anvil-slot" && element.closest("[anvil-slot-repeat]")) continue;
      self.slots$.set(name, {
        element,
        isRepeated: attribute === "anvil-slot-repeat",
        carriers: new Map(),
        shownIfEmpty: [],
        hiddenIfEmpty: [],
      });
    }
  }
  for (const element of find("anvil-if-slot-empty")) {
    const name = attributeOf(element, "anvil-if-slot-empty");
    self.slots$.get(name)?.shownIfEmpty.push(element);
  }
  for (const element of find("anvil-hide-if-slot-empty")) {
    const name = attributeOf(element, "anvil-hide-if-slot-empty");
    self.slots$.get(name)?.hiddenIfEmpty.push(element);
  }
  for (const slot of self.slots$.values()) showMarkers(slot);
}

function showMarkers(slot: HtmlSlot): void {
  const isEmpty = slot.carriers.size === 0;
  for (const element of slot.shownIfEmpty) {
    element.classList.toggle("anvil-force-hidden", !isEmpty);
  }
  for (const element of slot.hiddenIfEmpty) {
    element.classList.toggle("anvil-force-hidden", isEmpty);
  }
  if (slot.isRepeated) slot.element.classList.add("anvil-force-hidden");
}

/** Put an element into a slot, before the carrier of `next`; gives what takes it out again. */
function place(slot: HtmlSlot, child: Component, element: Element, next?: Component): () => void {
  const before = next === undefined ? null : (slot.carriers.get(next) ?? null);
  if (slot.isRepeated) {
    const copy = slot.element.cloneNode(true) as HTMLElement;
    copy.removeAttribute("anvil-slot-repeat");
    copy.classList.remove("anvil-force-hidden");
    (copy.querySelector("[anvil-slot],[anvil-component-here]") ?? copy).append(element);
    (before ?? slot.element).before(copy);
    slot.carriers.set(child, copy);
  } else {
    slot.element.insertBefore(element, before);
    slot.carriers.set(child, element);
  }
  showMarkers(slot);
  return () => {
    slot.carriers.get(child)?.remove();
    element.remove();
    slot.carriers.delete(child);
    showMarkers(slot);
  };
}

function addComponent(self: HtmlTemplateClass, args: PyObject[], kwargs?: Kwargs): Result {
  const { index, slot: given } = addArguments(args, kwargs);
  const wanted = isStr(given) && given.v !== "" ? given.v : DEFAULT_SLOT;
  const name = self.slots$.has(wanted) ? wanted : DEFAULT_SLOT;
  const at = placeOf(self, index);
  const next = self.state$.children.slice(at).find((other) => self.slotOf$.get(other) === name);
  return adopt(self, args[0], at, (element) => {
    const child = args[0] as Component;
    const slot = self.slots$.get(name);
    self.slotOf$.set(child, name);
    const takeOut = slot
      ? place(slot, child, element, next)
      : (self.root$.insertBefore(element, next?.state$.dom ?? null), () => element.remove());
    return {
      onRemove: () => {
        self.slotOf$.delete(child);
        takeOut();
      },
      setVisible: (isVisible) => {
        const carrier = slot?.isRepeated ? slot.carriers.get(child) : undefined;
        carrier?.classList.toggle("anvil-force-hidden", !isVisible);
      },
    };
  });
}

function setHtml(self: HtmlTemplateClass, source: string): Result {
  const children = [...self.state$.children].map((child) => ({
    child,
    slot: self.slotOf$.get(child) ?? DEFAULT_SLOT,
  }));
  return chain(
    chainEach(children, ({ child }) => callMethod(child, "remove_from_parent")),
    () => {
      readHtml(self, source);
      makeLayoutSlots(self);
      if (self.state$.isOnPage) runScripts(self);
      return chainEach(children, ({ child, slot }) =>
        callMethod(self, "add_component", [child], ["slot", pyStr(slot)]),
      );
    },
    () => pyNone,
  );
}

/** `slots`, by which the template can be a form's layout. */
function makeLayoutSlots(self: HtmlTemplateClass): void {
  const earlier: Slot[] = [];
  for (const name of self.slots$.keys()) {
    const slot =
      self.layoutSlots$.get(name) ??
      makeSlot({
        add: addingTo(() => self),
        index: 0,
        layoutProperties: { slot: name },
        takesOne: false,
      });
    slot.slot$.earlier = [...earlier];
    earlier.push(slot);
    self.layoutSlots$.set(name, slot);
  }
}

function runScripts(self: HtmlTemplateClass): void {
  for (const script of self.scripts$.splice(0)) script.replaceWith(freshScript(script));
}

function callJs(args: PyObject[]): Result {
  const [name, ...rest] = args;
  const fn = (window as unknown as Record<string, unknown>)[textOf(name ?? pyStr(""))];
  if (typeof fn !== "function") {
    throw pyError("AttributeError", `there is no global JavaScript function '${textOf(name!)}'`);
  }
  const result = (fn as (...given: unknown[]) => unknown)(...rest.map(toJsOrWrap));
  return result instanceof Promise
    ? chain(suspend(result as Promise<unknown>), toPyOrProxy)
    : toPyOrProxy(result);
}

const readOnly = (get: (self: HtmlTemplateClass) => PyObject): PyObject => {
  const Property = pyTypes.property as unknown as { new (get: PyObject): PyObject };
  return new Property(bindableFunction("get", ([self]) => get(self as HtmlTemplateClass)));
};

export const HtmlTemplate = defineComponent({
  name: "HtmlTemplate",
  base: ClassicContainer,
  properties: [
    textProperty("html", "", (self, source) => setHtml(self as HtmlTemplateClass, source), "html"),
    ...appearanceGroup(),
    tooltipProperty(),
  ],
  build(self) {
    Object.assign(self, {
      slots$: new Map(),
      layoutSlots$: new Map(),
      slotOf$: new Map(),
      nodes$: new Map(),
      scripts$: [],
    });
    const root = document.createElement("div");
    root.className = `${cls("html-templated-panel")} anvil-container anvil-always-inline-container`;
    return root;
  },
  proto: {
    entersPage$() {
      runScripts(this as unknown as HtmlTemplateClass);
    },
  },
  methods: {
    add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      return addComponent(this as HtmlTemplateClass, args, kwargs);
    }),
    clear: variadic(function (this: Classic, _args: PyObject[], kwargs?: Kwargs) {
      const { slot } = kwargsToObject(kwargs);
      const wanted = isNone(slot) ? null : textOf(slot!);
      const self = this as HtmlTemplateClass;
      const children = [...self.state$.children].filter(
        (child) => wanted === null || self.slotOf$.get(child) === wanted,
      );
      const each = chainEach(children, (child) => callMethod(child, "remove_from_parent"));
      return chain(each, () => pyNone);
    }),
    call_js: variadic(function (this: Classic, args: PyObject[]) {
      return callJs(args);
    }),
  },
  members: {
    slots: readOnly((self) => pyDict(self.layoutSlots$)),
    dom_nodes: readOnly((self) =>
      pyDict([...self.nodes$].map(([name, element]) => [name, proxy(element)] as const)),
    ),
  },
});
