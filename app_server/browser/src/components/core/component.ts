/** `anvil.Component`: what every component can do. */

import {
  bindableFunction,
  buildClass,
  callSync,
  chain,
  chainEach,
  findAttr,
  isStr,
  isTrue,
  kwargsToObject,
  method,
  nativeClass,
  proxy,
  pyError,
  pyFalse,
  pyList,
  pyName,
  pyNone,
  pyStr,
  pyTuple,
  repr,
  settled,
  variadic,
  type Kwargs,
  type PyObject,
  type PyType,
  type Result,
} from "../../engine/skulpt";
import { setUpDom } from "./dom";
import { addHandler, handlersOf, raiseNamed, removeHandler, setHandler } from "./events";
import { setVisible, updatePage } from "./page";
import { newState, type Component } from "./types";

let tagClass: PyType | undefined;

/** `anvil.ComponentTag`: objects that take any attribute, as `tag` is until it is set. */
export const componentTagClass = (): PyType =>
  (tagClass ??= buildClass("anvil", "ComponentTag", [], {
    __repr__: bindableFunction("__repr__", ([self]) =>
      pyStr(`ComponentTag(${repr(findAttr(self!, "__dict__")!)})`),
    ),
  }));

const newTag = (): PyObject => callSync(componentTagClass());

/** The package that the next component made belongs to; see ComponentState.packageName. */
let nextPackage: string | null = null;

export function setNextPackage(packageName: string | null): void {
  nextPackage = packageName;
}

/** Take a component out of its container. May wait. */
export function removeFromParent(self: Component): Result {
  const link = self.state$.link;
  if (link === null) return pyNone;
  self.state$.link = null;
  const siblings = link.parent.state$.children;
  const index = siblings.indexOf(self);
  if (index >= 0) siblings.splice(index, 1);
  link.parent.childrenChanged$?.();
  return chain(
    chainEach(link.onRemove, (step) => step()),
    () => updatePage(self),
  );
}

const ALIGNMENTS = ["start", "center", "end", "nearest"];

function scrollIntoView(self: Component, smooth: PyObject, align: PyObject): Result {
  const where = isStr(align) ? align.v.toLowerCase() : "";
  if (!ALIGNMENTS.includes(where)) {
    throw pyError("ValueError", "'align' must be one of 'start', 'center', 'end', 'nearest'");
  }
  return chain(setUpDom(self), (element: Element) => {
    element.scrollIntoView({
      behavior: isTrue(smooth) ? "smooth" : "instant",
      block: where as ScrollLogicalPosition,
      inline: where as ScrollLogicalPosition,
    });
    return pyNone;
  });
}

const done = (value: Result<unknown>): Result => chain(value as Result, () => pyNone);

export const ComponentClass = nativeClass<Component>("anvil.Component", {
  constructor: function Component() {},
  slots: {
    tp$new(this: PyObject) {
      const Type = this.constructor as unknown as new () => Component;
      const self = new Type();
      Object.defineProperty(self, "state$", { value: newState() });
      self.state$.packageName = nextPackage;
      nextPackage = null;
      return self;
    },
    tp$init() {},
  },
  proto: {
    dom$(this: Component): Element {
      return (this.state$.dom ??= document.createElement("div"));
    },
  },
  classmethods: {
    // Takes any keyword: `class Form(WithLayout, layout=...)` and the like.
    __init_subclass__: variadic(() => pyNone),
  },
  methods: {
    set_event_handler: {
      $meth(name: PyObject, handler: PyObject) {
        setHandler(this, name, handler);
        return pyNone;
      },
      $flags: { MinArgs: 2, MaxArgs: 2 },
    },
    add_event_handler: {
      $meth(name: PyObject, handler: PyObject) {
        addHandler(this, name, handler);
        return pyNone;
      },
      $flags: { MinArgs: 2, MaxArgs: 2 },
    },
    remove_event_handler: {
      $meth(name: PyObject, handler?: PyObject) {
        removeHandler(this, name, handler);
        return pyNone;
      },
      $flags: { MinArgs: 1, MaxArgs: 2 },
    },
    get_event_handlers: {
      $meth(name: PyObject) {
        return pyTuple(handlersOf(this, name));
      },
      $flags: { OneArg: true },
    },
    raise_event: variadic(function (this: Component, args: PyObject[], kwargs?: Kwargs) {
      if (args.length !== 1) {
        throw pyError("TypeError", "raise_event() takes the event's name and keyword arguments");
      }
      return raiseNamed(this, args[0]!, kwargsToObject(kwargs));
    }),
    remove_from_parent: method([], function (this: Component) {
      return removeFromParent(this);
    }),
    scroll_into_view: method(
      ["smooth", "align"],
      function (this: Component, smooth, align) {
        return scrollIntoView(this, smooth!, align!);
      },
      { smooth: pyFalse, align: pyStr("center") },
    ),
    _notify_visibility_change: {
      $meth(isVisible: PyObject) {
        return done(setVisible(this, isTrue(isVisible)));
      },
      $flags: { OneArg: true },
    },
    _notify_mounted_by_parent: method(
      ["mounted", "root"],
      function (this: Component, mounted, root) {
        if (isTrue(root!)) this.state$.isRoot = isTrue(mounted!);
        else if (this.state$.link !== null) this.state$.link.isMounted = isTrue(mounted!);
        return updatePage(this);
      },
      { root: pyFalse },
    ),
    _anvil_setup_dom_: method([], function (this: Component) {
      return chain(this.dom$(), (element: Element) => {
        this.state$.dom = element;
        return proxy(element);
      });
    }),
    _anvil_get_interactions_: method([], () => pyList([])),
    _anvil_get_unset_property_values_: method([], () => proxy({})),
  },
  getsets: {
    parent: {
      $get() {
        return this.state$.link?.parent ?? pyNone;
      },
      $set() {
        throw pyError(
          "AttributeError",
          `Cannot set a '${this.tp$name}' component's parent this way - ` +
            "use 'add_component' on the container instead",
        );
      },
    },
    tag: {
      $get() {
        return (this.state$.tag ??= newTag());
      },
      $set(value) {
        this.state$.tag = value ?? null;
      },
    },
    _anvil_dom_element_: {
      $get() {
        return this.state$.dom === null ? proxy(settled(this.dom$())) : proxy(this.state$.dom);
      },
    },
  },
  flags: { sk$klass: true },
});

for (const hook of ["_anvil_setup_dom_", "_anvil_dom_element_"]) {
  const member = ComponentClass.$typeLookup(pyName(hook)) as { runtime$?: boolean };
  member.runtime$ = true;
}
