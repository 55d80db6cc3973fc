/** Keeps the elements of a container in the order of its components. */

import type { Component } from "../core/types";

/** The element around each component of a container. */
export type Holders = WeakMap<Component, HTMLElement>;

/**
 * Put `made` into `parent` before what holds the components from place `at` on. `parent` may be any
 * element of the container; holders may stand deeper in it.
 */
export function insertInOrder(
  container: Component,
  holders: Holders,
  parent: Element,
  made: Element,
  at: number,
): void {
  let before: Element | null = null;
  for (const later of container.state$.children.slice(at)) {
    let holder: Element | null = holders.get(later) ?? null;
    while (holder !== null && holder.parentElement !== parent) holder = holder.parentElement;
    if (holder !== null) {
      before = holder;
      break;
    }
  }
  parent.insertBefore(made, before);
}
