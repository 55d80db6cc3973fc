/**
 * Material 3 colour schemes from one seed colour, as CSS.
 *
 * The tonal-spot scheme of Material's dynamic colour (https://m3.material.io/styles/color/system)
 * gives every role in light and dark with the contrast that the roles promise, whatever the seed.
 */
import {
  Hct,
  MaterialDynamicColors,
  SchemeTonalSpot,
  argbFromHex,
  hexFromArgb,
} from "@material/material-color-utilities";

/** Colour roles, named as in `MaterialDynamicColors`; the token of `onPrimary` is `--md-sys-color-on-primary`. */
const ROLES = [
  "primary",
  "onPrimary",
  "primaryContainer",
  "onPrimaryContainer",
  "inversePrimary",
  "secondary",
  "onSecondary",
  "secondaryContainer",
  "onSecondaryContainer",
  "tertiary",
  "onTertiary",
  "tertiaryContainer",
  "onTertiaryContainer",
  "error",
  "onError",
  "errorContainer",
  "onErrorContainer",
  "background",
  "onBackground",
  "surface",
  "onSurface",
  "surfaceVariant",
  "onSurfaceVariant",
  "surfaceDim",
  "surfaceBright",
  "surfaceContainerLowest",
  "surfaceContainerLow",
  "surfaceContainer",
  "surfaceContainerHigh",
  "surfaceContainerHighest",
  "inverseSurface",
  "inverseOnSurface",
  "outline",
  "outlineVariant",
  "shadow",
  "scrim",
  "surfaceTint",
];

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A role's dynamic colour; the library has it as a property or a method, depending on its version. */
function dynamicColor(colors, role) {
  const member = colors[role];
  return typeof member === "function"
    ? member.call(colors)
    : (member ?? MaterialDynamicColors[role]);
}

/** The tokens of a seed's scheme as CSS declarations: for a part of a page that looks otherwise. */
export function declarations(seed, isDark) {
  if (!/^#[0-9a-f]{6}$/i.test(seed)) throw new RangeError(`a seed colour is #rrggbb, not ${seed}`);
  const scheme = new SchemeTonalSpot(Hct.fromInt(argbFromHex(seed)), isDark, 0);
  const colors = new MaterialDynamicColors();
  const tokens = ROLES.map((role) => {
    const argb = dynamicColor(colors, role).getArgb(scheme);
    return `--md-sys-color-${kebab(role)}:${hexFromArgb(argb)}`;
  });
  return [`color-scheme:${isDark ? "dark" : "light"}`, ...tokens].join(";");
}

/**
 * CSS that sets `--md-sys-color-*` on the root: light, dark where the system asks for it, and either
 * one forced by `data-m3-mode="light|dark"` on the root.
 *
 * @param {string} seed `#rrggbb`
 * @returns {string}
 */
export function schemeCss(seed) {
  const light = declarations(seed, false);
  const dark = declarations(seed, true);
  return (
    `:root{${light}}` +
    `@media (prefers-color-scheme:dark){:root:not([data-m3-mode=light]){${dark}}}` +
    `:root[data-m3-mode=dark]{${dark}}`
  );
}
