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

  /**
   * Fires an event at this element only, so that a listener never hears a nested component. Gives
   * whether no listener prevented what would follow.
   */
  emit(type, detail) {
    return this.dispatchEvent(new CustomEvent(type, { cancelable: true, detail }));
  }

  /** Gives the focus to a part once that has rendered itself: before, it could not take it. */
  async focusPart(selector) {
    await this.updateComplete;
    const part = this.querySelector(selector);
    await part?.updateComplete;
    part?.focus();
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
