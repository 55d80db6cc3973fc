/**
 * How the classic components are written: a list of properties, a function that builds the
 * element, methods. See `button.ts` for a whole one.
 */

import {
  chain,
  chainEach,
  isException,
  isNone,
  isTrue,
  nativeClass,
  pyError,
  pyList,
  pyNone,
  setAttr,
  textOf,
  toJs,
  toPy,
  tryCatch,
  type Kwargs,
  type MethodDef,
  type PyObject,
  type PyType,
  type Result,
} from "../../engine/skulpt";
import { ComponentClass } from "../core/component";
import { ContainerClass } from "../core/container";
import type { Component } from "../core/types";
import { plainText, toggle } from "./theme";

/** An instance of a classic component. `parts` are the elements that its properties change. */
export interface Classic extends Component {
  root$: HTMLElement;
  parts$: Record<string, HTMLElement>;
  values$: Map<string, PyObject>;
}

export interface Property {
  name: string;
  /** Anvil's name of the type, for `_anvil_properties_`. */
  type: string;
  initial: PyObject;
  /** Show a value; it is stored already. May wait. Runs at the start unless `initial` is nothing. */
  show?(this: void, self: Classic, value: PyObject): unknown;
  /** The value as it is now, where the person can change it. */
  read?(this: void, self: Classic): PyObject;
  /** Check or convert a value before it is stored. */
  take?(this: void, self: Classic, value: PyObject): PyObject;
}

export interface ClassicDefinition {
  name: string;
  base?: PyType;
  events?: string[];
  properties: Property[];
  /** Make the root element; put others that properties need into `self.parts$`. */
  build(this: void, self: Classic): HTMLElement;
  /** Runs once the element and the first values are there. */
  ready?(this: void, self: Classic): void;
  /** Members for the runtime: hooks of the page, of pages of rows. */
  proto?: Record<string, unknown> & ThisType<Classic>;
  methods?: Record<string, MethodDef<Classic>>;
  classmethods?: Record<string, MethodDef<PyType>>;
  members?: Record<string, PyObject>;
}

/** Passed by templates: a property that the component does not have is told, not raised. */
export const LENIENT = "__ignore_property_exceptions";

export const property = (
  name: string,
  type: string,
  initial: unknown,
  show?: (self: Classic, value: PyObject) => unknown,
  more: Pick<Property, "read" | "take"> = {},
): Property => ({ name, type, initial: toPy(initial), ...(show && { show }), ...more });

export const textProperty = (
  name: string,
  initial: string,
  show: (self: Classic, text: string) => unknown,
  type = "string",
): Property => property(name, type, initial, (self, value) => show(self, plainText(value)));

export const boolProperty = (
  name: string,
  initial: boolean,
  show: (self: Classic, isOn: boolean) => unknown,
): Property => property(name, "boolean", initial, (self, value) => show(self, isTrue(value)));

export const enumProperty = (
  name: string,
  initial: string,
  options: readonly string[],
  show: (self: Classic, choice: string, options: readonly string[]) => unknown,
): Property =>
  property(name, "enum", initial, (self, value) => show(self, plainText(value), options));

/** The value of a property as it is stored. */
export const valueOf = (self: Classic, name: string): PyObject =>
  self.values$.get(name) ?? (self.propertyTable$ as Map<string, Property>).get(name)!.initial;

export const jsValueOf = (self: Classic, name: string): unknown => toJs(valueOf(self, name));
export const isOn = (self: Classic, name: string): boolean => isTrue(valueOf(self, name));

function initialise(self: Classic, definition: ClassicDefinition): void {
  Object.defineProperty(self, "values$", { value: new Map() });
  Object.defineProperty(self, "parts$", { value: {} });
  Object.defineProperty(self, "root$", { value: definition.build(self), writable: true });
  self.root$.classList.add("anvil-component");
  self.state$.dom = self.root$;
  for (const one of (self.propertyTable$ as Map<string, Property>).values()) {
    const isNothing = isNone(one.initial) || plainText(one.initial) === "";
    if (one.show !== undefined && !isNothing) one.show(self, one.initial);
  }
  definition.ready?.(self);
}

