/** Data bindings: from expressions to properties, and back with write-back. */

import {
  bindableFunction,
  chain,
  chainEach,
  getAttr,
  isException,
  isInstance,
  isStr,
  pyError,
  pyNone,
  pyStr,
  pyTypes,
  setAttr,
  tryCatch,
  type PyException,
  type PyObject,
  type PyType,
  type Result,
} from "../engine/skulpt";
import { addHandler } from "../components/core/events";
import type { Component } from "../components/core/types";
import { reportError } from "../errors/report";
import type { DataBinding } from "../templates/shape";
import { assign, evaluate } from "./expressions";

/** Bindings of one component; the name is "" for the form itself or its layout. */
export interface BoundComponent {
  name: string;
  bindings: DataBinding[];
}

const isA = (error: unknown, type: string): error is PyException =>
  isException(error) && isInstance(error, pyTypes[type] as PyType);

const nameOf = (component: string): string => (component === "" ? "self" : `self.${component}`);

/** Say in the error's message which binding it came from. */
function explain(error: unknown, form: PyObject, component: string, binding: DataBinding): void {
  if (!isException(error)) return;
  const [message] = error.args.v;
  if (message !== undefined && !isStr(message)) return;
  const target = `${nameOf(component)}.${binding.property}`;
  const text = `${message?.v ?? ""}\n in the data binding of ${target} (${binding.code}) in ${form.tp$name}`;
  error.args.v[0] = pyStr(text.trimStart());
}

function update(
  form: PyObject,
  component: Component,
  name: string,
  binding: DataBinding,
  failures: unknown[],
): Result<unknown> {
  const set = (value: PyObject): unknown => setAttr(component, binding.property, value);
  return tryCatch<unknown>(
    () => chain(evaluate(binding.code, form, binding.chained), set),
    (error) => {
      // An item without the key shows nothing, as on Anvil.
      if (isA(error, "KeyError")) return set(pyNone);
      explain(error, form, name, binding);
      failures.push(error);
      return undefined;
    },
  );
}

/** Bring every bound property up to date. Raises after all have been tried. */
export function refreshBindings(
  form: PyObject,
  bound: BoundComponent[],
  find: (name: string) => Component | null,
): Result {
  const failures: unknown[] = [];
  const each = chainEach(bound, ({ name, bindings }) => {
    const component = find(name);
    if (component === null) return undefined; // a layout that has not been made
    return chainEach(bindings, (binding) => update(form, component, name, binding, failures));
  });
  return chain(each, () => {
    if (failures.length === 0) return pyNone;
    if (failures.length === 1) throw failures[0];
    const messages = failures.map((error) =>
      isException(error)
        ? String((error.args.v[0] as { v?: string } | undefined)?.v)
        : String(error),
    );
    const message = `${failures.length} data bindings failed:\n${messages.join("\n")}`;
    throw pyError("RuntimeError", message);
  });
}

/** Assign what the person entered to what a binding names. Errors are reported. */
function writeBackHandler(
  form: PyObject,
  component: Component,
  name: string,
  binding: DataBinding,
): PyObject {
  return bindableFunction("write_back", () =>
    tryCatch<PyObject>(
      () =>
        chain(
          getAttr(component, binding.property),
          (value: PyObject) => assign(binding.code, form, value),
          () => pyNone,
        ),
      (error) => {
        if (isA(error, "KeyError")) return pyNone;
        explain(error, form, name, binding);
        reportError(error);
        return pyNone;
      },
    ),
  );
}

/** Listen for what is written back to a component; gives what stops it. */
export function listenForWriteBack(
  form: PyObject,
  component: Component,
  { name, bindings }: BoundComponent,
): () => void {
  const added = bindings
    .filter(({ writeback }) => writeback)
    .map((binding) => {
      const event = `x-anvil-write-back-${binding.property}`;
      const handler = writeBackHandler(form, component, name, binding);
      addHandler(component, pyStr(event), handler);
      return { event, handler };
    });
  return () => {
    for (const { event, handler } of added) {
      const handlers = component.state$.handlers.get(event) ?? [];
      component.state$.handlers.set(
        event,
        handlers.filter((other) => other !== handler),
      );
    }
  };
}
