/** The app's code, as the server bundles it (app_server/http/bundle.py). */

import {
  addModuleName,
  addSource,
  hasModule,
  registerAppModule,
  registerModule,
  type CodeFile,
} from "../engine/files";
import { pyError, type PyObject, type Result } from "../engine/skulpt";
import type { Json } from "../wire/types";

export interface AppPackage {
  /** Python package name. */
  name: string;
  /** App id of a dependency; null for the app itself. */
  depId: string | null;
  clientInit: string | null;
  config: Record<string, Json>;
  /** Forms and modules: name within the package, whether it is a package, source. A source is
   * null where the compiled code (`AppBundle.code`) has the module. */
  modules: [name: string, isPackage: boolean, code: string | null][];
  /** Theme's HTML templates by file name, for `HtmlTemplate` and `HtmlPanel`. */
  html: Record<string, string>;
}

export interface AppTheme {
  /** What `theme:Name` gives, by name: `var(--anvil-color-...)`. */
  colors: Record<string, string>;
  /** The colours themselves, by name. */
  values: Record<string, string>;
  roles: { name: string; components?: string[] }[];
}

export interface AppBundle {
  version: string;
  id: string;
  name: string;
  /** Runtime version 1 or 2: components have class names without `anvil-` too. */
  plainClassNames: boolean;
  /** Runtime version 1: `from anvil import *` gives the forms' templates. */
  templatesInAnvil: boolean;
  /** The app's own package; also the last of `packages`. */
  package: string;
  packages: AppPackage[];
  /** Compiled Python: the library's, and the app's unless its sources are in `packages`. */
  code: CodeFile[];
  /** Package by dependency id, logical ids included. */
  dependencies: Record<string, string>;
  /** Form templates by qualified name; shape in app_server/templates/shape.py. */
  templates: Record<string, Record<string, unknown>>;
  /** `client_config` of services by their source. */
  services: Record<string, Record<string, Json>>;
  theme: AppTheme;
}

let loaded: AppBundle | undefined;

/** The running app. */
export function app(): AppBundle {
  if (loaded === undefined) throw new Error("the app's code has not been loaded");
  return loaded;
}

export const findPackage = (name: string): AppPackage | undefined =>
  app().packages.find((candidate) => candidate.name === name);

/** Whether any module has to be compiled here. */
export const hasSources = (bundle: AppBundle): boolean =>
  bundle.packages.some(({ modules }) => modules.some(([, , code]) => Boolean(code)));

/** Makes the class of a form's template (`FooTemplate`). May wait: a layout may be imported. */
export type TemplateMaker = (qualifiedName: string, template: Record<string, unknown>) => Result;

/** Put the app's modules where Python can import them. */
export function installApp(bundle: AppBundle, makeTemplate: TemplateMaker): void {
  loaded = bundle;
  for (const { name, modules } of bundle.packages) {
    for (const [path, isPackage, code] of modules) {
      const fullName = path === "" ? name : `${name}.${path}`;
      if (code === null) addModuleName(fullName);
      else addSource({ name: fullName, isPackage, code });
    }
    // Folders without __init__.py are packages on Anvil's server as well.
    if (!hasModule(name)) registerAppModule(name, () => undefined, true);
    for (const [path] of modules) addParents(`${name}.${path}`);
  }
  addTemplates(bundle, makeTemplate);
  if (bundle.templatesInAnvil) {
    const own = Object.keys(bundle.templates).filter((name) =>
      name.startsWith(`${bundle.package}.`),
    );
    registerModule("anvil", (define) => defineTemplates(own, bundle, makeTemplate, define), true);
  }
}

function addParents(name: string): void {
  const parent = name.slice(0, name.lastIndexOf("."));
  if (!parent.includes(".") || hasModule(parent)) return;
  registerAppModule(parent, () => undefined, true);
  addParents(parent);
}

/**
 * A form imports its template from `._anvil_designer`: beside it for a form that is a module, in it
 * for one that is a package.
 */
function addTemplates(bundle: AppBundle, makeTemplate: TemplateMaker): void {
  const formsByPackage = new Map<string, string[]>();
  const isPackage = new Map<string, boolean>();
  for (const { name, modules } of bundle.packages) {
    for (const [path, packageFlag] of modules) isPackage.set(`${name}.${path}`, packageFlag);
  }
  for (const form of Object.keys(bundle.templates)) {
    const home = isPackage.get(form) ? form : form.slice(0, form.lastIndexOf("."));
    formsByPackage.set(home, [...(formsByPackage.get(home) ?? []), form]);
  }
  for (const [home, forms] of formsByPackage) {
    registerAppModule(
      `${home}._anvil_designer`,
      (define) => defineTemplates(forms, bundle, makeTemplate, define),
      false,
    );
  }
}

function defineTemplates(
  forms: string[],
  bundle: AppBundle,
  makeTemplate: TemplateMaker,
  define: (name: string, value: PyObject) => void,
): unknown {
  const step = (index: number): unknown => {
    const form = forms[index];
    if (form === undefined) return undefined;
    const leaf = form.slice(form.lastIndexOf(".") + 1);
    const template = bundle.templates[form]!;
    return Sk.misceval.chain(makeTemplate(form, template), (made: PyObject) => {
      define(`${leaf}Template`, made);
      return step(index + 1);
    });
  };
  return step(0);
}

/** The full name of a form or module as code in `packageName` (or the app) may write it. */
export function qualifyName(name: string, packageName = app().package): string {
  for (const candidate of [`${packageName}.${name}`, `${app().package}.${name}`, name]) {
    if (hasModule(candidate)) return candidate;
  }
  throw pyError("ImportError", `This app has no form or module called '${name}'`);
}