function setGiven(self: Classic, args: PyObject[], kwargs: Kwargs = []): Result {
  if (args.length > 0) {
    throw pyError("TypeError", "Component constructor takes keyword arguments only");
  }
  const given = new Map<string, PyObject>();
  for (let i = 0; i < kwargs.length; i += 2) {
    given.set(kwargs[i] as string, kwargs[i + 1] as PyObject);
  }
  const isLenient = given.delete(LENIENT);
  const table = self.propertyTable$ as Map<string, Property>;
  const known = [...table.keys()].filter((name) => given.has(name));
  const unknown = [...given.keys()].filter((name) => !table.has(name) && name !== "tag");
  if (unknown.length > 0) {
    const message = `${self.tp$name} got unexpected keyword argument(s): ${unknown.join(", ")}`;
    if (!isLenient) throw pyError("TypeError", message);
    console.warn(message);
  }
  if (given.has("tag")) known.push("tag");
  // In the order of the class, not of the call: items come before the selected one.
  const set = (name: string): unknown => setAttr(self, name, given.get(name)!);
  const tolerate = (name: string): unknown =>
    tryCatch<unknown>(
      () => set(name),
      (error) => {
        // A template's value that the property does not take: the rest of the form is there.
        const text = isException(error) ? textOf(error) : String(error);
        console.warn(`${self.tp$name}.${name} of a form's template is left out: ${text}`);
        return undefined;
      },
    );
  const each = chainEach(known, isLenient ? tolerate : set);
  return chain(each, () => pyNone);
}

function getset(one: Property): Record<string, unknown> {
  return {
    $get(this: Classic): PyObject {
      return one.read ? one.read(this) : (this.values$.get(one.name) ?? one.initial);
    },
    $set(this: Classic, given?: PyObject): unknown {
      const value = given ?? one.initial;
      const taken = one.take ? one.take(this, value) : value;
      this.values$.set(one.name, taken);
      return one.show?.(this, taken);
    },
  };
}

const describe = (properties: Property[]): PyObject =>
  pyList(properties.map(({ name, type }) => toPy({ name, type })));

const describeEvents = (events: string[]): PyObject => pyList(events.map((name) => toPy({ name })));

/** Make the class of a classic component, with Anvil's class attributes. */
export function defineComponent(definition: ClassicDefinition): PyType {
  const base = definition.base ?? ClassicComponent;
  const inherited = base.prototype.propertyTable$ as Map<string, Property> | undefined;
  const table = new Map(inherited);
  for (const one of definition.properties) {
    table.delete(one.name); // so that it takes its place in the new order
    table.set(one.name, one);
  }
  const events = [...(base.prototype.events$ as string[]), ...(definition.events ?? [])];
  const type = nativeClass<Classic>(`anvil.${definition.name}`, {
    constructor: function Classic() {},
    base,
    slots: {
      tp$new(this: PyObject, args: PyObject[], kwargs?: Kwargs) {
        const newBare = ComponentClass.prototype.tp$new as (a: PyObject[], k?: Kwargs) => Classic;
        const self = newBare.call(this, args, kwargs);
        initialise(self, self.definition$ as ClassicDefinition);
        return self;
      },
      tp$init(this: Classic, args: PyObject[], kwargs?: Kwargs) {
        return chain(setGiven(this, args, kwargs), () => undefined as unknown as PyObject);
      },
    },
    proto: {
      definition$: definition,
      propertyTable$: table,
      events$: events,
      raisesShow$: true,
      dom$(this: Classic) {
        return this.root$;
      },
      ...definition.proto,
    },
    getsets: Object.fromEntries(
      definition.properties.map((one) => [one.name, getset(one)]),
    ) as never,
    ...(definition.methods && { methods: definition.methods }),
    ...(definition.classmethods && { classmethods: definition.classmethods }),
    flags: { sk$klass: true },
  });
  const members = {
    _anvil_properties_: describe([...table.values()]),
    _anvil_events_: describeEvents(events),
    ...definition.members,
  };
  for (const [name, value] of Object.entries(members)) type.prototype[name] = value;
  return type;
}

const SHOW_EVENTS = { events$: ["show", "hide"], raisesShow$: true };

/** Base of the classic components. Not for templates. */
export const ClassicComponent: PyType = nativeClass<Component>("anvil.ClassicComponent", {
  constructor: function ClassicComponent() {},
  base: ComponentClass,
  proto: { ...SHOW_EVENTS },
  flags: { sk$klass: true },
});

/** Base of the classic containers. Not for templates. */
export const ClassicContainer: PyType = nativeClass<Component>("anvil.ClassicContainer", {
  constructor: function ClassicContainer() {},
  base: ContainerClass,
  proto: {
    ...SHOW_EVENTS,
    childrenChanged$(this: Classic) {
      toggle(this.root$, "has-components", this.state$.children.length > 0);
    },
  },
  flags: { sk$klass: true },
});
