/**
 * What the platform needs of components, without knowing how they are made: `src/components` says
 * so by `setComponentHost` when it is installed.
 */

import { chain, pyError, typeName, type PyObject, type Result } from "./skulpt";

export interface ComponentHost {
  /** Whether the value is a component. */
  isComponent(value: PyObject): boolean;
  /** The component's outermost element, made ready if need be. May wait. */
  element(component: PyObject): Result<Element>;
  /** Raise what is wrong with opening the component as the page or in a dialogue (it has a parent
   * already, ...), if anything is. */
  checkRoot(component: PyObject): void;
  /** The component's element has come onto the page as a root (the open form, a dialogue's
   * content): raise `show` and the page events on it and all within. */
  mounted(component: PyObject): Result<unknown>;
  /** The component's element has left the page: raise `hide` and the page events. */
  unmounted(component: PyObject): Result<unknown>;
  /** Whether the layout that the open form stands in can serve the next one, and give it over. */
  canHandOver(from: PyObject, to: PyObject): boolean;
  handOver(from: PyObject, to: PyObject): Result<unknown>;
}

let host: ComponentHost | undefined;

export function setComponentHost(given: ComponentHost): void {
  host = given;
}

export function componentHost(): ComponentHost {
  if (host === undefined) throw new Error("no components are installed");
  return host;
}

export const isComponent = (value: PyObject): boolean => host?.isComponent(value) ?? false;

/** The element of a component; TypeError for anything else. May wait. */
export function elementOf(component: PyObject): Result<Element> {
  if (!isComponent(component)) {
    throw pyError("TypeError", `expected an Anvil component, got '${typeName(component)}'`);
  }
  return chain(undefined, () => componentHost().element(component));
}
