/** The element of any component, be it written in TypeScript or in Python. */

import {
  call,
  chain,
  getAttr,
  pyError,
  pyName,
  toJs,
  type PyObject,
  type PyType,
  type Result,
} from "../../engine/skulpt";
import type { Component } from "./types";

const SET_UP = "_anvil_setup_dom_";
const ELEMENT = "_anvil_dom_element_";

const overrides = new WeakMap<PyType, { setUp: boolean; element: boolean }>();

/** Whether a class defines the hooks in Python, rather than inheriting the runtime's own. */
function pythonHooks(type: PyType): { setUp: boolean; element: boolean } {
  let found = overrides.get(type);
  if (found === undefined) {
    const isPython = (name: string): boolean => {
      const member = type.$typeLookup(pyName(name)) as PyObject | undefined;
      return member !== undefined && !(member as { runtime$?: boolean }).runtime$;
    };
    found = { setUp: isPython(SET_UP), element: isPython(ELEMENT) };
    overrides.set(type, found);
  }
  return found;
}

function asElement(component: Component, value: PyObject): Element {
  const element = toJs(value);
  if (element instanceof Element) return element;
  throw pyError("ValueError", `${component.tp$name}.${SET_UP} must return a DOM element`);
}

/** Have a component make its element ready, and get it. May wait. */
export function setUpDom(component: Component): Result<Element> {
  const made = pythonHooks(component.ob$type).setUp
    ? chain(
        chain(getAttr(component, SET_UP), (hook: PyObject) => call(hook)),
        (value: PyObject) => asElement(component, value),
      )
    : component.dom$();
  return chain(made, (element: Element) => {
    byElement.set(element, component);
    return (component.state$.dom = element);
  });
}

const byElement = new WeakMap<Element, Component>();

/** The innermost component whose element an element is in, or null. */
export function componentAt(element: Element): Component | null {
  for (let one: Element | null = element; one !== null; one = one.parentElement) {
    const component = byElement.get(one);
    if (component !== undefined) return component;
  }
  return null;
}

/** The element as it is now, or null before it was set up. */
export function domOf(component: Component): Element | null {
  if (pythonHooks(component.ob$type).element) {
    const value = toJs(component.tp$getattr(pyName(ELEMENT)));
    if (value instanceof Element) return value;
  }
  return component.state$.dom;
}
