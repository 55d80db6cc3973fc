/** The attributes and methods of a `FooTemplate`. */

import {
  bindableFunction,
  call,
  callMethod,
  chain,
  chainEach,
  isStr,
  kwargsToObject,
  objectToKwargs,
  pyDict,
  pyList,
  pyName,
  pyNone,
  pyStr,
  pyTypes,
  toPy,
  type Kwargs,
  type PyObject,
  type PyType,
  type Result,
} from "../engine/skulpt";
import { raiseNamed, writeBack } from "../components/core/events";
import type { Component } from "../components/core/types";
import { domNodesOf } from "../components/html_component";
import {
  hasOwnInterface,
  walkComponents,
  type CustomProperty,
  type FormTemplate,
} from "../templates/shape";
import { refreshBindings, type BoundComponent } from "./bindings";
import { toProperties } from "./create";
import { CustomPropertyClass, ItemClass } from "./descriptors";
import type { Form } from "./form_state";
import { initComponents } from "./init";
import { hasLayout } from "./layouts";
import { setUpForm } from "./set_up";

export function boundComponents(template: FormTemplate): BoundComponent[] {
  const root = template.layout ?? template.container;
  return [
    { name: "", bindings: root?.data_bindings ?? [] },
    ...walkComponents(template).map(({ name, data_bindings: bindings = [] }) => ({
      name,
      bindings,
    })),
  ].filter(({ bindings }) => bindings.length > 0);
}

/** The component that bindings named `name` are about, if it is there. */
const bindingTarget = (form: Form, name: string): Component | null => {
  if (name !== "") return form.form$.components.get(name) ?? null;
  return hasLayout(form) ? form.layout$.instance : form;
};

type FormFunction = (self: Form, args: PyObject[], kwargs?: Kwargs) => unknown;

const bound = (name: string, body: FormFunction): PyObject =>
  bindableFunction(name, ([self, ...args], kwargs) => body(self as Form, args, kwargs));

const makeProperty = (
  get: (self: Form) => unknown,
  set?: (self: Form, value: PyObject) => void,
): PyObject => {
  const Property = pyTypes.property as unknown as { new (...args: PyObject[]): PyObject };
  const getter = bound("get", (self) => get(self));
  if (set === undefined) return new Property(getter);
  const setter = bound("set", (self, [value]) => {
    set(self, value!);
    return pyNone;
  });
  return new Property(getter, setter);
};

/**
 * Set properties of a form's container. Past the form's class: a property of the same name there is
 * the form's own, and its constructor has not run.
 */
function setContainer(
  self: Form,
  base: PyType,
  properties: Record<string, PyObject>,
): Result<unknown> {
  return chainEach(Object.entries(properties), ([name, value]) => {
    const member = base.$typeLookup(pyName(name)) as PyObject | undefined;
    if (member?.tp$descr_set === undefined) {
      console.warn(`${self.tp$name}: its container has no property '${name}'`);
      return undefined;
    }
    return member.tp$descr_set(self, value, true) as unknown;
  });
}

function makeNew(template: FormTemplate, base: PyType, bindings: BoundComponent[]): PyObject {
  const { container, layout } = template;
  const isFormBase = base.prototype.template$ !== undefined;
  return bindableFunction("__new__", ([cls]) => {
    const newBase = base.$typeLookup(pyName("__new__")) as PyObject;
    const getter = newBase.tp$descr_get as ((self: null, type: PyType) => PyObject) | undefined;
    const fn = getter ? getter.call(newBase, null, base) : newBase;
    const properties = toProperties((container ?? layout)!.properties);
    const kwargs = isFormBase ? [] : objectToKwargs(properties);
    const isNative = container !== undefined && !isFormBase;
    return chain(
      call(fn, [cls!], kwargs),
      (self: PyObject) =>
        chain(isNative ? setContainer(self as Form, base, properties) : undefined, () => self),
      (self: PyObject) => setUpForm(self as Form, template, bindings),
    );
  });
}

function makeInit(template: FormTemplate, base: PyType): PyObject {
  return bound("__init__", (self, _args, kwargs) => {
    // A container that is a form itself has properties to set and bindings to refresh.
    const isFormBase = base.prototype.template$ !== undefined;
    const first = isFormBase
      ? chain(
          call(
            base.$typeLookup(pyName("__init__")) as PyObject,
            [self],
            objectToKwargs({
              ...toProperties(base.prototype.defaults$ as Record<string, unknown>),
              ...toProperties(template.container?.properties),
            }),
          ),
          () => pyNone,
        )
      : pyNone;
    return chain(first, () => initComponents(self, template, kwargs));
  });
}

/** Write properties back whose events these are, then raise the event. */
function makeRaiseEvent(properties: CustomProperty[], base: PyType): PyObject {
  return bound("raise_event", (self, args, kwargs) => {
    const [name] = args;
    const written = properties.filter(
      (one) => isStr(name) && one.binding_writeback_events?.includes(name.v),
    );
    const inherited = base.$typeLookup(pyName("raise_event")) as PyObject;
    return chain(
      chainEach(written, (one) => writeBack(self, one.name)),
      () =>
        base.prototype.template$ === undefined && args.length === 1
          ? raiseNamed(self, name!, kwargsToObject(kwargs))
          : call(inherited, [self, ...args], kwargs),
    );
  });
}

export function makeMembers(template: FormTemplate, base: PyType): Record<string, PyObject> {
  const bindings = boundComponents(template);
  const all = [...((base.prototype.bindings$ as BoundComponent[] | undefined) ?? []), ...bindings];
  const own = hasOwnInterface(template);
  const properties = own ? (template.properties ?? []) : [];
  const events = own ? (template.events ?? []) : [];
  const members: Record<string, PyObject> = {
    __module__: pyStr(template.name),
    __new__: makeNew(template, base, bindings),
    __init__: makeInit(template, base),
    init_components: bound("init_components", (self, _args, kwargs) =>
      initComponents(self, template, kwargs),
    ),
    refresh_data_bindings: bound("refresh_data_bindings", (self) =>
      chain(
        callMethod(self, "raise_event", [pyStr("refreshing_data_bindings")]),
        () => refreshBindings(self, all, (name) => bindingTarget(self, name)),
        () => (self.bindingsRefreshed$?.() as Result | undefined) ?? pyNone,
      ),
    ),
    raise_event: makeRaiseEvent(properties, base),
    item: new (ItemClass as unknown as { new (base?: PyObject): PyObject })(
      base.$typeLookup(pyName("item")) as PyObject | undefined,
    ),
    dom_nodes: makeProperty(
      (self) => self.form$.domNodes ?? domNodesOf(self.form$.htmlComponents),
      (self, value) => {
        self.form$.domNodes = value;
      },
    ),
    _anvil_properties_: pyList(
      [{ name: "item", type: "dict" }, ...properties.map(({ name, type }) => ({ name, type }))].map(
        toPy,
      ),
    ),
    _anvil_events_: pyList(
      [{ name: "refreshing_data_bindings" }, ...events.map(({ name }) => ({ name }))].map(toPy),
    ),
  };
  for (const { name, default_value: value } of properties) {
    members[name] = new (
      CustomPropertyClass as unknown as {
        new (name: string, initial: unknown): PyObject;
      }
    )(name, value);
  }
  if (template.slots !== undefined) {
    members.slots = makeProperty((self) => pyDict(self.form$.slots));
  }
  return members;
}
