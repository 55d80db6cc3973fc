/** The built-in components and form templates; what boot needs of them. */

import { app } from "../boot/app";
import { setComponentHost } from "../engine/component_host";
import { registerModule } from "../engine/files";
import { method, pyFunction, pyNone, type PyObject, type Result } from "../engine/skulpt";
import { makeFormClass } from "../forms/form_class";
import { handle } from "../forms/handlers";
import { canHandOver, handOver, WithLayoutClass, type WithLayout } from "../forms/layouts";
import { SlotClass } from "../forms/slots";
import type { FormTemplate } from "../templates/shape";
import { CATALOG } from "./catalog";
import { ClassicComponent, ClassicContainer } from "./classic/classic";
import { setTheme } from "./classic/theme";
import { ComponentClass, componentTagClass } from "./core/component";
import { checkChild, ContainerClass } from "./core/container";
import { componentAt, setUpDom } from "./core/dom";
import { setRoot } from "./core/page";
import { isComponent, type Component } from "./core/types";
import { Classes, Style } from "./html_styling";
import { defineDesigner } from "./python/designer";
import { makePluggableUI } from "./python/pluggable_ui";
import { defineJsCalls } from "./js_calls";
import { definePropertyUtils } from "./python/property_utils";

function useTheme(): void {
  const { theme, plainClassNames, packages } = app();
  // The app's own pages win over those of its dependencies: it is the last of the packages.
  const html = Object.assign({}, ...packages.map((one) => one.html)) as Record<string, string>;
  setTheme({ colors: theme.colors, html, plainClassNames });
}

const focusedComponent = method(
  [],
  () => (document.activeElement && componentAt(document.activeElement)) ?? pyNone,
);

/** Register the components in `anvil` and tell the platform how to host them. */
export function installComponents(): void {
  useTheme();
  defineJsCalls();
  registerModule(
    "anvil",
    (define) => {
      const members: Record<string, PyObject> = {
        ...CATALOG,
        Component: ComponentClass,
        ComponentTag: componentTagClass(),
        Container: ContainerClass,
        ClassicComponent,
        ClassicContainer,
        Slot: SlotClass,
        WithLayout: WithLayoutClass,
        Classes,
        Style,
        handle,
        pluggable_ui: makePluggableUI(),
        get_focused_component: pyFunction("get_focused_component", focusedComponent, "anvil"),
      };
      for (const [name, value] of Object.entries(members)) define(name, value);
    },
    true,
  );
  registerModule("anvil.property_utils", definePropertyUtils);
  registerModule("anvil.designer", defineDesigner);
  setComponentHost({
    isComponent,
    element: (component) => setUpDom(component as Component),
    checkRoot: (component) => checkChild(component, "open_form"),
    mounted: (component) => setRoot(component as Component, true),
    unmounted: (component) => setRoot(component as Component, false),
    canHandOver,
    handOver: (from, to) => handOver(from as WithLayout, to as WithLayout),
  });
}

/** The class `FooTemplate` of a form. */
export const makeTemplateClass = (_name: string, template: Record<string, unknown>): Result =>
  makeFormClass(template as unknown as FormTemplate);
