/**
 * `anvil.ColumnPanel`: components in rows and columns.
 *
 * A child's `grid_position` says where it stands: steps `row,column` from the outermost inwards,
 * parted by spaces. Children without one get a row of their own. The elements:
 *
 *     .anvil-column-panel > .anvil-panel-section > .anvil-panel-section-container
 *       > .anvil-panel-section-gutter > .anvil-panel-row > .anvil-panel-col (> row > col ...)
 *       > .anvil-col-padding > the component
 */

import {
  isNone,
  isTrue,
  pyError,
  toJs,
  variadic,
  type Kwargs,
  type PyObject,
} from "../engine/skulpt";
import {
  ClassicContainer,
  defineComponent,
  enumProperty,
  jsValueOf,
  property,
  type Classic,
  type Property,
} from "./classic/classic";
import {
  appearanceGroup,
  layoutGroup,
  rowSpacingProperty,
  spacingGroup,
  tooltipProperty,
} from "./classic/groups";
import { insertInOrder, type Holders } from "./classic/order";
import { cls, cssColor, plainText, toggle } from "./classic/theme";
import { addArguments, adopt, placeOf } from "./core/container";
import type { Component } from "./core/types";

const WRAPS = ["never", "mobile", "tablet"] as const;
const SPACES = ["none", "tiny", "small", "medium", "large", "huge"] as const;

/** The sum of the weights in a row. Panels of before 2017 have 12, and are scaled up. */
const FULL_WEIGHT = 60;
const OLD_FULL_WEIGHT = 12;

interface Grid {
  rows: Map<string, HTMLElement>;
  columns: Map<string, HTMLElement>;
  holders: Holders;
}

let unnamed = 0;

function gridOf(self: Classic): Grid {
  return (self.grid$ ??= { rows: new Map(), columns: new Map(), holders: new WeakMap() }) as Grid;
}

function widthsOf(self: Classic): Record<string, number> {
  const value = jsValueOf(self, "col_widths");
  try {
    const widths: unknown = typeof value === "string" ? JSON.parse(value || "{}") : (value ?? {});
    if (typeof widths === "object" && widths !== null) return widths as Record<string, number>;
  } catch {
    // told below
  }
  throw pyError(
    "TypeError",
    "ColumnPanel.col_widths comes from the form's template, as a JSON object of column to width",
  );
}

/** Share a row's width out among its columns. */
function showWidths(self: Classic, row: HTMLElement): void {
  const widths = widthsOf(self);
  const columns = [...row.children] as HTMLElement[];
  const standard = Math.floor(FULL_WEIGHT / columns.length);
  const weights = columns.map((column) => widths[column.dataset.anvilColId!] || standard);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scale = Math.abs(total - OLD_FULL_WEIGHT) < 0.5 ? FULL_WEIGHT / OLD_FULL_WEIGHT : 1;
  const missing = scale === 1 ? FULL_WEIGHT - total : 0;
  columns.forEach((column, index) => {
    column.style.flexGrow = String(weights[index]! * scale + (index < missing ? 1 : 0));
  });
}

function element(className: string): HTMLElement {
  const made = document.createElement("div");
  made.className = className;
  return made;
}

interface Place {
  /** Where in the panel's order the component comes. */
  index: number;
  position: string;
  isFullWidth: boolean;
  background: string;
}

const insert = (self: Classic, parent: HTMLElement, made: HTMLElement, at: number): void =>
  insertInOrder(self, gridOf(self).holders, parent, made, at);

/** The section around a new outermost row, put into the panel; gives what rows go into. */
function addSection(self: Classic, { index, isFullWidth, background }: Place): HTMLElement {
  const section = element("anvil-panel-section");
  section.style.background = background;
  const container = element("anvil-panel-section-container anvil-container-overflow");
  toggle(container, "full-width-row", isFullWidth);
  const gutter = element("anvil-panel-section-gutter");
  container.append(gutter);
  section.append(container);
  insert(self, self.root$, section, index);
  return gutter;
}

function findRow(self: Classic, parent: HTMLElement | null, id: string, place: Place): HTMLElement {
  const { rows } = gridOf(self);
  let row = rows.get(id);
  if (row === undefined) {
    row = element(`anvil-panel-row ${wrapClass(self)}`);
    row.dataset.anvilRowId = id;
    insert(self, parent ?? addSection(self, place), row, place.index);
    rows.set(id, row);
  }
  return row;
}

