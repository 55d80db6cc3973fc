/**
 * The page's colours at run time: a brand's seed colour and the light or dark mode.
 *
 * Both are remembered per origin, and a remembered scheme is put back before anything is drawn.
 * Python reaches this as `window.m3Theme` (see client_code/theming.py).
 */
const STORE_KEY = "m3-theme";
const MODES = ["system", "light", "dark"];

function read() {
  try {
    return JSON.parse(localStorage.getItem(STORE_KEY)) ?? {};
  } catch {
    return {}; // storage is off, or holds something else
  }
}

function remember(changes) {
  try {
    localStorage.setItem(STORE_KEY, JSON.stringify({ ...read(), ...changes }));
  } catch {
    // Without storage the choice holds for this page only.
  }
}

function applyCss(css) {
  let style = document.getElementById(STORE_KEY);
  if (!style) {
    style = document.createElement("style");
    style.id = STORE_KEY;
    document.head.append(style);
  }
  style.textContent = css ?? "";
}

function applyMode(mode) {
  if (mode && mode !== "system") document.documentElement.dataset.m3Mode = mode;
  else delete document.documentElement.dataset.m3Mode;
}

export const theme = {
  /** Makes the scheme of `seed` (`#rrggbb`) the page's; null goes back to the app's own. */
  async setSeedColor(seed) {
    if (!seed) {
      applyCss("");
      remember({ seed: null, css: null });
      return;
    }
    const known = read();
    let css = known.css;
    if (known.seed !== seed || !css) {
      const { schemeCss } = await import("./m3-scheme.js");
      css = schemeCss(seed);
      remember({ seed, css });
    }
    applyCss(css);
  },

  /** Gives one element, and all in it, the scheme of `seed`: a preview of what is not chosen yet. */
  async dress(element, seed, isDark) {
    const { declarations } = await import("./m3-scheme.js");
    element.style.cssText = declarations(seed, isDark);
  },

  /** `system` follows the device, `light` and `dark` are forced. */
  setMode(mode) {
    if (!MODES.includes(mode)) throw new RangeError(`mode is ${MODES.join(", ")}; not ${mode}`);
    applyMode(mode);
    remember({ mode });
  },

  getMode() {
    return document.documentElement.dataset.m3Mode ?? "system";
  },

  /** The colour that a role has now, as the browser writes colours. @param {string} role kebab-case */
  getColor(role) {
    return getComputedStyle(document.documentElement)
      .getPropertyValue(`--md-sys-color-${role}`)
      .trim();
  },
};

export function startTheme() {
  const { css, mode } = read();
  if (css) applyCss(css);
  applyMode(mode);
  window.m3Theme = theme;
}
