/** Colours, class names and assets as the app's theme gives them. */

import { isNone, isStr, pyError, textOf, toJs, type PyObject } from "../../engine/skulpt";

export interface Theme {
  /** The app's style sheets know class names without `anvil-` before them. */
  plainClassNames: boolean;
  /** Colour name to CSS colour, for `theme:Name`. */
  colors: Record<string, string>;
  /** HTML of the theme's assets, for `@theme:page.html`. */
  html: Record<string, string>;
}

const theme: Theme = { plainClassNames: false, colors: {}, html: {} };

/** Set by the boot code before any component is made. */
export function setTheme(settings: Partial<Theme>): void {
  Object.assign(theme, settings);
}

export const themeColors = (): Readonly<Record<string, string>> => theme.colors;
export const themeHtml = (name: string): string | undefined => theme.html[name];

/**
 * Class names as Anvil's components have them. Apps of before runtime version 3 have stylesheets
 * for names without `anvil-`; there both stand.
 */
export const cls = (...names: string[]): string =>
  names
    .map((name) => (theme.plainClassNames ? `anvil-${name} ${name}` : `anvil-${name}`))
    .join(" ");

/** Turn classes made with `cls` on or off. */
export function toggle(element: Element, name: string, isOn: boolean): void {
  for (const one of cls(name).split(" ")) element.classList.toggle(one, isOn);
}

/** A CSS colour; `theme:Primary 500` is looked up. An unknown theme colour is no colour. */
export function cssColor(value: string): string {
  if (!value.startsWith("theme:")) return value;
  const name = value.slice("theme:".length);
  return theme.colors[name] ?? `var(--anvil-color-${name.toLowerCase().replaceAll(" ", "-")}, )`;
}

/** A length: numbers are pixels, `default` and nothing are no length. */
export function cssLength(value: unknown): string {
  if (value === null || value === undefined || value === "" || value === "default") return "";
  const text = String(value).trim();
  return /^-?[\d.]+$/.test(text) ? `${text}px` : text;
}

const SIDES = ["Top", "Right", "Bottom", "Left"] as const;

/** Four sides from one to four values, as CSS reads them. */
export function fourSides(value: unknown): (string | number | null)[] {
  if (!Array.isArray(value)) return [value, value, value, value] as (string | number | null)[];
  const [top, right = top, bottom = top, left = right] = value as (string | number | null)[];
  return [top ?? null, right ?? null, bottom ?? null, left ?? null];
}

/** `{marginTop: "8px", ...}`; a side that is not given is "". */
export function sideStyles(kind: "margin" | "padding", value: unknown): Record<string, string> {
  const sides = fourSides(value);
  return Object.fromEntries(SIDES.map((side, index) => [kind + side, cssLength(sides[index])]));
}

export const marginStyles = (value: unknown): Record<string, string> => sideStyles("margin", value);
export const paddingStyles = (value: unknown): Record<string, string> =>
  sideStyles("padding", value);

/** The two parts of a `spacing` value. */
export function spacingParts(value: PyObject): { margin: unknown; padding: unknown } {
  const given = toJs(value) as { margin?: unknown; padding?: unknown } | null;
  return { margin: given?.margin ?? null, padding: given?.padding ?? null };
}

/** The roles of a component: none, one or several. */
export function rolesOf(value: PyObject): string[] {
  if (isNone(value)) return [];
  const given = isStr(value) ? [value.v] : toJs(value);
  if (!Array.isArray(given) || given.some((role) => typeof role !== "string")) {
    throw pyError("TypeError", "role must be None, a string, or a list of strings");
  }
  return (given as string[]).map((role) => role.replace(/[^\w-]/g, "")).filter(Boolean);
}

/** Mark an element with its roles, in place of those that it had. */
export function applyRoles(element: Element, value: PyObject): void {
  const roles = rolesOf(value);
  for (const name of [...element.classList]) {
    if (name.startsWith("anvil-role-")) element.classList.remove(name);
  }
  element.classList.add(...roles.map((role) => `anvil-role-${role}`));
  if (roles.length > 0) element.setAttribute("anvil-role", roles.join(" "));
  else element.removeAttribute("anvil-role");
}

/** The text of a property; None is "". */
export const plainText = (value: PyObject): string => (isNone(value) ? "" : textOf(value));
