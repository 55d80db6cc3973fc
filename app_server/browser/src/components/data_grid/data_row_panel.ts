/**
 * `anvil.DataRowPanel`: a row of a DataGrid. It shows what its item has for each column, except
 * where a component stands in the column (`add_component(..., column=id)`).
 */

import {
  chain,
  chainEach,
  getItem,
  isException,
  isInstance,
  isNone,
  pyNone,
  pyStr,
  pyTypes,
  toJs,
  tryCatch,
  variadic,
  type Kwargs,
  type PyObject,
  type PyType,
  type Result,
} from "../../engine/skulpt";
import {
  ClassicContainer,
  defineComponent,
  isOn,
  property,
  valueOf,
  type Classic,
} from "../classic/classic";
import {
  alignProperty,
  appearanceGroup,
  fontGroup,
  layoutGroup,
  marginGroup,
  rowSpacingProperty,
  tooltipProperty,
} from "../classic/groups";
import { insertInOrder, type Holders } from "../classic/order";
import { plainText, toggle } from "../classic/theme";
import { addArguments, adopt, placeOf } from "../core/container";
import { fromDom } from "../core/events";
import { setVisible } from "../core/page";
import { isPaged, rowsChanged, showChildren, type Page, type Paged } from "../core/paging";
import type { Component } from "../core/types";
import { makeCell, makeValue, styleCell, type ColumnSpec } from "./columns";

interface Cell {
  element: HTMLElement;
  /** The item's value, where the row shows it by itself. */
  value: HTMLElement | null;
  components: number;
}

interface Row extends Classic, Paged {
  row$: {
    cells: Map<string | null, Cell>;
    holders: Holders;
    /** Beyond the rows of the page that its grid shows. */
    isOffPage: boolean;
    /** Counts renderings: one that waits gives way to a later one. */
    turn: number;
  };
}

/** A DataGrid, as its rows see it. */
export interface RowsGrid extends Component {
  columns$: ColumnSpec[];
}

export const isRow = (value: unknown): value is Row => Boolean((value as Row | undefined)?.row$);

function gridOf(self: Component): RowsGrid | null {
  for (let link = self.state$.link; link !== null; link = link.parent.state$.link) {
    if ((link.parent as RowsGrid).columns$ !== undefined) return link.parent as RowsGrid;
  }
  return null;
}

/** Rows inside rows are part of the outer one for those who hear the table read out. */
function isInRow(self: Component): boolean {
  for (let link = self.state$.link; link !== null; link = link.parent.state$.link) {
    if (isRow(link.parent)) return true;
  }
  return false;
}

function cellOf(self: Row, id: string | null): Cell {
  const { cells } = self.row$;
  let cell = cells.get(id);
  if (cell === undefined) {
    cell = { element: makeCell(id), value: null, components: 0 };
    cells.set(id, cell);
    self.root$.append(cell.element);
  }
  return cell;
}

function showValue(cell: Cell, text: string | null): void {
  if (text === null) {
    cell.value?.remove();
    cell.value = null;
  } else if (cell.value === null) {
    cell.value = makeValue(text);
    cell.element.prepend(cell.value);
  } else {
    cell.value.firstElementChild!.textContent = text;
  }
}

const NOTHING = ["KeyError", "IndexError", "TypeError", "AttributeError"];

/** `item[key]` as text, or null where the item has no such value. May wait. */
function readValue(item: PyObject, key: string): Result<string | null> {
  return tryCatch<string | null>(
    () => chain(getItem(item, pyStr(key)), (value: PyObject) => plainText(value)),
    (error) => {
      const isExpected =
        isException(error) && NOTHING.some((name) => isInstance(error, pyTypes[name] as PyType));
      if (!isExpected) console.warn(`DataRowPanel cannot show '${key}':`, error);
      return null;
    },
  );
}

/** Bring the cells into the order of the grid's columns; those of no column come last. */
function arrange(self: Row, columns: ColumnSpec[]): void {
  const ids = new Set(columns.map(({ id }) => id));
  columns.forEach((column, index) => {
    const { element } = cellOf(self, column.id);
    styleCell(element, column);
    element.dataset.title = column.title;
    toggle(element, "extra-column", false);
    if (self.root$.children[index] !== element) {
      self.root$.insertBefore(element, self.root$.children[index] ?? null);
    }
  });
  for (const [id, cell] of [...self.row$.cells]) {
    if (id !== null && ids.has(id)) continue;
    if (cell.components === 0) {
      cell.element.remove();
      self.row$.cells.delete(id);
    } else {
      showValue(cell, null);
      toggle(cell.element, "extra-column", true);
    }
  }
}

