/** Menus: `m3-menu` (holds `md-menu-item` elements) and `m3-menu-item`. */
import "@material/web/divider/divider.js";
import "@material/web/menu/menu-item.js";
import { Menu } from "@material/web/menu/internal/menu.js";
import { styles } from "@material/web/menu/internal/menu-styles.cssresult.js";
import { html, nothing } from "lit";
import { M3Element, define, wantsNoMotion } from "./element.js";

/**
 * Material's menu, whose items may also stand in elements that Anvil puts between: a drop zone and
 * a component's own root. Hidden items are passed over.
 */
export class M3Menu extends Menu {
  static styles = [styles];

  constructor() {
    super();
    this.positioning = "popover";
    this.quick = wantsNoMotion();
  }

  get slotItems() {
    return [...this.querySelectorAll("md-menu-item")].filter(
      (item) => !item.closest("[anvil-visible-false]"),
    );
  }
}

/** The content of one item. Fires `press`. */
export class M3MenuItem extends M3Element {
  static properties = {
    label: {},
    leadingIcon: {},
    trailingIcon: {},
    trailingText: {},
    addIconSpace: { type: Boolean },
    disabled: { type: Boolean },
  };

  pressed(event) {
    const { kind, key } = event.detail.reason;
    if (kind === "keydown" && key === "Escape") return;
    this.emit("press");
  }

  render() {
    const start = this.leadingIcon
      ? html`<m3-icon slot="start" name=${this.leadingIcon}></m3-icon>`
      : this.addIconSpace
        ? html`<span slot="start" class="m3-icon-space"></span>`
        : nothing;
    const end = this.trailingIcon
      ? html`<m3-icon slot="end" name=${this.trailingIcon}></m3-icon>`
      : nothing;
    const note = this.trailingText
      ? html`<span slot="trailing-supporting-text">${this.trailingText}</span>`
      : nothing;
    return html`<md-menu-item ?disabled=${this.disabled} @close-menu=${this.pressed}
      >${start}<span slot="headline">${this.label ?? ""}</span>${note}${end}</md-menu-item
    >`;
  }
}

const PHASES = ["opening", "closing", "closed"];

/**
 * Ties a menu to the control that opens it: `<m3-menu-host><m3-button data-m3-opener>...<m3-menu>`.
 * The opener's `press` opens and closes; Arrow Down opens too.
 */
export class M3MenuHost extends HTMLElement {
  connectedCallback() {
    const { opener, menu } = this;
    if (!opener || !menu) return;
    menu.anchorElement = opener;
    opener.popup = "menu";
    opener.addEventListener("press", this.toggle);
    opener.addEventListener("keydown", this.keyed);
    for (const type of PHASES) menu.addEventListener(type, this.mark);
  }

  disconnectedCallback() {
    const { opener, menu } = this;
    opener?.removeEventListener("press", this.toggle);
    opener?.removeEventListener("keydown", this.keyed);
    for (const type of PHASES) menu?.removeEventListener(type, this.mark);
  }

  get opener() {
    return this.querySelector("[data-m3-opener]");
  }

  get menu() {
    return this.querySelector("m3-menu");
  }

  toggle = () => {
    if (this.menu.open) this.menu.close();
    else this.open();
  };

  /** A menu that is still on its way to close is opened when it has closed. */
  open() {
    if (this.isClosing)
      this.menu.addEventListener("closed", () => this.menu.show(), { once: true });
    else this.menu.show();
  }

  keyed = (event) => {
    if (event.key !== "ArrowDown" || this.menu.open) return;
    event.preventDefault();
    this.open();
  };

  mark = (event) => {
    this.isClosing = event.type === "closing";
    if (event.type !== "closed") this.opener.expanded = event.type === "opening";
  };
}

define("m3-menu", M3Menu);
define("m3-menu-item", M3MenuItem);
define("m3-menu-host", M3MenuHost);
