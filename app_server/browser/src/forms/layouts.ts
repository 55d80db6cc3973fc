/** `anvil.WithLayout`: base of forms that show themselves in another form, their layout. */

import {
  call,
  chain,
  chainEach,
  getAttr,
  isInstance,
  isType,
  kwargsToObject,
  nativeClass,
  objectToKwargs,
  pyBool,
  pyError,
  pyNone,
  setAttr,
  tryCatch,
  callMethod,
  isException,
  isDict,
  pyTypes,
  toPy,
  repr,
  variadic,
  type Kwargs,
  type PyObject,
  type PyType,
  type Result,
} from "../engine/skulpt";
import type { GetSetDef } from "../engine/types";
import { findFormClass } from "../boot/open_form";
import { LENIENT } from "../components/classic/classic";
import { ComponentClass } from "../components/core/component";
import { setUpDom } from "../components/core/dom";
import { isComponent, type Component } from "../components/core/types";

/** A layout named by a template, or a class given in Python. */
export type LayoutChoice = { name: string } | { type: PyType };

export interface WithLayout extends Component {
  layout$: {
    instance: Component | null;
    properties: Record<string, PyObject>;
    /** Puts the form's components into a layout's slots, and takes its handlers off again. */
    onTake: ((layout: Component) => Result) | null;
    onLeave: ((layout: Component) => void) | null;
  };
  /** On the class: which layout to make. */
  readonly layoutChoice$?: LayoutChoice;
}

export const hasLayout = (value: unknown): value is WithLayout =>
  Boolean((value as WithLayout | undefined)?.layout$);

function take(self: WithLayout, layout: Component): Result {
  self.layout$.instance = layout;
  layout.state$.portalOf = self;
  return chain(self.layout$.onTake?.(layout) ?? pyNone, () => layout);
}

function make(self: WithLayout, choice: LayoutChoice): Result {
  const found = "type" in choice ? choice.type : findFormClass(choice.name);
  const kwargs = objectToKwargs(self.layout$.properties);
  return tryCatch(
    () =>
      chain(
        found,
        (type: PyObject) => call(type, [], kwargs),
        (layout: PyObject) => {
          if (!isComponent(layout)) {
            throw pyError("TypeError", `${repr(layout)} is no component and cannot be a layout`);
          }
          return take(self, layout);
        },
      ),
    (error) => {
      // As an AttributeError it would say that the form has no attribute `layout`.
      if (isException(error) && isInstance(error, pyTypes.AttributeError as PyType)) {
        throw pyError("RuntimeError", `the layout of ${self.tp$name} failed: ${repr(error)}`);
      }
      throw error;
    },
  );
}

/** A form's layout, made when it is first asked for. May wait. */
export function layoutOf(self: WithLayout): Result {
  const { instance } = self.layout$;
  if (instance !== null) return instance;
  const choice = self.layoutChoice$;
  if (choice === undefined) return pyNone;
  return make(self, choice);
}

function setLayout(self: WithLayout, layout: PyObject | undefined): Result {
  if (self.layout$.instance !== null) {
    throw pyError("ValueError", "a form's layout cannot be changed once it is there");
  }
  if (!isComponent(layout)) {
    throw pyError("ValueError", "a form's layout must be a layout form");
  }
  return take(self, layout);
}

const isSameLayout = (a?: LayoutChoice, b?: LayoutChoice): boolean =>
  a !== undefined &&
  b !== undefined &&
  ("name" in a ? "name" in b && a.name === b.name : "type" in b && a.type === b.type);

/** Whether the layout of one open form can serve the next, which has none yet. */
export const canHandOver = (from: unknown, to: unknown): boolean =>
  hasLayout(from) &&
  hasLayout(to) &&
  from.layout$.instance !== null &&
  to.layout$.instance === null &&
  isSameLayout(from.layoutChoice$, to.layoutChoice$);

/** The layout gets the properties of the form that takes it, and defaults for the others'. */
function newProperties(layout: Component, from: WithLayout, to: WithLayout): [string, PyObject][] {
  const defaults = (layout.defaults$ ?? {}) as Record<string, unknown>;
  const wanted = to.layout$.properties;
  const dropped = Object.keys(from.layout$.properties).filter((name) => !(name in wanted));
  return [
    ...Object.entries(wanted),
    ...dropped
      .filter((name) => name in defaults)
      .map((name) => [name, toPy(defaults[name])] as [string, PyObject]),
  ].filter(([name]) => name !== LENIENT);
}

/** Give the layout of one form to the next: it stays as it is, with what the person did to it. */
export function handOver(from: WithLayout, to: WithLayout): Result {
  const layout = from.layout$.instance!;
  from.layout$.instance = null;
  from.state$.dom = null;
  layout.state$.portalOf = null;
  const clear = (slots: PyObject): Result<void> =>
    chainEach(isDict(slots) ? slots.$items() : [], ([, slot]) => callMethod(slot, "clear"));
  return chain(
    chain(
      getAttr(layout, "slots"),
      clear,
      () => from.layout$.onLeave?.(layout),
      () =>
        chainEach(newProperties(layout, from, to), ([key, value]) => setAttr(layout, key, value)),
    ),
    () => take(to, layout),
  );
}

/** A property that the form has from its layout. */
const ofLayout = (name: string): GetSetDef<WithLayout> => ({
  $get() {
    return chain(layoutOf(this), (layout: PyObject) => getAttr(layout, name));
  },
  $set(value) {
    return chain(layoutOf(this), (layout: PyObject) => setAttr(layout, name, value ?? pyNone));
  },
});

export const WithLayoutClass = nativeClass<WithLayout>("anvil.WithLayout", {
  constructor: function WithLayout() {},
  base: ComponentClass,
  slots: {
    tp$new(this: PyObject, args: PyObject[], kwargs?: Kwargs) {
      const newBare = ComponentClass.prototype.tp$new as (a: PyObject[]) => WithLayout;
      const self = newBare.call(this, args);
      const properties = kwargsToObject(kwargs);
      const value = { instance: null, properties, onTake: null, onLeave: null };
      Object.defineProperty(self, "layout$", { value });
      return self;
    },
  },
  proto: {
    events$: ["show", "hide"],
    raisesShow$: true,
    dom$(this: WithLayout) {
      return chain(layoutOf(this), (layout: PyObject) => {
        if (!isComponent(layout)) {
          throw pyError("RuntimeError", `${this.tp$name} has no layout`);
        }
        return setUpDom(layout);
      });
    },
    portal$(this: WithLayout) {
      return this.layout$.instance;
    },
  },
  classmethods: {
    __init_subclass__: variadic(function (this: PyType, _args: PyObject[], kwargs?: Kwargs) {
      const { layout } = kwargsToObject(kwargs);
      if (layout !== undefined) {
        if (!isType(layout)) throw pyError("TypeError", "layout= must be a class");
        this.prototype.layoutChoice$ = { type: layout };
      }
      return pyNone;
    }),
  },
  getsets: {
    layout: {
      $get() {
        return layoutOf(this);
      },
      $set(value) {
        return setLayout(this, value);
      },
    },
    visible: {
      $get() {
        const { instance } = this.layout$;
        return instance === null ? pyBool(this.state$.isVisible) : getAttr(instance, "visible");
      },
      $set(value) {
        return chain(layoutOf(this), (layout: PyObject) =>
          setAttr(layout, "visible", value ?? pyBool(true)),
        );
      },
    },
    role: ofLayout("role"),
    tooltip: ofLayout("tooltip"),
  },
  flags: { sk$klass: true },
});
