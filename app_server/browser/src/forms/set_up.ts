/** The second half of a form's `__new__`: components, slots, handlers, write-back. */

import {
  call,
  callMethod,
  chain,
  chainEach,
  getAttr,
  objectToKwargs,
  pyName,
  settled,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { HtmlComponentClass } from "../components/html_component";
import type { Component } from "../components/core/types";
import { packageOf, type FormTemplate } from "../templates/shape";
import { listenForWriteBack, refreshBindings, type BoundComponent } from "./bindings";
import { createComponents, setMember, takeHtml, toProperties, warnOfUnknownNames } from "./create";
import { newFormState, type Form } from "./form_state";
import { bindHandlers, bindingsFor, markedHandlers, unbindHandlers } from "./handlers";
import { hasLayout } from "./layouts";
import { addingTo, findSlot, makeSlot } from "./slots";

/** Make the slots that the template defines; earlier ones in a container shift later ones. */
function makeSlots(form: Form, template: FormTemplate): void {
  const byTarget = new Map<string, ReturnType<typeof makeSlot>[]>();
  const inOrder = Object.entries(template.slots ?? {}).sort(([, a], [, b]) => a.index - b.index);
  for (const [name, { target, index, set_layout_properties, one_component }] of inOrder) {
    const find = (): Result => {
      if (target.type === "slot") {
        return chain(getAttr(form, "layout"), (layout: PyObject) => findSlot(layout, target.name));
      }
      return target.name === "" ? form : form.form$.components.get(target.name)!;
    };
    const slot = makeSlot({
      add: addingTo(find),
      index,
      layoutProperties: set_layout_properties,
      takesOne: Boolean(one_component),
    });
    const key = `${target.type}:${target.name}`;
    const earlier = byTarget.get(key) ?? [];
    slot.slot$.earlier.push(...earlier);
    byTarget.set(key, [...earlier, slot]);
    form.form$.slots.set(name, slot);
  }
}

/**
 * A custom component that takes components from whoever uses it: theirs are counted by themselves,
 * before the component's own.
 */
function separateCallersComponents(form: Form, template: FormTemplate): void {
  const name = pyName("add_component");
  const isNative =
    form.ob$type.$typeLookup(name) === HtmlComponentClass.$typeLookup(name) &&
    form.state$.children.length > 0;
  if (!template.custom_component_container || !isNative) return;
  const add = settled(getAttr(form, "add_component"));
  const slot = makeSlot({
    add: (child, details) => call(add, [child], details),
    index: 0,
    layoutProperties: {},
    takesOne: false,
  });
  setMember(form, "add_component", settled(getAttr(slot, "add_component")));
}

/** Put the components of a form into the slots of its layout. */
function fillSlots(form: Form, template: FormTemplate, layout: Component): Result<void> {
  const filled = Object.entries(template.components_by_slot ?? {}).filter(
    ([, components]) => components.length > 0,
  );
  return chainEach(filled, ([name, components]) =>
    chain(findSlot(layout, name), (slot: PyObject) =>
      chainEach(components, (one) =>
        callMethod(
          slot,
          "add_component",
          [form.form$.components.get(one.name)!],
          objectToKwargs(toProperties(one.layout_properties)),
        ),
      ),
    ),
  );
}

function connectLayout(form: Form, template: FormTemplate, bindings: BoundComponent[]): void {
  if (!hasLayout(form)) return;
  const own = bindings.filter(({ name }) => name === "");
  const handlers = Object.entries(template.layout!.event_bindings ?? {});
  form.layout$.onTake = (layout) => {
    bindHandlers(form, layout, "layout", handlers);
    form.form$.stopLayoutWriteBack = own[0] ? listenForWriteBack(form, layout, own[0]) : null;
    return chain(
      refreshBindings(form, own, () => layout),
      () => fillSlots(form, template, layout),
      () => layout,
    );
  };
  form.layout$.onLeave = (layout) => {
    unbindHandlers(form, layout, handlers);
    form.form$.stopLayoutWriteBack?.();
    form.form$.stopLayoutWriteBack = null;
  };
}

/** Give a bare form its parts. May wait; gives the form. */
export function setUpForm(form: Form, template: FormTemplate, bindings: BoundComponent[]): Result {
  // A container that is a form has a state already; its components stay attributes of this one.
  const outer = form.form$ as Form["form$"] | undefined;
  const state = newFormState(template);
  for (const [name, component] of outer?.components ?? []) state.components.set(name, component);
  if (outer !== undefined) state.htmlComponents.push(...outer.htmlComponents);
  Object.defineProperty(form, "form$", { value: state, configurable: true });
  form.state$.packageName ??= packageOf(template.name);

  const written = template.layout?.form_event_bindings ?? template.container?.event_bindings ?? {};
  // Of a form whose container is a form, the methods marked with @handle are bound by the outer one.
  const isOutermost = form.ob$type.prototype.template$ === template;
  const own = isOutermost ? bindingsFor(form, "", written) : Object.entries(written);
  bindHandlers(form, form, "", own);
  takeHtml(form, form);
  connectLayout(form, template, bindings);
  return chain(createComponents(form, template), () => {
    if (isOutermost) warnOfUnknownNames(form, markedHandlers(form.ob$type).keys());
    makeSlots(form, template);
    separateCallersComponents(form, template);
    for (const bound of bindings) {
      const target = bound.name === "" ? form : state.components.get(bound.name);
      const isOfLayout = bound.name === "" && template.layout !== undefined;
      if (target !== undefined && !isOfLayout) listenForWriteBack(form, target, bound);
    }
    return form;
  });
}
