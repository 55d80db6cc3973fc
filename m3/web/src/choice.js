/** `m3-checkbox`, `m3-radio`, `m3-switch`, `m3-slider`. */
import "@material/web/checkbox/checkbox.js";
import "@material/web/radio/radio.js";
import "@material/web/slider/slider.js";
import "@material/web/switch/switch.js";
import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { M3Element, define } from "./element.js";

const hush = (event) => event.stopPropagation();

/** Fires `toggle`. `checked` is true, false, or null for indeterminate. */
export class M3Checkbox extends M3Element {
  static properties = {
    label: {},
    checked: {},
    allowIndeterminate: { type: Boolean },
    disabled: { type: Boolean, reflect: true },
    error: { type: Boolean },
    accessibleName: {},
  };

  changed(event) {
    event.stopPropagation();
    this.checked = event.target.checked;
    this.emit("toggle");
  }

  focus() {
    this.focusPart("md-checkbox");
  }

  render() {
    const isIndeterminate =
      Boolean(this.allowIndeterminate) && (this.checked === null || this.checked === undefined);
    return html`<label class=${this.error ? "m3-choice m3-error" : "m3-choice"}
      ><md-checkbox
        touch-target="wrapper"
        aria-label=${this.accessibleName || this.label || nothing}
        aria-invalid=${this.error ? "true" : nothing}
        ?disabled=${this.disabled}
        .checked=${live(Boolean(this.checked))}
        .indeterminate=${live(isIndeterminate)}
        @change=${this.changed}
        @input=${hush}
      ></md-checkbox
      >${this.label ? html`<span class="m3-choice-label m3-body-large" aria-hidden="true">${this.label}</span>` : nothing}</label
    >`;
  }
}

/** Fires `choose` when it becomes selected and `drop` when another of its group does. */
export class M3Radio extends M3Element {
  static properties = {
    label: {},
    checked: { type: Boolean },
    disabled: { type: Boolean, reflect: true },
    accessibleName: {},
  };

  /** Radios in the same group panel belong together; those in none form one group of the page. */
  get group() {
    return this.closest("[data-m3-radio-group]")?.dataset.m3RadioGroup || "m3-radio-page";
  }

  connectedCallback() {
    super.connectedCallback();
    this.requestUpdate();
  }

  changed(event) {
    event.stopPropagation();
    if (!event.target.checked || this.checked) return;
    this.checked = true;
    this.takeOver();
    this.emit("choose");
    this.emitUp("radiochange");
  }

  /** Deselects the others of the group. */
  takeOver() {
    for (const other of document.querySelectorAll("m3-radio")) {
      if (other === this || !other.checked || other.group !== this.group) continue;
      other.checked = false;
      other.emit("drop");
    }
  }

  updated(changed) {
    if (changed.has("checked") && this.checked) this.takeOver();
  }

  focus() {
    this.focusPart("md-radio");
  }

  render() {
    return html`<label class="m3-choice"
      ><md-radio
        touch-target="wrapper"
        name=${this.group}
        value=${this.label || "on"}
        aria-label=${this.accessibleName || this.label || nothing}
        ?disabled=${this.disabled}
        .checked=${live(Boolean(this.checked))}
        @change=${this.changed}
        @input=${hush}
      ></md-radio
      >${this.label ? html`<span class="m3-choice-label m3-body-large" aria-hidden="true">${this.label}</span>` : nothing}</label
    >`;
  }
}

/** Fires `toggle`. */
export class M3Switch extends M3Element {
  static properties = {
    selected: { type: Boolean },
    disabled: { type: Boolean, reflect: true },
    label: {},
    accessibleName: {},
    selectedIcon: {},
    unselectedIcon: {},
  };

  changed(event) {
    event.stopPropagation();
    this.selected = event.target.selected;
    this.emit("toggle");
  }

  focus() {
    this.focusPart("md-switch");
  }

  render() {
    return html`<label class="m3-choice"
      ><md-switch
        aria-label=${this.accessibleName || this.label || nothing}
        ?disabled=${this.disabled}
        ?icons=${Boolean(this.selectedIcon)}
        .selected=${live(Boolean(this.selected))}
        @change=${this.changed}
        @input=${hush}
        >${this.selectedIcon ? html`<m3-icon slot="on-icon" name=${this.selectedIcon}></m3-icon>` : nothing}${
          this.unselectedIcon
            ? html`<m3-icon slot="off-icon" name=${this.unselectedIcon}></m3-icon>`
            : nothing
        }</md-switch
      >${this.label ? html`<span class="m3-choice-label m3-body-large" aria-hidden="true">${this.label}</span>` : nothing}</label
    >`;
  }
}

/** Fires `slide` when the handle is let go (or moved by key). */
export class M3Slider extends M3Element {
  static properties = {
    min: { type: Number },
    max: { type: Number },
    step: { type: Number },
    value: { type: Number },
    showLabel: { type: Boolean },
    showMarkers: { type: Boolean },
    disabled: { type: Boolean, reflect: true },
    accessibleName: {},
  };

  changed(event) {
    event.stopPropagation();
    this.value = event.target.value;
    this.emit("slide");
  }

  focus() {
    this.focusPart("md-slider");
  }

  render() {
    return html`<md-slider
      class="m3-control"
      min=${this.min ?? 0}
      max=${this.max ?? 10}
      step=${this.step ?? 1}
      .value=${live(this.value ?? 0)}
      aria-label=${this.accessibleName || "Value"}
      ?labeled=${this.showLabel}
      ?ticks=${this.showMarkers}
      ?disabled=${this.disabled}
      @change=${this.changed}
      @input=${hush}
    ></md-slider>`;
  }
}

define("m3-checkbox", M3Checkbox);
define("m3-radio", M3Radio);
define("m3-switch", M3Switch);
define("m3-slider", M3Slider);
