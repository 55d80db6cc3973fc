/**
 * What this Plotly (3 and later) no longer takes as it was written for earlier ones, and as Plotly's
 * Python still lets one write it: `title="Sales"`, `titlefont=...`.
 * Source: "Migrating to v3" of https://github.com/plotly/plotly.js.
 */

type Values = Record<string, unknown>;

/** Members of a title that once stood beside it. */
const TITLE_PARTS: Record<string, string> = {
  titlefont: "font",
  titleside: "side",
  titleposition: "position",
  titleoffset: "offset",
};
/** What is the app's own data. */
const DATA = ["customdata", "meta", "ids", "text", "hovertext"];

const isValues = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A trace or a layout as this Plotly takes it, titles in whatever is within included. */
export function withTitles(value: unknown): unknown {
  if (Array.isArray(value)) return value.some(isValues) ? value.map(withTitles) : value;
  if (!isValues(value)) return value;
  const made: Values = {};
  for (const [name, one] of Object.entries(value)) {
    made[name] = DATA.includes(name) ? one : withTitles(one);
  }
  if (typeof made.title === "string" || typeof made.title === "number") {
    made.title = { text: String(made.title) };
  }
  for (const [name, part] of Object.entries(TITLE_PARTS)) {
    if (!(name in made)) continue;
    made.title = { [part]: made[name], ...(isValues(made.title) ? made.title : {}) };
    delete made[name];
  }
  return made;
}