function findColumn(self: Classic, row: HTMLElement, id: string, at: number): HTMLElement {
  const { columns } = gridOf(self);
  let column = columns.get(id);
  if (column === undefined) {
    column = element(`anvil-panel-col ${wrapClass(self)}`);
    column.dataset.anvilColId = id;
    insert(self, row, column, at);
    columns.set(id, column);
    showWidths(self, row);
  }
  return column;
}

const wrapClass = (self: Classic): string =>
  `anvil-panel-wraps ${cls(`wrap-${String(jsValueOf(self, "wrap_on"))}`)}`;

const paddingClass = (self: Classic): string =>
  cls("col-padding", `col-padding-${String(jsValueOf(self, "col_spacing"))}`);

function put(self: Classic, child: Component, shown: Element, place: Place): void {
  let parent: HTMLElement | null = null;
  for (const step of place.position.split(" ")) {
    const [rowId, columnId] = step.split(",") as [string, string | undefined];
    const row = findRow(self, parent, rowId, place);
    parent = findColumn(self, row, columnId ?? rowId, place.index);
  }
  const holder = element(paddingClass(self));
  holder.append(shown);
  insert(self, parent!, holder, place.index);
  gridOf(self).holders.set(child, holder);
}

/** Take a component's holder out, and whatever became empty by that. */
function take(self: Classic, child: Component): void {
  const { holders, rows, columns } = gridOf(self);
  let gone: HTMLElement | null = holders.get(child) ?? null;
  holders.delete(child);
  while (gone !== null && gone !== self.root$) {
    const parent: HTMLElement | null = gone.parentElement;
    gone.remove();
    const { anvilRowId, anvilColId } = gone.dataset;
    if (anvilRowId !== undefined) rows.delete(anvilRowId);
    if (anvilColId !== undefined) columns.delete(anvilColId);
    if (parent === null || parent.children.length > 0) {
      if (anvilColId !== undefined && parent !== null) showWidths(self, parent);
      return;
    }
    gone = parent;
  }
}

/** What ColumnPanel and Link, which is one too, have for their columns. */
export const columnProperties = (): Property[] => [
  property("col_widths", "string", "", (self) => {
    for (const row of gridOf(self).rows.values()) showWidths(self, row);
  }),
  enumProperty("wrap_on", "mobile", WRAPS, (self, choice) => {
    for (const part of self.root$.querySelectorAll(":scope .anvil-panel-wraps")) {
      const { anvilRowId, anvilColId } = (part as HTMLElement).dataset;
      const { rows, columns } = gridOf(self);
      if (rows.get(anvilRowId!) !== part && columns.get(anvilColId!) !== part) continue;
      for (const wrap of WRAPS) toggle(part, `wrap-${wrap}`, wrap === choice);
    }
  }),
  enumProperty("col_spacing", "medium", SPACES, (self, choice) => {
    for (const space of SPACES) toggle(self.root$, `col-padding-${space}`, space === choice);
    for (const child of self.state$.children) {
      const holder = gridOf(self).holders.get(child);
      if (holder !== undefined) holder.className = paddingClass(self);
    }
  }),
];

const isGiven = (value: PyObject | undefined): value is PyObject => !isNone(value);

export const columnMethods = {
  add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
    const { index, grid_position, full_width_row, row_background } = addArguments(args, kwargs);
    const at = placeOf(this, index);
    const own = `own-${++unnamed}`;
    const written = isGiven(grid_position) ? String(toJs(grid_position)).trim() : "";
    return adopt(this, args[0], at, (shown) => {
      const child = args[0] as Component;
      put(this, child, shown, {
        index: at,
        position: written || `${own},${own}`,
        isFullWidth: isGiven(full_width_row) && isTrue(full_width_row),
        background: isGiven(row_background) ? cssColor(plainText(row_background)) : "",
      });
      return { onRemove: () => take(this, child) };
    });
  }),
};

export const ColumnPanel = defineComponent({
  name: "ColumnPanel",
  base: ClassicContainer,
  properties: [
    ...columnProperties(),
    ...appearanceGroup(),
    rowSpacingProperty(),
    ...spacingGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build: () => element(`${cls("column-panel")} anvil-container`),
  methods: columnMethods,
});
