/** Makes `FooTemplate`, the class that a form inherits from, out of the form's template. */

import {
  bindableFunction,
  buildClass,
  chain,
  isInstance,
  isType,
  kwargsToObject,
  nativeClass,
  objectToKwargs,
  pyError,
  pyTypes,
  toPy,
  type Kwargs,
  type PyObject,
  type PyType,
  type Result,
} from "../engine/skulpt";
import { ComponentClass } from "../components/core/component";
import { hasOwnInterface, leafOf, type FormTemplate } from "../templates/shape";
import type { BoundComponent } from "./bindings";
import { classOf } from "./create";
import { guardNames } from "./guard";
import { WithLayoutClass } from "./layouts";
import { boundComponents, makeMembers } from "./members";

/** Constructing such a form passes defaults for the custom properties that were not given. */
const WithDefaults: PyType = nativeClass("anvil.MetaCustomComponent", {
  constructor: function MetaCustomComponent() {},
  base: pyTypes.type,
  slots: {
    tp$call(this: PyType, args: PyObject[], kwargs?: Kwargs) {
      const defaults = this.prototype.defaults$ as Record<string, unknown>;
      const all = {
        ...Object.fromEntries(
          Object.entries(defaults).map(([name, value]) => [name, toPy(value ?? null)]),
        ),
        ...kwargsToObject(kwargs),
      };
      const construct = pyTypes.type.prototype.tp$call as (a: PyObject[], k: Kwargs) => Result;
      return construct.call(this, args, objectToKwargs(all));
    },
  },
});

/**
 * Stands for a template that could not be read: the form's module can be imported (others may need
 * it, or its neighbours), but the form cannot be made.
 */
function makeBrokenClass(template: FormTemplate, faults: string[]): PyType {
  return buildClass(template.name, `${leafOf(template.name)}Template`, [ComponentClass], {
    __new__: bindableFunction("__new__", () => {
      const message = `Form ${template.name} cannot be opened:\n${faults.join("\n")}`;
      throw pyError("ImportError", message);
    }),
  });
}

/** Default of each custom property whose default is passed on. */
function defaultsOf(template: FormTemplate): Record<string, unknown> {
  if (!hasOwnInterface(template)) return {};
  const passed = (template.properties ?? []).filter(({ type }) => type !== "object");
  return Object.fromEntries(passed.map(({ name, default_value: value }) => [name, value ?? null]));
}

/** The class itself. May wait: its container may be a form that has to be imported. */
export function makeFormClass(template: FormTemplate): Result {
  if (template.error !== undefined) return makeBrokenClass(template, template.error);
  for (const warning of template.warnings ?? []) console.warn(warning);
  const found = template.layout === undefined ? classOf(template.container!.type) : WithLayoutClass;
  return chain(found, (base: PyObject) => {
    if (!isType(base)) {
      throw pyError("ImportError", `${template.container!.type} is no component class`);
    }
    const needsDefaults = hasOwnInterface(template) || isInstance(base, WithDefaults);
    const made = buildClass(
      template.name,
      `${leafOf(template.name)}Template`,
      [base],
      makeMembers(template, base),
      needsDefaults ? ["metaclass", WithDefaults] : [],
    );
    const inherited = (base.prototype.bindings$ as BoundComponent[] | undefined) ?? [];
    Object.assign(made.prototype, {
      template$: template,
      defaults$: defaultsOf(template),
      bindings$: [...inherited, ...boundComponents(template)],
    });
    if (template.layout !== undefined) {
      made.prototype.layoutChoice$ = { name: template.layout.type };
    }
    guardNames(made);
    return made;
  });
}
