/** Events of the mouse (or a finger, or a pen) on a component. */

import { pyFloat, pyInt, toPy, type PyObject } from "../../engine/skulpt";
import type { Component } from "../core/types";
import { dispatch, hasHandlers } from "../core/events";
import { heldKeys } from "./groups";

export const MOUSE_EVENTS = [
  "mouse_enter",
  "mouse_leave",
  "mouse_move",
  "mouse_down",
  "mouse_up",
] as const;

const DOM_EVENTS: Record<string, (typeof MOUSE_EVENTS)[number]> = {
  pointerenter: "mouse_enter",
  pointerleave: "mouse_leave",
  pointermove: "mouse_move",
  pointerdown: "mouse_down",
  pointerup: "mouse_up",
};

const coordinate = (value: number): PyObject =>
  Number.isInteger(value) ? pyInt(value) : pyFloat(value);

function details(event: PointerEvent, element: HTMLElement): Record<string, PyObject> {
  const { left, top } = element.getBoundingClientRect();
  const place = {
    x: coordinate(event.clientX - left),
    y: coordinate(event.clientY - top),
  };
  if (event.type !== "pointerdown" && event.type !== "pointerup") return place;
  return { ...place, button: pyInt(event.button + 1), keys: toPy(heldKeys(event)) };
}

/** Raise Anvil's mouse events for what happens on `element`, in its own pixels. */
export function listenToMouse(self: Component, element: HTMLElement): void {
  for (const [name, event] of Object.entries(DOM_EVENTS)) {
    element.addEventListener(name, (given) => {
      if (hasHandlers(self, event)) dispatch(self, event, details(given as PointerEvent, element));
    });
  }
  // A finger that draws does not scroll the page.
  element.addEventListener(
    "touchstart",
    (event) => {
      if (hasHandlers(self, "mouse_down") && hasHandlers(self, "mouse_move")) {
        event.preventDefault();
      }
    },
    { passive: false },
  );
}
