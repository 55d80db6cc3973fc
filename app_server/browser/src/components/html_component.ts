/**
 * `anvil.HtmlComponent`: HTML of the app's own with places for components.
 *
 * Its element is the HTML's single root element, or a `<div>` around it when there are several or
 * none. `<anvil-dropzone name="...">` marks where components go; an element with `anvil:dom-node`
 * is in `dom_nodes` under that name; `anvil:on-dom:<event>="self.method"` calls a method of the
 * form whose template the HTML is from.
 */

import {
  call,
  callMethod,
  chain,
  chainEach,
  isNone,
  isStr,
  isTrue,
  nativeClass,
  pyBool,
  pyDict,
  pyError,
  pyList,
  pyNone,
  pyStr,
  setAttr,
  settled,
  textOf,
  toPy,
  toPyOrProxy,
  proxy,
  variadic,
  type Kwargs,
  type PyObject,
  type PyType,
  type Result,
} from "../engine/skulpt";
import { evaluate } from "../forms/expressions";
import { LENIENT } from "./classic/classic";
import { ComponentClass } from "./core/component";
import { addArguments, adopt, ContainerClass, placeOf } from "./core/container";
import { domOf, setUpDom } from "./core/dom";
import { fromDom, raiseEvent } from "./core/events";
import { setVisible } from "./core/page";
import type { Component } from "./core/types";
import { freshScript, renderHtml, type RenderedHtml } from "./html_rendering";
import { makeClasses, makeStyle, replaceClasses, replaceStyle } from "./html_styling";

const DEFAULT_ZONE = "default";

interface HtmlState extends RenderedHtml {
  zoneOf: WeakMap<Component, string>;
  /** The form from whose template the HTML is. */
  host: PyObject | null;
  classes: PyObject;
  style: PyObject;
}

export interface HtmlComponent extends WithNodes {
  html$: HtmlState;
}

export const isHtmlComponent = (value: unknown): value is HtmlComponent =>
  Boolean((value as HtmlComponent | undefined)?.html$);

/** HTML as it is rendered, with live views of the root's classes and style. */
function withStyling(source: string): Omit<HtmlState, "host" | "zoneOf"> {
  const rendered = renderHtml(source);
  const { root } = rendered;
  return { ...rendered, classes: makeClasses(root), style: makeStyle(root) };
}

function listen(self: HtmlComponent): void {
  const { handlers, host } = self.html$;
  if (host === null) return;
  for (const { element, event, code } of handlers.splice(0)) {
    element.addEventListener(event, (domEvent) =>
      fromDom(() =>
        chain(evaluate(code, host), (handler: PyObject) => call(handler, [toPyOrProxy(domEvent)])),
      ),
    );
  }
}

/** Let a form's methods handle the HTML's DOM events. The first form to claim it keeps it. */
export function setHost(self: HtmlComponent, form: PyObject): boolean {
  if (self.html$.host !== null) return false;
  self.html$.host = form;
  listen(self);
  return true;
}

function runScripts(self: HtmlComponent): void {
  for (const script of self.html$.scripts.splice(0)) script.replaceWith(freshScript(script));
}

function setHtml(self: HtmlComponent, source: string): Result {
  const before = self.html$;
  const children = [...self.state$.children].map((child) => ({
    child,
    zone: before.zoneOf.get(child) ?? DEFAULT_ZONE,
  }));
  return chain(
    chainEach(children, ({ child }) => callMethod(child, "remove_from_parent")),
    () => {
      Object.assign(before, withStyling(source));
      before.root.toggleAttribute("anvil-visible-false", !self.state$.isVisible);
      const old = self.state$.dom;
      settled(setUpDom(self));
      if (old !== null && old !== before.root) old.replaceWith(before.root);
      listen(self);
      return chainEach(children, ({ child, zone }) =>
        callMethod(self, "add_component", [child], ["dropzone", pyStr(zone)]),
      );
    },
    () => {
      if (self.state$.isOnPage) runScripts(self);
      return self.state$.dom === null ? pyNone : raiseEvent(self, "x-anvil-dom-node-changed");
    },
  );
}

function addToZone(self: HtmlComponent, child: unknown, zone: string, at: number): Result {
  const state = self.html$;
  const target = state.zones.get(zone) ?? state.root;
  if (!state.zones.has(zone) && zone !== DEFAULT_ZONE) {
    console.warn(`${self.tp$name} has no dropzone '${zone}'; the component goes to its end`);
  }
  const next = self.state$.children
    .slice(at)
    .find((other) => state.zones.get(state.zoneOf.get(other)!) === state.zones.get(zone));
  return adopt(self, child, at, (element) => {
    const before = next === undefined ? null : domOf(next);
    target.insertBefore(element, before?.parentNode === target ? before : null);
    state.zoneOf.set(child as Component, zone);
  });
}

const NAMES = ["html", "classes", "style", "visible", "tag"];

