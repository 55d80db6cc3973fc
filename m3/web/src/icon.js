/** `<m3-icon name="home">`: a Material Symbol as inline SVG. */
import { FILLED, FONT_AWESOME, FORMER_NAMES, OUTLINED } from "../.generated/icons.js";
import { define } from "./element.js";

const shelves = new Map();

/** The Material name of `home`, `mi:home`, `fa:home`, `fas:home` or `fa-home`. */
export function symbolName(icon) {
  const [, set, bare] = /^(?:(\w+):)?(?:fa-)?(.*)$/.exec(icon.trim());
  const isFontAwesome = /^fa/.test(set ?? "") || /^fa-/.test(icon);
  if (isFontAwesome) return FONT_AWESOME[bare] ?? bare.replaceAll("-", "_");
  const name = bare.replaceAll("-", "_");
  return FORMER_NAMES[name] ?? name;
}

/** The icons that begin with `letter`, fetched once. */
function shelf(letter) {
  const key = /[a-z]/.test(letter) ? letter : "0";
  if (!shelves.has(key)) {
    const url = new URL(`m3-icons-${key}.json`, import.meta.url);
    shelves.set(
      key,
      fetch(url)
        .then((response) => (response.ok ? response.json() : {}))
        .catch(() => ({})),
    );
  }
  return shelves.get(key);
}

async function pathOf(name, isFilled) {
  const local = (isFilled && FILLED[name]) || OUTLINED[name];
  if (local) return local;
  const entry = (await shelf(name[0]))[name];
  return entry ? (isFilled && entry[1]) || entry[0] : null;
}

class M3Icon extends HTMLElement {
  static observedAttributes = ["name", "filled"];

  connectedCallback() {
    this.setAttribute("aria-hidden", "true");
    this.draw();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.draw();
  }

  draw() {
    const icon = this.getAttribute("name");
    if (!icon) {
      this.replaceChildren();
      return;
    }
    const name = symbolName(icon);
    const isFilled = this.hasAttribute("filled");
    const local = (isFilled && FILLED[name]) || OUTLINED[name];
    if (local) this.show(local);
    else pathOf(name, isFilled).then((d) => this.getAttribute("name") === icon && this.show(d));
  }

  show(d) {
    if (!d) {
      console.warn(`m3: no Material Symbol is named "${this.getAttribute("name")}"`);
      this.replaceChildren();
      return;
    }
    this.innerHTML = `<svg viewBox="0 0 24 24" focusable="false"><path fill="currentColor" d="${d}"/></svg>`;
  }
}

define("m3-icon", M3Icon);
