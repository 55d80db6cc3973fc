/**
 * Whether components are on the page and seen there, and the events that tell of it.
 *
 * A component is on the page when its chain of parents ends at a root (the open form, a dialogue's
 * content); it is shown when, besides, neither it nor an ancestor is invisible. `show` and `hide`
 * follow the page; `x-anvil-page-shown` and `x-anvil-page-hidden` follow what is seen.
 */

import { chain, chainEach, pyNone, type Result } from "../../engine/skulpt";
import { callHandlers, hasHandlers } from "./events";
import type { Component } from "./types";

interface Change {
  component: Component;
  event: string;
}

interface Changes {
  removed: Change[];
  added: Change[];
  shown: Change[];
  classic: Change[];
}

/** The components directly below one, as the page has them. */
function below(component: Component): Component[] {
  const portal = component.portal$?.();
  return portal ? [portal] : component.state$.children;
}

/** What holds a component on the page, if anything does. */
function holderOf({ state$: { portalOf, link } }: Component): Component | null {
  return portalOf ?? (link?.isMounted ? link.parent : null);
}

function isOnPageNow(component: Component): boolean {
  const holder = holderOf(component);
  return component.state$.isRoot || (holder !== null && isOnPageNow(holder));
}

function isSeenNow(component: Component): boolean {
  const { isRoot, isVisible } = component.state$;
  const holder = holderOf(component);
  return isVisible && (isRoot || (holder !== null && isSeenNow(holder)));
}

function collect(component: Component, onPage: boolean, seen: boolean, changes: Changes): void {
  const state = component.state$;
  const isOnPage = onPage && (state.isRoot || holderOf(component) !== null);
  const isShown = isOnPage && seen && state.isVisible;
  const note = (list: Change[], event: string): void => {
    if (hasHandlers(component, event)) list.push({ component, event });
  };
  const classic = (event: string): void => {
    if (component.raisesShow$) note(changes.classic, event);
  };
  if (state.isShown && !isShown) note(changes.removed, "x-anvil-page-hidden");
  if (state.isOnPage && !isOnPage) {
    component.leavesPage$?.();
    note(changes.removed, "x-anvil-page-removed");
    classic("hide");
  }
  if (!state.isOnPage && isOnPage) {
    component.entersPage$?.();
    note(changes.added, "x-anvil-page-added");
    classic("show");
  } else if (state.isOnPage && isOnPage && !state.isShown && isShown) {
    classic("show"); // made visible again
  }
  if (!state.isShown && isShown) note(changes.shown, "x-anvil-page-shown");
  state.isOnPage = isOnPage;
  state.isShown = isShown;
  for (const child of below(component)) collect(child, isOnPage, isShown, changes);
}

/** Bring a component and all below it up to date, and raise the events of what changed. */
export function updatePage(component: Component): Result {
  const changes: Changes = { removed: [], added: [], shown: [], classic: [] };
  collect(component, isOnPageNow(component), isSeenNow(component), changes);
  // Anvil tells inner components before outer ones that they are shown; outer before inner that
  // they are hidden.
  const isAdding = component.state$.isOnPage;
  if (isAdding) changes.classic.reverse();
  const { removed, added, shown, classic } = changes;
  const all = [...removed, ...added, ...shown, ...classic];
  if (all.length === 0) return pyNone;
  return chain(
    chainEach(all, ({ component: one, event }) => callHandlers(one, event)),
    () => pyNone,
  );
}

/** Take note that a component wants to be seen or not, and tell its container. */
export function setVisible(component: Component, isVisible: boolean): Result {
  const state = component.state$;
  if (state.isVisible === isVisible) return pyNone;
  state.isVisible = isVisible;
  const link = state.link;
  return chain(link?.setVisible?.(isVisible) as Result, () => updatePage(component));
}

/** Make a component a root of the page, or take it off. Its element is the caller's affair. */
export function setRoot(component: Component, isRoot: boolean): Result {
  component.state$.isRoot = isRoot;
  return updatePage(component);
}
