/** `anvil.Container`, and how components get into containers. */

import {
  call,
  callMethod,
  chain,
  chainEach,
  isCallable,
  isNone,
  isTrue,
  itemsOf,
  kwargsToObject,
  nativeClass,
  objectToKwargs,
  pyBool,
  pyError,
  pyList,
  pyNone,
  toJs,
  typeName,
  variadic,
  type Kwargs,
  type PyObject,
  type Result,
} from "../../engine/skulpt";
import { ComponentClass } from "./component";
import { domOf, setUpDom } from "./dom";
import { updatePage } from "./page";
import { isComponent, type Component } from "./types";

/** Raise what is wrong with adding `child`, if anything is. */
export function checkChild(child: unknown, doing = "add_component"): asserts child is Component {
  if (!isComponent(child)) {
    const found = child === undefined ? "nothing" : typeName(child as PyObject);
    throw pyError("TypeError", `Argument to ${doing} must be a component, not ${found}`);
  }
  if (child.state$.link !== null) {
    throw pyError(
      "ValueError",
      "This component is already added to a container, call remove_from_parent() first",
    );
  }
  if (child.state$.isRoot) {
    throw pyError(
      "ValueError",
      "This component is the open form or in an alert, and cannot be added to a container",
    );
  }
}

/** The place of a child: `index` as given by Python, negative from the end, or the end itself. */
export function placeOf(parent: Component, index: PyObject | undefined): number {
  const length = parent.state$.children.length;
  let place = isNone(index) ? length : (toJs(index) as number);
  if (typeof place !== "number") throw pyError("TypeError", "index must be an integer");
  if (place < 0) place += length;
  return place < 0 || place > length ? length : place;
}

export interface Placement {
  index?: number;
  onRemove?: () => unknown;
  setVisible?: ((isVisible: boolean) => unknown) | null;
  isMounted?: boolean;
}

/** Note that `child` is in `parent`; its element is in place already. Raises its page events. */
export function link(parent: Component, child: Component, placement: Placement = {}): Result {
  const { children } = parent.state$;
  children.splice(placement.index ?? children.length, 0, child);
  child.state$.link = {
    parent,
    onRemove: [placement.onRemove ?? (() => domOf(child)?.remove())],
    setVisible: placement.setVisible ?? null,
    isMounted: placement.isMounted ?? true,
  };
  parent.childrenChanged$?.();
  const told = child.state$.isVisible ? pyNone : placement.setVisible?.(false);
  return chain(told as Result, () => updatePage(child));
}

/**
 * Add a child to a container written in TypeScript. `place` puts its element somewhere and may
 * give back what takes it away again (else the element itself is removed). May wait.
 */
export function adopt(
  parent: Component,
  child: unknown,
  index: number,
  place: (element: Element) => Omit<Placement, "index"> | void,
): Result {
  checkChild(child);
  return chain(setUpDom(child), (element: Element) => {
    checkChild(child); // setting up may have taken its time
    if (child.isInvisible$) return link(parent, child, { index });
    return link(parent, child, { ...place(element), index });
  });
}

/** The layout properties and the component of a call of `add_component`. */
export function addArguments(args: PyObject[], kwargs?: Kwargs): Record<string, PyObject> {
  if (args.length !== 1) {
    throw pyError("TypeError", `add_component() takes one component, ${args.length} were given`);
  }
  return kwargsToObject(kwargs);
}

function hookOf(value: PyObject | undefined, name: string): PyObject | null {
  if (isNone(value)) return null;
  if (isCallable(value)) return value!;
  throw pyError("ValueError", `add_component(): ${name} must be a function or None`);
}

/** The children as Python sees them: an override of `get_components` gets its turn. */
const childrenOf = (self: Component): Result<PyObject[]> =>
  chain(callMethod(self, "get_components"), (list: PyObject) => itemsOf(list));

export const ContainerClass = nativeClass<Component>("anvil.Container", {
  constructor: function Container() {},
  base: ComponentClass,
  methods: {
    // For containers written in Python: they place the element, this keeps the books.
    add_component: variadic(function (this: Component, args: PyObject[], kwargs?: Kwargs) {
      const { on_remove, on_set_visibility, mounted, index } = addArguments(args, kwargs);
      const child = args[0];
      checkChild(child);
      const removed = hookOf(on_remove, "on_remove");
      const changed = hookOf(on_set_visibility, "on_set_visibility");
      return link(this, child, {
        index: placeOf(this, index),
        ...(removed && { onRemove: () => call(removed) }),
        setVisible: changed && ((isVisible) => call(changed, [pyBool(isVisible)])),
        isMounted: mounted === undefined || isTrue(mounted),
      });
    }),
    get_components: {
      $meth() {
        return pyList([...this.state$.children]);
      },
      $flags: { NoArgs: true },
    },
    clear: {
      $meth() {
        return chain(
          chain(childrenOf(this), (children: PyObject[]) =>
            chainEach(children, (child) => callMethod(child, "remove_from_parent")),
          ),
          () => pyNone,
        );
      },
      $flags: { NoArgs: true },
    },
    raise_event_on_children: variadic(function (this: Component, args: PyObject[], kwargs) {
      const details = objectToKwargs(kwargsToObject(kwargs));
      return chain(
        chain(childrenOf(this), (children: PyObject[]) =>
          chainEach(children, (child) => callMethod(child, "raise_event", args, [...details])),
        ),
        () => pyNone,
      );
    }),
  },
  classmethods: {
    validate_child: {
      $meth(child: PyObject) {
        checkChild(child);
        return pyNone;
      },
      $flags: { OneArg: true },
    },
  },
  flags: { sk$klass: true, sk$solidBase: false },
});
