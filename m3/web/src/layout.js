/**
 * `m3-layout`: what a layout's markup does. On a narrow screen its drawer and its side sheet are
 * modal: the rest is inert, Escape and the scrim close, focus goes in and comes back.
 *
 * Attributes: `drawer-open`, `sheet-open`.
 */
import { define } from "./element.js";

/** Below this width (px) navigation is modal: Material's "compact" and "medium" window classes. */
const NARROW = "(max-width: 839.98px)";
const FOCUSABLE = [".m3-control", "button", "input"]
  .map((selector) => `${selector}:not([disabled])`)
  .concat("a[href]", "[tabindex='0']")
  .join(", ");

export class M3Layout extends HTMLElement {
  static observedAttributes = ["drawer-open", "sheet-open"];

  connectedCallback() {
    this.narrow = window.matchMedia(NARROW);
    this.narrow.addEventListener("change", this.apply);
    this.addEventListener("click", this.clicked);
    this.addEventListener("keydown", this.keyed);
    this.scrollBody = this.querySelector(".m3-layout-main");
    this.scrollWatch = () => this.toggleAttribute("data-scrolled", window.scrollY > 0);
    window.addEventListener("scroll", this.scrollWatch, { passive: true });
    this.apply();
  }

  disconnectedCallback() {
    this.narrow.removeEventListener("change", this.apply);
    window.removeEventListener("scroll", this.scrollWatch);
    this.removeEventListener("click", this.clicked);
    this.removeEventListener("keydown", this.keyed);
  }

  attributeChangedCallback(name, before, now) {
    if (!this.isConnected || !this.narrow || (before === null) === (now === null)) return;
    this.apply();
    if (!this.narrow.matches) return;
    const pane = this.querySelector(name === "drawer-open" ? ".m3-drawer" : ".m3-sidesheet");
    if (now !== null) {
      this.returnTo = document.activeElement;
      pane?.querySelector(FOCUSABLE)?.focus();
    } else if (this.returnTo?.isConnected) {
      this.returnTo.focus();
      this.returnTo = null;
    }
  }

  /** Which pane, if any, is modal now. */
  get modalPane() {
    if (!this.narrow.matches) return null;
    if (this.hasAttribute("drawer-open") && this.hasAttribute("modal-drawer")) return "drawer";
    return this.hasAttribute("sheet-open") ? "sheet" : null;
  }

  apply = () => {
    const modal = this.modalPane;
    const drawer = this.querySelector(".m3-drawer");
    const sheet = this.querySelector(".m3-sidesheet");
    const isModalDrawer = this.narrow.matches && this.hasAttribute("modal-drawer");
    if (drawer)
      drawer.inert = modal === "sheet" || (isModalDrawer && !this.hasAttribute("drawer-open"));
    if (sheet) sheet.inert = modal === "drawer" || !this.hasAttribute("sheet-open");
    for (const pane of this.querySelectorAll(".m3-app-bar, .m3-layout-main"))
      pane.inert = modal !== null;
    this.querySelector(".m3-menu-button")?.setAttribute(
      "aria-expanded",
      String(modal === "drawer"),
    );
    document.documentElement.classList.toggle("m3-modal-open", modal !== null);
  };

  close() {
    this.removeAttribute("drawer-open");
    if (this.modalPane === "sheet") this.dispatchEvent(new CustomEvent("closesheet"));
  }

  clicked = (event) => {
    if (event.target.closest(".m3-skip")) this.querySelector(".m3-layout-main").focus();
    else if (event.target.closest(".m3-menu-button")) this.toggleAttribute("drawer-open");
    else if (event.target.closest(".m3-scrim")) this.close();
    else if (event.target.closest(".m3-drawer .m3-nav-link")) this.removeAttribute("drawer-open");
  };

  keyed = (event) => {
    if (event.key !== "Escape" || !this.modalPane) return;
    event.stopPropagation();
    this.close();
  };
}

define("m3-layout", M3Layout);
