/** Which methods of a form handle which events: the template's, and those marked by `@handle`. */

import {
  bindableFunction,
  findAttr,
  genericGetAttr,
  isException,
  isStr,
  isCallable,
  isInstance,
  nativeClass,
  pyError,
  pyName,
  pyStr,
  pyTypes,
  pyFunction,
  method,
  typeName,
  type PyObject,
  type PyType,
} from "../engine/skulpt";
import { addHandler, mroOf, removeHandler } from "../components/core/events";
import type { Component } from "../components/core/types";

interface Mark {
  component: string;
  event: string;
}

interface Marked extends PyObject {
  fn$: PyObject;
  marks$: Mark[];
}

/**
 * What `@handle` makes of a method: it binds like the method itself, and remembers what it handles.
 * Several may stand above one method.
 */
const HandlerMethod = nativeClass<Marked>("anvil.EventHandlerDescriptor", {
  constructor: function EventHandlerDescriptor() {},
  slots: {
    tp$call(this: Marked, args: PyObject[], kwargs?: (string | PyObject)[]) {
      return (this.fn$ as unknown as { tp$call(a: PyObject[], k: unknown): PyObject }).tp$call(
        args,
        kwargs,
      );
    },
    tp$descr_get(this: Marked, self: PyObject | null, type?: PyType) {
      const get = this.fn$.tp$descr_get as
        ((self: PyObject | null, type?: PyType) => PyObject) | undefined;
      return get === undefined ? this.fn$ : get.call(this.fn$, self, type);
    },
  },
});

/** `anvil.handle(component_name, event_name)` */
export const handle = pyFunction(
  "handle",
  method(["component_name", "event_name"], (component: PyObject, event: PyObject) => {
    if (!isStr(component) || !isStr(event)) {
      throw pyError("TypeError", "@handle takes the names of a component and of an event");
    }
    const mark = { component: component.v, event: event.v };
    return bindableFunction("handle", ([given]) => {
      const inner = isInstance(given!, HandlerMethod) ? (given as Marked) : null;
      const made = new (HandlerMethod as unknown as { new (): Marked })();
      made.fn$ = inner?.fn$ ?? given!;
      made.marks$ = [mark, ...(inner?.marks$ ?? [])];
      return made;
    });
  }),
  "anvil",
);

/** Method names by component name and event. */
export type Handlers = Map<string, Map<string, string[]>>;

const byClass = new WeakMap<PyType, Handlers>();

/** The handlers that `@handle` marks in a form's class and the classes above it. */
export function markedHandlers(type: PyType): Handlers {
  let found = byClass.get(type);
  if (found === undefined) {
    found = new Map();
    const seen = new Set<string>();
    for (const one of mroOf(type)) {
      for (const [name, member] of Object.entries(one.prototype)) {
        if (seen.has(name) || !(member as Marked | undefined)?.marks$) continue;
        seen.add(name); // a subclass's method stands for the one that it overrides
        for (const { component, event } of (member as Marked).marks$) {
          const events = found.get(component) ?? new Map<string, string[]>();
          events.set(event, [...(events.get(event) ?? []), name]);
          found.set(component, events);
        }
      }
    }
    byClass.set(type, found);
  }
  return found;
}

const warned = new Set<string>();

function warnOnce(message: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  console.warn(message);
}

/** The bound method, or null (with a warning) if the form has none of that name. */
function methodOf(form: PyObject, name: string, whose: string): PyObject | null {
  // Past the form's guard of names: a component may have the same name as the method.
  const found = genericGetAttr.call(form, pyName(name));
  if (found !== undefined && isCallable(found)) return found;
  const what = found === undefined ? "there is no such method" : `it is a ${typeName(found)}`;
  warnOnce(`${form.tp$name}.${name} cannot handle ${whose}: ${what}`);
  return null;
}

/** Event and method names for one component: `@handle` wins over the template. */
export function bindingsFor(
  form: PyObject,
  componentName: string,
  written: Record<string, string> = {},
): [event: string, methodName: string][] {
  const marked = markedHandlers(form.ob$type).get(componentName);
  const template = Object.entries(written).filter(([event]) => !marked?.has(event));
  const decorated = [...(marked ?? [])].flatMap(([event, names]) =>
    names.map((name) => [event, name] as [string, string]),
  );
  return [...template, ...decorated];
}

/** Have a form's methods handle a component's events. */
export function bindHandlers(
  form: PyObject,
  component: Component,
  componentName: string,
  bindings: [event: string, methodName: string][],
): void {
  for (const [event, methodName] of bindings) {
    const whose = `event '${event}' of self${componentName && `.${componentName}`}`;
    const handler = methodOf(form, methodName, whose);
    if (handler === null) continue;
    try {
      addHandler(component, pyStr(event), handler);
    } catch (error) {
      if (!isException(error) || !isInstance(error, pyTypes.ValueError as PyType)) throw error;
      warnOnce(`${form.tp$name}.${methodName}: ${component.tp$name} has no event '${event}'`);
    }
  }
}

/** Undo `bindHandlers`. */
export function unbindHandlers(
  form: PyObject,
  component: Component,
  bindings: [event: string, methodName: string][],
): void {
  for (const [event, methodName] of bindings) {
    const handler = findAttr(form, methodName);
    const handlers = component.state$.handlers.get(event) ?? [];
    if (handler !== undefined && handlers.length > 0) {
      removeHandler(component, pyStr(event), handler);
    }
  }
}
