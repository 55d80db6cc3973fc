/** Makes the components of a form from its template. */

import {
  call,
  callMethod,
  chain,
  chainEach,
  isException,
  objectToKwargs,
  pyStr,
  pyTrue,
  repr,
  toPy,
  tryCatch,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { builtIn } from "../components/catalog";
import { LENIENT } from "../components/classic/classic";
import { setNextPackage } from "../components/core/component";
import type { Component } from "../components/core/types";
import { hasNodes, isHtmlComponent, setHost } from "../components/html_component";
import { reportError } from "../errors/report";
import { leafOf, packageOf, type ComponentTemplate, type FormTemplate } from "../templates/shape";
import { findFormClass } from "../boot/open_form";
import { bindHandlers, bindingsFor } from "./handlers";
import type { Form } from "./form_state";

/** The class that a template's type names. May wait: a form's module may have to be imported. */
export const classOf = (type: string): Result => builtIn(type) ?? findFormClass(type);

/** Properties of a template as keyword arguments. */
export function toProperties(values: Record<string, unknown> = {}): Record<string, PyObject> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toPy(value)]));
}

/** What stands in place of a component that could not be made. The error itself is reported. */
function placeholder(template: ComponentTemplate, error: unknown): Result {
  reportError(error);
  const what = isException(error) ? repr(error) : String(error);
  const text = pyStr(`${template.type} '${template.name}' could not be made: ${what}`);
  return call(builtIn("InvalidComponent")!, [], ["text", text]);
}

function instantiate(form: Form, template: ComponentTemplate): Result {
  const packageName = packageOf(form.form$.template.name);
  return tryCatch(
    () =>
      chain(classOf(template.type), (cls: PyObject) => {
        const properties = toProperties(template.properties);
        const isLenient = !template.type.includes(".");
        if (isLenient) properties[LENIENT] = pyTrue;
        setNextPackage(packageName);
        return call(cls, [], objectToKwargs(properties));
      }),
    (error) => placeholder(template, error),
  );
}

function addTo(parent: PyObject, child: Component, template: ComponentTemplate): Result {
  const details = objectToKwargs(toProperties(template.layout_properties));
  return tryCatch(
    () => callMethod(parent, "add_component", [child], details),
    (error) => {
      reportError(error);
      return toPy(null);
    },
  );
}

function createOne(form: Form, template: ComponentTemplate, parent: PyObject | null): Result {
  return chain(instantiate(form, template), (made: PyObject) => {
    const component = made as Component;
    const { name } = template;
    form.form$.components.set(name, component);
    bindHandlers(form, component, name, bindingsFor(form, name, template.event_bindings));
    if (!name.startsWith("$")) setMember(form, name, component);
    if (!template.type.includes(".")) takeHtml(form, component);
    return chain(
      chainEach(template.components ?? [], (child) => createOne(form, child, component)),
      () => (parent === null ? component : addTo(parent, component, template)),
    );
  });
}

/** HTML of the template calls the form's methods, and its named elements are the form's. */
export function takeHtml(form: Form, component: Component): void {
  if (isHtmlComponent(component) && !setHost(component, form)) return;
  if (hasNodes(component)) form.form$.htmlComponents.push(component);
}

/** Set an attribute of the form itself, past the form's own guard of names. */
export function setMember(form: Form, name: string, value: PyObject): void {
  const members = form.$d as { mp$ass_subscript(key: PyObject, value: PyObject): void } | undefined;
  members?.mp$ass_subscript(pyStr(name), value);
}

/** Make every component of the template, and add those of a container form to it. May wait. */
export function createComponents(form: Form, template: FormTemplate): Result<void> {
  if (template.layout === undefined) {
    return chainEach(template.components ?? [], (one) => createOne(form, one, form));
  }
  const all = Object.values(template.components_by_slot ?? {}).flat();
  return chainEach(all, (one) => createOne(form, one, null));
}

/** A handler for a component that the form does not have is a slip; say so. */
export function warnOfUnknownNames(form: Form, names: Iterable<string>): void {
  for (const name of names) {
    if (name !== "" && !form.form$.components.has(name)) {
      const cls = leafOf(form.form$.template.name);
      console.warn(`${cls}: @handle("${name}", ...) names no component of the form`);
    }
  }
}
