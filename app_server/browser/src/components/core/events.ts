/** Events of components: names that may be used, handlers, raising. */

import {
  call,
  callMethod,
  chain,
  chainEach,
  equals,
  isCallable,
  isDict,
  isList,
  isNone,
  isStr,
  isTuple,
  objectToKwargs,
  pyError,
  pyName,
  pyNone,
  pyStr,
  repr,
  run,
  tryCatch,
  typeName,
  type PyObject,
  type PyType,
  type Result,
} from "../../engine/skulpt";
import { reportError } from "../../errors/report";
import type { Component } from "./types";

const allowedByClass = new WeakMap<PyType, Set<string>>();

/** The classes of a component, its own first. */
export const mroOf = (type: PyType): PyType[] =>
  (type.prototype.tp$mro as PyType[] | undefined) ??
  (type.tp$getattr(pyName("__mro__")) as unknown as { v: PyType[] }).v;

function nameOfEvent(description: PyObject): string {
  const name = isDict(description) ? description.quick$lookup(pyName("name")) : description;
  if (isStr(name)) return name.v;
  throw pyError("TypeError", `_anvil_events_ must name events, not ${repr(description)}`);
}

/** The events that instances of a class may raise, from its TypeScript and its Python parts. */
function allowedEvents(type: PyType): Set<string> {
  let allowed = allowedByClass.get(type);
  if (allowed === undefined) {
    allowed = new Set(type.prototype.events$ as string[] | undefined);
    for (const one of mroOf(type)) {
      const own = Object.getOwnPropertyDescriptor(one.prototype, "_anvil_events_")?.value as
        PyObject | undefined;
      if (isList(own) || isTuple(own)) {
        for (const description of own.v) allowed.add(nameOfEvent(description));
      }
    }
    allowedByClass.set(type, allowed);
  }
  return allowed;
}

function checkName(self: Component, name: PyObject, doing: string): string {
  if (!isStr(name)) throw pyError("TypeError", "expected the first argument to be a string");
  if (name.v.startsWith("x-") || allowedEvents(self.ob$type).has(name.v)) return name.v;
  throw pyError(
    "ValueError",
    `Cannot ${doing} unknown event '${name.v}' on ${self.tp$name} component. ` +
      "Custom event names must start with 'x-'.",
  );
}

function checkHandler(self: Component, event: string, handler: PyObject): void {
  if (isCallable(handler)) return;
  throw pyError(
    "TypeError",
    `The '${event}' event handler added to ${self.tp$name} must be a callable, ` +
      `not type '${typeName(handler)}'`,
  );
}

export function setHandler(self: Component, name: PyObject, handler: PyObject): void {
  const event = checkName(self, name, "set event handler for");
  if (isNone(handler)) {
    self.state$.handlers.delete(event);
    return;
  }
  checkHandler(self, event, handler);
  self.state$.handlers.set(event, [handler]);
}

export function addHandler(self: Component, name: PyObject, handler: PyObject): void {
  const event = checkName(self, name, "set event handler for");
  checkHandler(self, event, handler);
  const handlers = self.state$.handlers.get(event);
  if (handlers === undefined) self.state$.handlers.set(event, [handler]);
  else handlers.push(handler);
}

export function removeHandler(self: Component, name: PyObject, handler?: PyObject): void {
  const event = checkName(self, name, "remove event handler for");
  const handlers = self.state$.handlers;
  if (handler === undefined) {
    handlers.delete(event);
    return;
  }
  checkHandler(self, event, handler);
  const before = handlers.get(event) ?? [];
  const after = before.filter((other) => !equals(other, handler));
  if (after.length === before.length) {
    const message = `event handler '${repr(handler)}' was not found in '${event}' event handlers`;
    throw pyError("LookupError", message);
  }
  if (after.length > 0) handlers.set(event, after);
  else handlers.delete(event);
}

export const handlersOf = (self: Component, name: PyObject): PyObject[] => [
  ...(self.state$.handlers.get(checkName(self, name, "get event handlers for")) ?? []),
];

/** Whether anyone listens for an event. */
export const hasHandlers = (self: Component, event: string): boolean =>
  self.state$.handlers.has(event);

/**
 * Call the handlers of an event in order, each to its end. A handler's error is reported and does
 * not keep the others from running, as in Anvil's runtime.
 */
export function callHandlers(
  self: Component,
  event: string,
  details: Record<string, PyObject> = {},
): Result {
  const handlers = self.state$.handlers.get(event);
  if (handlers === undefined) return pyNone;
  const kwargs = objectToKwargs({ ...details, sender: self, event_name: pyStr(event) });
  const each = chainEach([...handlers], (handler) =>
    tryCatch<unknown>(
      () => call(handler, [], [...kwargs]),
      (error) => reportError(error),
    ),
  );
  return chain(each, () => pyNone);
}

/** What `raise_event` does. */
export const raiseNamed = (
  self: Component,
  name: PyObject,
  details: Record<string, PyObject>,
): Result => callHandlers(self, checkName(self, name, "raise event for"), details);

/** Raise an event as Python code would: an override of `raise_event` gets its turn. */
export const raiseEvent = (
  self: Component,
  event: string,
  details: Record<string, PyObject> = {},
): Result => callMethod(self, "raise_event", [pyStr(event)], objectToKwargs(details));

/** Tell bindings with write-back that a property has a new value. May wait. */
export function writeBack(self: Component, property: string, value?: PyObject): Result {
  const event = `x-anvil-write-back-${property}`;
  if (!hasHandlers(self, event)) return pyNone;
  return callHandlers(self, event, {
    property: pyStr(property),
    ...(value === undefined ? {} : { value }),
  });
}

/** Run Python from a DOM event; what goes wrong is reported. */
export function fromDom(work: () => unknown): void {
  run(work as () => Result).catch(reportError);
}

/** Raise an event from the DOM, after writing back `written` if that is given. */
export function dispatch(
  self: Component,
  event: string,
  details: Record<string, PyObject> = {},
  written?: string,
): void {
  fromDom(() =>
    chain(written === undefined ? pyNone : writeBack(self, written), () =>
      raiseEvent(self, event, details),
    ),
  );
}
