/**
 * `anvil.call(element, "method", ...)`, by which scripts of a page call the form that they are in.
 *
 * The form is the innermost one made of HTML around the element; the call gives a Promise of what
 * the method returns. See https://anvil.works/docs/client/javascript/accessing-python.
 */

import {
  call,
  isInstance,
  pyError,
  pyStr,
  run,
  toJsOrWrap,
  toPyOrProxy,
  type PyType,
} from "../engine/skulpt";
import { reportError } from "../errors/report";
import { builtIn } from "./catalog";
import { componentAt } from "./core/dom";
import type { Component } from "./core/types";

/** An element, or what jQuery made of one. */
function elementOf(given: unknown): Element | null {
  if (given instanceof Element) return given;
  const first = (given as ArrayLike<unknown> | null | undefined)?.[0];
  return first instanceof Element ? first : null;
}

function formAround(element: Element): Component | null {
  const kinds = ["HtmlTemplate", "HtmlComponent"].map((name) => builtIn(name) as PyType);
  let found = componentAt(element);
  while (found !== null && !kinds.some((kind) => isInstance(found!, kind))) {
    const outside: Element | null = found.state$.dom?.parentElement ?? null;
    found = outside && componentAt(outside);
  }
  return found;
}

async function callForm(given: unknown, name: string, args: unknown[]): Promise<unknown> {
  const element = elementOf(given);
  const form = element && formAround(element);
  if (form === null) {
    throw pyError(
      "RuntimeError",
      "anvil.call() first argument should be a child DOM element of the Form instance you wish to " +
        "call the function on. The element given is in no form.",
    );
  }
  const method = form.tp$getattr(pyStr(name));
  if (method === undefined) {
    throw pyError(
      "AttributeError",
      `Attempted to call non-existent method from Javascript: <${form.tp$name} object> has no ` +
        `attribute '${name}'.`,
    );
  }
  return toJsOrWrap(await run(() => call(method, args.map(toPyOrProxy))));
}

declare global {
  interface Window {
    anvil?: Record<string, unknown>;
  }
}

/** Make `anvil.call` known to scripts. */
export function defineJsCalls(): void {
  window.anvil = {
    ...window.anvil,
    call(element: unknown, name: string, ...args: unknown[]): Promise<unknown> {
      const outcome = callForm(element, name, args);
      outcome.catch((error: unknown) => reportError(error));
      return outcome;
    },
  };
}
