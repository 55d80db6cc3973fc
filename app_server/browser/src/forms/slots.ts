/** `anvil.Slot`: a place in a container (or in another slot) that takes components. */

import {
  callMethod,
  chain,
  chainEach,
  getAttr,
  isDict,
  isTrue,
  kwargsToObject,
  method,
  nativeClass,
  objectToKwargs,
  pyDict,
  pyError,
  pyInt,
  pyList,
  pyNone,
  textOf,
  toJs,
  toPy,
  typeName,
  variadic,
  type Kwargs,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { placeOf } from "../components/core/container";
import type { Component } from "../components/core/types";

interface SlotSettings {
  /** Adds to the container or slot behind. May wait: a layout may have to be made. */
  add: (child: PyObject, details: Kwargs) => Result;
  /** How many of the target's own components stand before the slot. */
  index: number;
  layoutProperties: Record<string, PyObject>;
  takesOne: boolean;
}

export interface Slot extends PyObject {
  slot$: SlotSettings & { children: Component[]; earlier: Slot[] };
}

/** Adds to what `target` gives, with its own `add_component`. */
export const addingTo =
  (target: () => Result): SlotSettings["add"] =>
  (child, details) =>
    chain(target(), (found: PyObject) => callMethod(found, "add_component", [child], details));

function setUp(self: Slot, settings: SlotSettings): Slot {
  Object.defineProperty(self, "slot$", {
    value: { ...settings, children: [], earlier: [] },
    configurable: true,
  });
  return self;
}

/** Components that stand before the slot's own in the target, besides the target's own. */
const offsetOf = ({ slot$ }: Slot): number =>
  slot$.earlier.reduce((sum, slot) => sum + slot.slot$.children.length, 0);

function addToSlot(self: Slot, args: PyObject[], kwargs?: Kwargs): Result {
  const child = args[0] as Component | undefined;
  if (args.length !== 1) throw pyError("TypeError", "add_component() takes one component");
  const { slot$ } = self;
  if (slot$.takesOne && slot$.children.length > 0) {
    throw pyError("ValueError", "There is already a component in this slot");
  }
  const given = kwargsToObject(kwargs);
  const books = { state$: slot$ } as unknown as Component; // has children, which is what counts
  const at = placeOf(books, given.index);
  const place = pyInt(slot$.index + offsetOf(self) + at);
  const details = objectToKwargs({ ...given, ...slot$.layoutProperties, index: place });
  return chain(slot$.add(child!, details), () => {
    slot$.children.splice(at, 0, child!);
    child!.state$.link?.onRemove.push(() => {
      slot$.children.splice(slot$.children.indexOf(child!), 1);
    });
    return pyNone;
  });
}

export const SlotClass = nativeClass<Slot>("anvil.Slot", {
  constructor: function Slot() {},
  slots: {
    tp$init(this: Slot, args: PyObject[], kwargs?: Kwargs) {
      const given = kwargsToObject(kwargs);
      const target = args[0] ?? given.target_container;
      const index = toJs(args[1] ?? given.insertion_index);
      const layout = args[2] ?? given.layout_properties ?? pyDict();
      if (target === undefined || typeof index !== "number") {
        throw pyError("TypeError", "Slot() needs a target container and an insertion index");
      }
      if (!isDict(layout)) {
        throw pyError("TypeError", `layout properties must be a dict, not ${typeName(layout)}`);
      }
      setUp(this, {
        add: addingTo(() => target),
        index,
        layoutProperties: Object.fromEntries(
          layout.$items().map(([key, value]) => [textOf(key), value]),
        ),
        takesOne: given.one_component !== undefined && isTrue(given.one_component),
      });
    },
  },
  methods: {
    add_component: variadic(function (this: Slot, args: PyObject[], kwargs) {
      return addToSlot(this, args, kwargs);
    }),
    get_components: method<Slot>([], function () {
      return pyList([...this.slot$.children]);
    }),
    clear: method<Slot>([], function () {
      const each = chainEach([...this.slot$.children], (child) =>
        callMethod(child, "remove_from_parent"),
      );
      return chain(each, () => pyNone);
    }),
    offset_by_slot: {
      $meth(earlier: PyObject) {
        this.slot$.earlier.push(earlier as Slot);
        return pyNone;
      },
      $flags: { OneArg: true },
    },
  },
  flags: { sk$klass: true },
});

/** A slot made by a template. */
export function makeSlot(
  settings: Omit<SlotSettings, "layoutProperties"> & { layoutProperties: Record<string, unknown> },
): Slot {
  const self = new (SlotClass as unknown as { new (): Slot })();
  const layoutProperties = Object.fromEntries(
    Object.entries(settings.layoutProperties).map(([name, value]) => [name, toPy(value)]),
  );
  return setUp(self, { ...settings, layoutProperties });
}

/** A slot of a form by name. May wait; raises LookupError. */
export const findSlot = (form: PyObject, name: string): Result =>
  chain(getAttr(form, "slots"), (slots: PyObject) => {
    const slot = isDict(slots) ? slots.quick$lookup(toPy(name)) : undefined;
    if (slot === undefined) {
      throw pyError("LookupError", `layout ${form.tp$name} has no slot '${name}'`);
    }
    return slot;
  });
