/** Buttons: `m3-button`, `m3-icon-button`, `m3-file-button`. */
import "@material/web/button/elevated-button.js";
import "@material/web/button/filled-button.js";
import "@material/web/button/filled-tonal-button.js";
import "@material/web/button/outlined-button.js";
import "@material/web/button/text-button.js";
import "@material/web/iconbutton/filled-icon-button.js";
import "@material/web/iconbutton/filled-tonal-icon-button.js";
import "@material/web/iconbutton/icon-button.js";
import "@material/web/iconbutton/outlined-icon-button.js";
import { nothing } from "lit";
import { html, literal } from "lit/static-html.js";
import { M3Element, define, spokenName } from "./element.js";

const BUTTON_TAGS = {
  filled: literal`md-filled-button`,
  elevated: literal`md-elevated-button`,
  tonal: literal`md-filled-tonal-button`,
  outlined: literal`md-outlined-button`,
  text: literal`md-text-button`,
};

const ICON_BUTTON_TAGS = {
  standard: literal`md-icon-button`,
  filled: literal`md-filled-icon-button`,
  tonal: literal`md-filled-tonal-icon-button`,
  outlined: literal`md-outlined-icon-button`,
};

/** A labelled button. Fires `press`. */
export class M3Button extends M3Element {
  static properties = {
    appearance: {},
    label: {},
    icon: {},
    iconAlign: {},
    disabled: { type: Boolean },
    accessibleName: {},
    popup: {},
    expanded: { type: Boolean },
  };

  press(event) {
    event.stopPropagation();
    this.emit("press");
  }

  focus() {
    this.focusPart(":scope > *");
  }

  render() {
    const tag = BUTTON_TAGS[this.appearance] ?? BUTTON_TAGS.filled;
    const icon = this.icon ? html`<m3-icon slot="icon" name=${this.icon}></m3-icon>` : nothing;
    return html`<${tag}
      class="m3-control"
      type="button"
      ?disabled=${this.disabled}
      ?trailing-icon=${this.iconAlign === "right"}
      aria-label=${this.accessibleName || (this.label ? nothing : spokenName(this.icon) || nothing)}
      aria-haspopup=${this.popup || nothing}
      aria-expanded=${this.popup ? String(Boolean(this.expanded)) : nothing}
      @click=${this.press}
      >${icon}${this.label ?? ""}</${tag}>`;
  }
}

/** A button that is only an icon; with `toggle` it keeps a `selected` state. Fires `press`. */
export class M3IconButton extends M3Element {
  static properties = {
    appearance: {},
    icon: {},
    selectedIcon: {},
    accessibleName: {},
    disabled: { type: Boolean },
    toggle: { type: Boolean },
    selected: { type: Boolean },
    popup: {},
    expanded: { type: Boolean },
  };

  press(event) {
    event.stopPropagation();
    if (this.toggle) this.selected = event.currentTarget.selected;
    this.emit("press");
  }

  focus() {
    this.focusPart(":scope > *");
  }

  render() {
    const tag = ICON_BUTTON_TAGS[this.appearance] ?? ICON_BUTTON_TAGS.standard;
    const icon = this.icon || "star";
    return html`<${tag}
      class="m3-control"
      type="button"
      ?disabled=${this.disabled}
      ?toggle=${this.toggle}
      .selected=${Boolean(this.selected)}
      aria-label=${this.accessibleName || spokenName(icon)}
      aria-haspopup=${this.popup || nothing}
      aria-expanded=${this.popup ? String(Boolean(this.expanded)) : nothing}
      @click=${this.press}
      ><m3-icon name=${icon}></m3-icon
      ><m3-icon slot="selected" name=${this.selectedIcon || icon} filled></m3-icon></${tag}>`;
  }
}

/** A button that opens the device's file chooser. Fires `pick` with `files`, an array of File. */
export class M3FileButton extends M3Element {
  static properties = {
    ...M3Button.properties,
    accept: {},
    multiple: { type: Boolean },
    showState: { type: Boolean },
    count: { state: true },
    fileName: { state: true },
  };

  get input() {
    return this.querySelector("input");
  }

  open() {
    this.input.click();
  }

  focus() {
    this.focusPart("m3-button");
  }

  clear() {
    this.input.value = "";
    this.count = 0;
  }

  picked(event) {
    event.stopPropagation();
    this.files = [...this.input.files];
    this.count = this.files.length;
    this.fileName = this.files[0]?.name;
    if (this.count) this.emit("pick");
  }

  get state() {
    if (!this.count) return "";
    return this.count === 1 ? this.fileName : `${this.count} files selected`;
  }

  render() {
    return html`<m3-button
        .appearance=${this.appearance || "text"}
        .label=${this.label}
        .icon=${this.icon}
        .disabled=${this.disabled}
        .accessibleName=${this.accessibleName}
        @press=${this.open}
      ></m3-button
      ><input
        type="file"
        hidden
        tabindex="-1"
        aria-hidden="true"
        accept=${this.accept || nothing}
        ?multiple=${this.multiple}
        ?disabled=${this.disabled}
        @change=${this.picked}
      />${this.showState ? html`<span class="m3-file-state m3-body-medium" role="status">${this.state}</span>` : nothing}`;
  }
}

define("m3-button", M3Button);
define("m3-icon-button", M3IconButton);
define("m3-file-button", M3FileButton);