function showRoles(self: Row, isInGrid: boolean): void {
  const isTableRow = isInGrid && !isInRow(self);
  const set = (element: HTMLElement, role: string): void => {
    if (isTableRow) element.setAttribute("role", role);
    else element.removeAttribute("role");
  };
  set(self.root$, "row");
  for (const { element } of self.row$.cells.values()) set(element, "cell");
}

/** Show the columns of the grid and the item's values in them. May wait. */
export function renderRow(self: Row): Result<void> {
  const grid = gridOf(self);
  const columns = grid?.columns$ ?? [];
  const turn = ++self.row$.turn;
  if (grid !== null) arrange(self, columns);
  showRoles(self, grid !== null);
  const item = valueOf(self, "item");
  const showsItem = isOn(self, "auto_display_data") && !isNone(item);
  return chainEach(columns, (column) => {
    const cell = self.row$.cells.get(column.id);
    if (cell === undefined || turn !== self.row$.turn) return undefined;
    if (!showsItem || cell.components > 0) return showValue(cell, null);
    return chain(readValue(item, column.dataKey), (text: string | null) => {
      if (turn === self.row$.turn && cell.components === 0) showValue(cell, text);
    });
  });
}

const render = (self: Classic): Result<void> => renderRow(self as Row);

/** Seen if it is `visible`, and on the page of rows that its grid shows. */
function showVisible(self: Row): Result {
  const isVisible = isOn(self, "visible") && !self.row$.isOffPage;
  toggle(self.root$, "visible-false", !isVisible);
  return setVisible(self, isVisible);
}

/** How many rows it counts besides those within: none if it only holds other rows. */
function ownRows(self: Row): number {
  const isRowItself =
    isOn(self, "auto_display_data") || self.state$.children.some((child) => !isRow(child));
  return isRowItself ? 1 : 0;
}

function showPage(self: Row, from: unknown, limit: number): Result<Page> {
  if (!isOn(self, "visible")) return { rows: 0, next: null, isDone: true };
  self.row$.isOffPage = limit <= 0;
  return chain(showVisible(self), (): Result<Page> => {
    if (self.row$.isOffPage) return { rows: 0, next: null, isDone: false };
    const own = ownRows(self);
    return chain(
      renderRow(self),
      () => showChildren(self.state$.children, from, limit - own),
      (page: Page) => ({ ...page, rows: page.rows + own }),
    );
  });
}

function addToColumn(self: Row, child: unknown, column: PyObject | undefined, at: number): Result {
  const id = isNone(column) ? null : String(toJs(column));
  const added = adopt(self, child, at, (shown) => {
    const cell = cellOf(self, id);
    cell.components += 1;
    showValue(cell, null);
    const { holders } = self.row$;
    insertInOrder(self, holders, cell.element, shown, at);
    holders.set(child as Component, shown as HTMLElement);
    return {
      onRemove: () => {
        shown.remove();
        cell.components -= 1;
        return renderRow(self);
      },
    };
  });
  return chain(added, () => (isPaged(child) ? rowsChanged(self) : pyNone));
}

export const DataRowPanel: PyType = defineComponent({
  name: "DataRowPanel",
  base: ClassicContainer,
  properties: [
    property("auto_display_data", "boolean", true, render),
    property("item", "object", null, render),
    alignProperty("left"),
    ...fontGroup(),
    ...appearanceGroup().map((one) =>
      one.name === "visible" ? { ...one, show: (self: Classic) => showVisible(self as Row) } : one,
    ),
    rowSpacingProperty(),
    ...marginGroup(),
    ...layoutGroup().map((one) =>
      one.name.startsWith("spacing_") ? { ...one, initial: pyStr("none") } : one,
    ),
    tooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-container anvil-data-row-panel";
    (self as Row).row$ = { cells: new Map(), holders: new WeakMap(), isOffPage: false, turn: 0 };
    return root;
  },
  proto: {
    showPage$(from: unknown, limit: number) {
      return showPage(this as Row, from, limit);
    },
    entersPage$() {
      fromDom(() => renderRow(this as Row));
    },
    bindingsRefreshed$() {
      return renderRow(this as Row);
    },
  },
  methods: {
    add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      const { index, column } = addArguments(args, kwargs);
      return addToColumn(this as Row, args[0], column, placeOf(this, index));
    }),
  },
});
