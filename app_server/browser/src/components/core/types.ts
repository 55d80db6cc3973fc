/** What every component is made of, as the runtime sees it. */

import type { PyObject, Result } from "../../engine/skulpt";

/** A Python object of class `anvil.Component` or of a subclass of it. */
export interface Component extends PyObject {
  readonly state$: ComponentState;
  /** The element of a component written in TypeScript; see `setUpDom` for any component's. */
  dom$(): Result<Element>;
  /** Names of the events that the class raises, beside those beginning with `x-`. */
  readonly events$?: readonly string[];
  /** Whether `show` and `hide` are raised when the component enters and leaves the page. */
  readonly raisesShow$?: boolean;
  /** Called when the component comes onto the page and when it leaves it. */
  entersPage$?(): void;
  leavesPage$?(): void;
  /** Called after a component came in or went out. */
  childrenChanged$?(): void;
  /** Called on a form after its data bindings were refreshed. May wait. */
  bindingsRefreshed$?(): Result;
  /** Set of components that have no place on the page, as a Timer. */
  readonly isInvisible$?: boolean;
  /** A component that stands in for this one on the page: a form's layout. */
  portal$?(): Component | null;
}

export interface ComponentState {
  handlers: Map<string, PyObject[]>;
  link: ParentLink | null;
  /** The form whose layout this is. */
  portalOf: Component | null;
  children: Component[];
  tag: PyObject | null;
  /** The element last handed out. */
  dom: Element | null;
  /** The open form, or the content of a dialogue: it has no parent, but is on the page. */
  isRoot: boolean;
  /** What the component itself wants; its ancestors may hide it nevertheless. */
  isVisible: boolean;
  /** Whether `x-anvil-page-added` was raised last, rather than `x-anvil-page-removed`. */
  isOnPage: boolean;
  /** Whether `x-anvil-page-shown` was raised last, rather than `x-anvil-page-hidden`. */
  isShown: boolean;
  /** The package whose template made the component: where it looks up forms by name. */
  packageName: string | null;
}

export interface ParentLink {
  parent: Component;
  onRemove: (() => unknown)[];
  setVisible: ((isVisible: boolean) => unknown) | null;
  /** False while a container holds the component without having it on the page. */
  isMounted: boolean;
}

export const newState = (): ComponentState => ({
  handlers: new Map(),
  link: null,
  portalOf: null,
  children: [],
  tag: null,
  dom: null,
  isRoot: false,
  isVisible: true,
  isOnPage: false,
  isShown: false,
  packageName: null,
});

export const isComponent = (value: unknown): value is Component =>
  Boolean((value as Component | undefined)?.state$);
