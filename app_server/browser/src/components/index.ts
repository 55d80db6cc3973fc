/** The built-in components and form templates; what boot needs of them. */

import { pyError, type Result } from "../engine/skulpt";

/** Register the components in `anvil` and tell the platform how to host them. */
export function installComponents(): void {}

/** The class `FooTemplate` of a form. */
export function makeTemplateClass(name: string, _template: Record<string, unknown>): Result {
  throw pyError("RuntimeError", `no components are installed, so form ${name} cannot open`);
}
