/** Attributes of form classes that are more than a value: `item`, and custom properties. */

import {
  callMethod,
  chain,
  nativeClass,
  pyDict,
  pyNone,
  settled,
  toPy,
  type PyObject,
  type PyType,
} from "../engine/skulpt";
import type { Form } from "./form_state";

interface Item extends PyObject {
  base$: PyObject | undefined;
}

/** `item`: setting it refreshes the bindings. Of a container that has one, it sets that as well. */
export const ItemClass: PyType = nativeClass<Item>("anvil.ItemDescriptor", {
  constructor: function ItemDescriptor(base?: PyObject) {
    this.base$ = base;
  },
  slots: {
    tp$descr_get(this: Item, form: Form | null) {
      if (form === null || form === (pyNone as unknown)) return this;
      return (form.form$.item ??= pyDict());
    },
    tp$descr_set(this: Item, form: Form, value: PyObject | undefined, canSuspend?: boolean) {
      form.form$.item = value ?? pyDict();
      const setBase = this.base$?.tp$descr_set as
        ((form: Form, value: PyObject, canSuspend: boolean) => unknown) | undefined;
      const outcome = chain(setBase?.call(this.base$, form, form.form$.item, true), () =>
        form.form$.refreshesOnItem ? callMethod(form, "refresh_data_bindings") : pyNone,
      );
      return canSuspend ? outcome : settled(outcome);
    },
  },
});

interface CustomProperty extends PyObject {
  name$: string;
  initial$: unknown;
}

/** A property declared in a template's frontmatter, for forms that don't write their own. */
export const CustomPropertyClass: PyType = nativeClass<CustomProperty>(
  "anvil.CustomComponentProperty",
  {
    constructor: function CustomComponentProperty(name: string, initial: unknown) {
      this.name$ = name;
      this.initial$ = initial;
    },
    slots: {
      tp$descr_get(this: CustomProperty, form: Form | null) {
        if (form === null || form === (pyNone as unknown)) return this;
        const found = form.form$.customProperties.get(this.name$);
        return found ?? toPy(this.initial$ ?? null);
      },
      tp$descr_set(this: CustomProperty, form: Form, value: PyObject | undefined) {
        if (value === undefined) form.form$.customProperties.delete(this.name$);
        else form.form$.customProperties.set(this.name$, value);
      },
    },
  },
);