function setGiven(self: HtmlComponent, args: PyObject[], kwargs: Kwargs = []): Result {
  if (args.length > 0) {
    throw pyError("TypeError", "Component constructor takes keyword arguments only");
  }
  const given = new Map<string, PyObject>();
  for (let i = 0; i < kwargs.length; i += 2) {
    given.set(kwargs[i] as string, kwargs[i + 1] as PyObject);
  }
  const isLenient = given.delete(LENIENT);
  const unknown = [...given.keys()].filter((name) => !NAMES.includes(name));
  if (unknown.length > 0 && !isLenient) {
    const message = `${self.tp$name} got unexpected keyword argument(s): ${unknown.join(", ")}`;
    throw pyError("TypeError", message);
  }
  const known = NAMES.filter((name) => given.has(name));
  return chain(
    chainEach(known, (name) => setAttr(self, name, given.get(name)!)),
    () => pyNone,
  );
}

export const HtmlComponentClass: PyType = nativeClass<HtmlComponent>("anvil.HtmlComponent", {
  constructor: function HtmlComponent() {},
  base: ContainerClass,
  slots: {
    tp$new(this: PyObject, args: PyObject[], kwargs?: Kwargs) {
      const newBare = ComponentClass.prototype.tp$new as (a: PyObject[]) => HtmlComponent;
      const self = newBare.call(this, args);
      const index = kwargs?.indexOf("html") ?? -1;
      const html = index >= 0 ? (kwargs![index + 1] as PyObject) : pyNone;
      const rendered = withStyling(isNone(html) ? "" : textOf(html));
      const state: HtmlState = { ...rendered, zoneOf: new WeakMap(), host: null };
      Object.defineProperty(self, "html$", { value: state });
      self.state$.dom = state.root;
      return self;
    },
    tp$init(this: HtmlComponent, args: PyObject[], kwargs?: Kwargs) {
      return chain(setGiven(this, args, kwargs), () => undefined as unknown as PyObject);
    },
  },
  proto: {
    events$: ["show", "hide"],
    raisesShow$: true,
    dom$(this: HtmlComponent) {
      return this.html$.root;
    },
    entersPage$(this: HtmlComponent) {
      runScripts(this);
    },
  },
  getsets: {
    html: {
      $get() {
        return pyStr(this.html$.source);
      },
      $set(value) {
        const source = isNone(value) ? "" : textOf(value!);
        // Set by `__new__` already, and again by `__init__`.
        return source === this.html$.source ? pyNone : setHtml(this, source);
      },
    },
    dom_nodes: {
      $get() {
        return domNodesOf([this]);
      },
    },
    classes: {
      $get() {
        return this.html$.classes;
      },
      $set(value) {
        replaceClasses(this.html$.classes as never, value ?? pyNone);
      },
    },
    style: {
      $get() {
        return this.html$.style;
      },
      $set(value) {
        replaceStyle(this.html$.style as never, value ?? pyNone);
      },
    },
    visible: {
      $get() {
        return pyBool(this.state$.isVisible);
      },
      $set(value) {
        const isVisible = value === undefined || isTrue(value);
        this.html$.root.toggleAttribute("anvil-visible-false", !isVisible);
        return setVisible(this, isVisible);
      },
    },
  },
  methods: {
    add_component: variadic(function (this: HtmlComponent, args: PyObject[], kwargs) {
      const { index, dropzone } = addArguments(args, kwargs);
      const zone = isStr(dropzone) && dropzone.v !== "" ? dropzone.v : DEFAULT_ZONE;
      return addToZone(this, args[0], zone, placeOf(this, index));
    }),
  },
  flags: { sk$klass: true },
});

// As a member of `proto` it would be read once, when the class is made.
Object.defineProperty(HtmlComponentClass.prototype, "nodes$", {
  get(this: HtmlComponent) {
    return (this.html$ as HtmlState | undefined)?.nodes;
  },
});
HtmlComponentClass.prototype._anvil_events_ = pyList(
  ["show", "hide"].map((name) => toPy({ name })),
);
HtmlComponentClass.prototype._anvil_properties_ = pyList(
  [
    { name: "html", type: "html" },
    { name: "classes", type: "classes" },
    { name: "style", type: "style" },
    { name: "visible", type: "boolean" },
    { name: "tag", type: "object" },
  ].map(toPy),
);

/** A component whose HTML has named elements. */
export interface WithNodes extends Component {
  readonly nodes$: ReadonlyMap<string, Element>;
}

export const hasNodes = (value: unknown): value is WithNodes =>
  (value as WithNodes | undefined)?.nodes$ instanceof Map;

/** The named elements of several components, as a dict of name to live element. */
export const domNodesOf = (components: WithNodes[]): PyObject =>
  pyDict(
    components.flatMap(({ nodes$ }) =>
      [...nodes$].map(([name, element]) => [name, proxy(element)] as [string, PyObject]),
    ),
  );
