/** Text and date fields: `m3-text-field`, `m3-date-field`. */
import "@material/web/field/filled-field.js";
import "@material/web/field/outlined-field.js";
import "@material/web/textfield/filled-text-field.js";
import "@material/web/textfield/outlined-text-field.js";
import { nothing } from "lit";
import { live } from "lit/directives/live.js";
import { html, literal } from "lit/static-html.js";
import { M3Element, define } from "./element.js";

const FIELD_PROPERTIES = {
  appearance: {},
  label: {},
  value: {},
  disabled: { type: Boolean },
  error: { type: Boolean },
  supportingText: {},
  accessibleName: {},
};

/** What fields share: focus that is told once for the whole field, not for each of its parts. */
class M3Field extends M3Element {
  constructor() {
    super();
    this.value = "";
    this.addEventListener("focusin", (event) => {
      if (!this.contains(event.relatedTarget)) this.emit("enterfield");
    });
    this.addEventListener("focusout", (event) => {
      if (!this.contains(event.relatedTarget)) this.emit("leavefield");
    });
  }

  get control() {
    return this.querySelector(".m3-control");
  }

  focus() {
    this.focusPart(".m3-control");
  }
}

const TEXT_TAGS = {
  filled: literal`md-filled-text-field`,
  outlined: literal`md-outlined-text-field`,
};

/** Fires `edit` at each change, `enter` for the Enter key, `trailing` for the trailing icon. */
export class M3TextField extends M3Field {
  static properties = {
    ...FIELD_PROPERTIES,
    placeholder: {},
    type: {},
    hideText: { type: Boolean },
    multiline: { type: Boolean },
    rows: { type: Number },
    maxLength: { type: Number },
    leadingIcon: {},
    trailingIcon: {},
    trailingLabel: {},
    autocomplete: {},
    inputMode: {},
  };

  edited(event) {
    this.value = event.target.value;
    this.emit("edit");
  }

  keyed(event) {
    if (event.key === "Enter" && !this.multiline && !event.isComposing) this.emit("enter");
  }

  select() {
    this.updateComplete.then(() => this.control?.select());
  }

  get inputType() {
    if (this.multiline) return "textarea";
    return this.hideText ? "password" : this.type || "text";
  }

  render() {
    const tag = TEXT_TAGS[this.appearance] ?? TEXT_TAGS.outlined;
    const leading = this.leadingIcon
      ? html`<m3-icon slot="leading-icon" name=${this.leadingIcon}></m3-icon>`
      : nothing;
    const trailing = this.trailingIcon
      ? html`<m3-icon-button
          slot="trailing-icon"
          .icon=${this.trailingIcon}
          .accessibleName=${this.trailingLabel}
          .disabled=${this.disabled}
          @press=${() => this.emit("trailing")}
        ></m3-icon-button>`
      : nothing;
    return html`<${tag}
      class="m3-control"
      type=${this.inputType}
      label=${this.label ?? ""}
      placeholder=${this.placeholder ?? ""}
      supporting-text=${this.supportingText ?? ""}
      aria-label=${this.accessibleName || (this.label ? nothing : this.placeholder || nothing)}
      autocomplete=${this.autocomplete || nothing}
      inputmode=${this.inputMode || nothing}
      maxlength=${this.maxLength > 0 ? this.maxLength : nothing}
      rows=${this.rows || 3}
      no-spinner
      ?disabled=${this.disabled}
      ?error=${this.error}
      .value=${live(this.value ?? "")}
      @input=${this.edited}
      @change=${(event) => event.stopPropagation()}
      @keydown=${this.keyed}
      >${leading}${trailing}</${tag}>`;
  }
}

const FIELD_TAGS = { filled: literal`md-filled-field`, outlined: literal`md-outlined-field` };

/**
 * A date, or a date and time, chosen with the device's own picker: it speaks the user's language
 * and keyboard, and is the one that a phone's user knows. `value` is ISO 8601 or "".
 * Fires `pick`.
 */
export class M3DateField extends M3Field {
  static properties = {
    ...FIELD_PROPERTIES,
    min: {},
    max: {},
    pickTime: { type: Boolean },
    focused: { state: true },
  };

  picked(event) {
    event.stopPropagation();
    if (event.target.value === this.value) return;
    this.value = event.target.value;
    this.emit("pick");
  }

  /** The native indicator is small and unstyled; a click anywhere in the field opens the picker. */
  showPicker(event) {
    if (this.disabled) return;
    try {
      event.currentTarget.closest("m3-date-field").control.showPicker();
    } catch {
      // A browser without showPicker, or one that refuses it here: typing still works.
    }
  }

  render() {
    const tag = FIELD_TAGS[this.appearance] ?? FIELD_TAGS.outlined;
    return html`<${tag}
      label=${this.label ?? ""}
      populated
      has-end
      supporting-text=${this.supportingText ?? ""}
      ?disabled=${this.disabled}
      ?error=${this.error}
      ?focused=${this.focused}
      @focusin=${() => (this.focused = true)}
      @focusout=${() => (this.focused = false)}
      ><input
        class="m3-control m3-date-input"
        type=${this.pickTime ? "datetime-local" : "date"}
        aria-label=${this.accessibleName || this.label || "Date"}
        aria-invalid=${this.error ? "true" : nothing}
        min=${this.min || nothing}
        max=${this.max || nothing}
        ?disabled=${this.disabled}
        .value=${live(this.value ?? "")}
        @input=${(event) => event.stopPropagation()}
        @change=${this.picked}
      /><m3-icon-button
        slot="end"
        .icon=${"calendar_today"}
        .accessibleName=${`Choose ${this.label || "a date"}`}
        .disabled=${this.disabled}
        @click=${this.showPicker}
      ></m3-icon-button></${tag}>`;
  }
}

define("m3-text-field", M3TextField);
define("m3-date-field", M3DateField);
