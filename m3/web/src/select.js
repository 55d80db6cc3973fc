/** `m3-select`: one of a list of items. */
import "@material/web/select/filled-select.js";
import "@material/web/select/outlined-select.js";
import "@material/web/select/select-option.js";
import { nothing } from "lit";
import { html, literal } from "lit/static-html.js";
import { M3Element, define, wantsNoMotion } from "./element.js";

const TAGS = { filled: literal`md-filled-select`, outlined: literal`md-outlined-select` };

/** `items` is an array of texts, `index` the chosen one's, -1 for none. Fires `choose`. */
export class M3Select extends M3Element {
  static properties = {
    appearance: {},
    label: {},
    placeholder: {},
    items: {},
    index: { type: Number },
    allowNone: { type: Boolean },
    disabled: { type: Boolean },
    error: { type: Boolean },
    supportingText: {},
    leadingIcon: {},
    accessibleName: {},
  };

  constructor() {
    super();
    this.items = [];
    this.index = -1;
  }

  get control() {
    return this.querySelector(".m3-control");
  }

  focus() {
    this.updateComplete.then(() => this.control?.focus());
  }

  chosen(event) {
    event.stopPropagation();
    const index = Number(event.currentTarget.value);
    if (index === this.index) return;
    this.index = index;
    this.emit("choose");
  }

  /** Material's select takes a value only when its options are there. */
  updated(changed) {
    if (
      !["index", "items", "placeholder", "allowNone", "appearance"].some((name) =>
        changed.has(name),
      )
    )
      return;
    const control = this.control;
    control.updateComplete.then(() => {
      if (this.index >= 0 || this.allowNone || this.placeholder) control.select(String(this.index));
      else control.reset();
    });
  }

  option(text, index) {
    return html`<md-select-option value=${String(index)}
      ><div slot="headline">${text}</div></md-select-option
    >`;
  }

  /** The item for "none": to be chosen with `allowNone`, else only shown as the placeholder. */
  noneOption() {
    if (this.allowNone) return this.option(this.placeholder || "\u2014", -1);
    if (!this.placeholder) return nothing;
    return html`<md-select-option value="-1" disabled class="m3-placeholder-option"
      ><div slot="headline">${this.placeholder}</div></md-select-option
    >`;
  }

  render() {
    const tag = TAGS[this.appearance] ?? TAGS.outlined;
    const leading = this.leadingIcon
      ? html`<m3-icon slot="leading-icon" name=${this.leadingIcon}></m3-icon>`
      : nothing;
    return html`<${tag}
      class=${`m3-control${this.index < 0 ? " m3-unset" : ""}`}
      label=${this.label ?? ""}
      supporting-text=${this.supportingText ?? ""}
      aria-label=${this.accessibleName || (this.label ? nothing : this.placeholder || "Choose")}
      clamp-menu-width
      ?quick=${wantsNoMotion()}
      ?disabled=${this.disabled}
      ?error=${this.error}
      @change=${this.chosen}
      @input=${(event) => event.stopPropagation()}
      >${leading}${this.noneOption()}${this.items.map((text, index) => this.option(text, index))}</${tag}>`;
  }
}

define("m3-select", M3Select);
