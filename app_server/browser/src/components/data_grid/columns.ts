/** The columns of a DataGrid, and the cells of its rows. */

import { isNone, pyError, repr, toJs, type PyObject } from "../../engine/skulpt";
import { cls } from "../classic/theme";

export interface ColumnSpec {
  id: string;
  title: string;
  /** What a row shows of its item: `item[dataKey]`. */
  dataKey: string;
  /** Pixels, or null for a share of what is left. */
  width: number | null;
  /** The share: `true` and nothing are 1. */
  expand: number | boolean | null;
}

/** Columns of a property's value. Raises TypeError. */
export function readColumns(value: PyObject): ColumnSpec[] {
  if (isNone(value)) return [];
  const given = toJs(value);
  if (!Array.isArray(given)) {
    throw pyError("TypeError", `DataGrid.columns must be a list of dicts, not ${repr(value)}`);
  }
  return given.map((one: unknown, index) => {
    const { id, title, data_key, width, expand } = (one ?? {}) as Record<string, unknown>;
    const name = id ?? data_key ?? title;
    if (typeof one !== "object" || one === null || name === undefined) {
      throw pyError("TypeError", `DataGrid.columns[${index}] must be a dict with an 'id'`);
    }
    return {
      id: String(name),
      title: title === undefined || title === null ? "" : String(title),
      dataKey: String(data_key || name),
      width: width ? Number(width) : null,
      expand: (expand ?? null) as number | boolean | null,
    };
  });
}

/** Give a cell the width of its column. */
export function styleCell(cell: HTMLElement, { id, width, expand }: ColumnSpec): void {
  cell.dataset.gridColId = id;
  cell.style.width = width === null ? "" : `${width}px`;
  const share = expand === true ? 1 : expand || (width === null ? "" : 0);
  cell.style.flexGrow = String(share);
}

export function makeCell(id: string | null): HTMLElement {
  const cell = document.createElement("div");
  cell.className = cls("data-row-col");
  if (id === null) cell.classList.add(...cls("extra-column").split(" "));
  else cell.dataset.gridColId = id;
  return cell;
}

/** A value as a row shows it by itself: looks like a Label. */
export function makeValue(text: string): HTMLElement {
  const label = document.createElement("div");
  label.className =
    `anvil-label anvil-inlinable anvil-spacing-above-small anvil-spacing-below-small ` +
    cls("auto-row-value", "has-text");
  const inner = document.createElement("span");
  inner.className = cls("label-text");
  inner.textContent = text;
  label.append(inner);
  return label;
}
