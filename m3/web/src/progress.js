/** `m3-progress`: linear or circular. `value` is a percentage; without one it is indeterminate. */
import "@material/web/progress/circular-progress.js";
import "@material/web/progress/linear-progress.js";
import { nothing } from "lit";
import { html, literal } from "lit/static-html.js";
import { M3Element, define } from "./element.js";

const TAGS = { linear: literal`md-linear-progress`, circular: literal`md-circular-progress` };

export class M3Progress extends M3Element {
  static properties = {
    shape: {},
    indeterminate: { type: Boolean },
    value: { type: Number },
    accessibleName: {},
  };

  render() {
    const tag = TAGS[this.shape] ?? TAGS.linear;
    const value = Math.min(100, Math.max(0, Number(this.value) || 0)) / 100;
    return html`<${tag}
      class="m3-control"
      aria-label=${this.accessibleName || (this.indeterminate ? "Loading" : "Progress")}
      ?indeterminate=${this.indeterminate}
      value=${this.indeterminate ? nothing : value}
    ></${tag}>`;
  }
}

define("m3-progress", M3Progress);
