/** The built-in components and form templates; what boot needs of them. */

import { setComponentHost } from "../engine/component_host";
import { registerModule } from "../engine/files";
import { type PyObject, type Result } from "../engine/skulpt";
import { makeFormClass } from "../forms/form_class";
import { handle } from "../forms/handlers";
import { canHandOver, handOver, WithLayoutClass, type WithLayout } from "../forms/layouts";
import { SlotClass } from "../forms/slots";
import type { FormTemplate } from "../templates/shape";
import { CATALOG } from "./catalog";
import { ClassicComponent, ClassicContainer } from "./classic/classic";
import { ComponentClass } from "./core/component";
import { checkChild, ContainerClass } from "./core/container";
import { setUpDom } from "./core/dom";
import { setRoot } from "./core/page";
import { isComponent, type Component } from "./core/types";
import { Classes, Style } from "./html_styling";

/** Register the components in `anvil` and tell the platform how to host them. */
export function installComponents(): void {
  registerModule(
    "anvil",
    (define) => {
      const members: Record<string, PyObject> = {
        ...CATALOG,
        Component: ComponentClass,
        Container: ContainerClass,
        ClassicComponent,
        ClassicContainer,
        Slot: SlotClass,
        WithLayout: WithLayoutClass,
        Classes,
        Style,
        handle,
      };
      for (const [name, value] of Object.entries(members)) define(name, value);
    },
    true,
  );
  setComponentHost({
    isComponent,
    element: (component) => setUpDom(component as Component),
    checkRoot: (component) => checkChild(component, "open_form"),
    mounted: (component) => setRoot(component as Component, true),
    unmounted: (component) => setRoot(component as Component, false),
  });
}

/** The class `FooTemplate` of a form. */
export const makeTemplateClass = (_name: string, template: Record<string, unknown>): Result =>
  makeFormClass(template as unknown as FormTemplate);

void canHandOver;
void handOver;
export type { WithLayout };
