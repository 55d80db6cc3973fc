/** What the `m3-*` elements share. */
import { LitElement } from "lit";

/**
 * An element that renders into itself: theme CSS, roles and labels reach its parts, and Anvil's
 * `anvil:on-dom` listeners sit on the element. Its properties may be set before it is upgraded.
 */
export class M3Element extends LitElement {
  createRenderRoot() {
    return this;
  }

  /** Fires an event at this element only, so that a listener never hears a nested component. */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Fires an event that the elements around this one hear too. */
  emitUp(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
  }
}

/** Registers an element unless the page has it already (an embedded app loads the bundle twice). */
export function define(name, constructor) {
  if (!customElements.get(name)) customElements.define(name, constructor);
}

/** "shopping_cart" and "fa:shopping-cart" as words that a screen reader can say. */
export function spokenName(icon) {
  return (icon ?? "").replace(/^\w+:/, "").replace(/[_-]+/g, " ");
}

/** Whether the user wants things to happen at once; Material's own animations have to be told. */
export const wantsNoMotion = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
