/** `anvil.GridPanel`: components on a grid of twelve columns, in named rows. */

import {
  isNone,
  pyError,
  repr,
  toJs,
  variadic,
  type Kwargs,
  type PyObject,
} from "../engine/skulpt";
import { ClassicContainer, defineComponent, jsValueOf, type Classic } from "./classic/classic";
import {
  appearanceGroup,
  layoutGroup,
  rowSpacingProperty,
  spacingGroup,
  tooltipProperty,
} from "./classic/groups";
import { cls, cssLength } from "./classic/theme";
import { addArguments, adopt } from "./core/container";

const SIZES = ["xs", "sm", "md", "lg"] as const;
const COLUMNS = 12;

interface Row {
  element: HTMLElement;
  /** The first free column, by size of screen. */
  free: Record<string, number>;
}

const rowsOf = (self: Classic): Map<string, Row> => (self.rows$ ??= new Map()) as Map<string, Row>;

function findRow(self: Classic, name: string): Row {
  const rows = rowsOf(self);
  let row = rows.get(name);
  if (row === undefined) {
    const element = document.createElement("div");
    element.className = `anvil-grid-row ${cls("row")}`;
    element.style.marginBottom = cssLength(jsValueOf(self, "row_spacing"));
    element.dataset.anvilGridpanelRow = name;
    self.root$.append(element);
    row = { element, free: {} };
    rows.set(name, row);
  }
  return row;
}

/** A whole number, also as a template writes it: as text. */
function columnsOf(given: Record<string, PyObject>, name: string): number | null {
  const value = given[name];
  if (isNone(value)) return null;
  const number = Number(toJs(value));
  if (Number.isInteger(number) && number >= 0 && number <= COLUMNS) return number;
  throw pyError(
    "ValueError",
    `GridPanel.add_component(): ${name} must be a number of columns from 0 to 12, not ${repr(value!)}`,
  );
}

/** Classes of a cell: what is not given for a size is as for the size below. */
function cellClasses(row: Row, given: Record<string, PyObject>): string[] {
  let width = COLUMNS;
  let offset = 0;
  return SIZES.flatMap((size) => {
    width = columnsOf(given, `width_${size}`) || width;
    const free = row.free[size] ?? 0;
    const start = columnsOf(given, `col_${size}`);
    const isMoved = start !== null && start > free;
    if (isMoved) offset = start - free;
    row.free[size] = free + width + offset;
    return [`col-${size}-${width}`, ...(isMoved ? [`col-${size}-offset-${offset}`] : [])];
  });
}

export const GridPanel = defineComponent({
  name: "GridPanel",
  base: ClassicContainer,
  properties: [
    ...appearanceGroup(),
    rowSpacingProperty(),
    ...spacingGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build() {
    const root = document.createElement("div");
    root.className = `${cls("grid-panel")} anvil-container`;
    return root;
  },
  methods: {
    add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      const { row: rowName, ...given } = addArguments(args, kwargs);
      return adopt(this, args[0], this.state$.children.length, (shown) => {
        const name = String(isNone(rowName) ? "" : toJs(rowName));
        const row = findRow(this, name);
        const cell = document.createElement("div");
        cell.className = cls(...cellClasses(row, given));
        cell.append(shown);
        row.element.append(cell);
        return {
          onRemove: () => {
            cell.remove();
            if (row.element.children.length > 0) return;
            row.element.remove();
            rowsOf(this).delete(name);
          },
        };
      });
    }),
  },
});
