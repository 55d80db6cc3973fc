/** Python's figures as Plotly wants them, and how charts look by default. */

import {
  findAttr,
  callSync,
  isDict,
  isInstance,
  isList,
  isNone,
  isTuple,
  proxy,
  textOf,
  toJs,
  type PyObject,
} from "../engine/skulpt";
import { lookUp } from "../engine/lookup";

/** A value as JSON-like data: dates as ISO text, objects of Plotly's Python by what is in them. */
export function plain(value: PyObject): unknown {
  if (isNone(value)) return null;
  if (isDict(value)) {
    return Object.fromEntries(value.$items().map(([key, one]) => [textOf(key), plain(one)]));
  }
  if (isList(value) || isTuple(value)) return value.v.map(plain);
  if (isInstance(value, lookUp("datetime", "date"))) return textOf(value);
  const toJson = findAttr(value, "to_plotly_json");
  if (toJson !== undefined) return plain(callSync(toJson));
  const given = toJs(value);
  return given === value ? textOf(value) : given;
}

interface Templates {
  [name: string]: unknown;
  /** The template, or the name of the one, for charts that have none of their own. */
  default: unknown;
}

const templates: Templates = { none: {}, default: "" };

/** `Plot.templates`, for Python to add to: `Plot.templates.default = {...}`. */
export const templatesForPython = (): PyObject => proxy(templates);

const COLORS = [
  "#6750a4",
  "#0b8a74",
  "#c2571a",
  "#2f6fd0",
  "#b3261e",
  "#8a7500",
  "#a03d86",
  "#5b6b7a",
];

/** Colours and letters of the page that the chart stands on, be it light or dark. */
function ownTemplate(root: HTMLElement): Record<string, unknown> {
  const { color, fontFamily } = getComputedStyle(root);
  const [red, green, blue] = color.match(/[\d.]+/g) ?? ["128", "128", "128"];
  const line = `rgba(${red}, ${green}, ${blue}, 0.2)`; // Plotly knows no color-mix()
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true };
  return {
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      colorway: COLORS,
      font: { color, family: fontFamily },
      xaxis: axis,
      yaxis: axis,
    },
  };
}

/** The template for a chart whose layout names one, or has none. */
export function templateFor(root: HTMLElement, named: unknown): unknown {
  const wanted = typeof named === "string" ? named : templates.default;
  const found = typeof wanted === "string" && wanted !== "" ? templates[wanted] : wanted;
  if (typeof found === "object" && found !== null) return found;
  if (wanted !== "") console.warn(`Plot: there is no template '${String(wanted)}'`);
  return ownTemplate(root);
}
