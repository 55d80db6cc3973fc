/**
 * How rows are shared out between the pages of a DataGrid.
 *
 * A pager (DataGrid) gives each of its children that is paged (RepeatingPanel, DataRowPanel) a
 * number of rows; the child shows that many, and says where it stopped. A position means something
 * only to the component that gave it.
 */

import { chain, pyNone, type Result } from "../../engine/skulpt";
import type { Component } from "./types";

export interface Page {
  /** How many rows are shown now. */
  rows: number;
  /** Where the next page begins; of no meaning when `isDone`. */
  next: unknown;
  /** Whether nothing is left to show after this page. */
  isDone: boolean;
}

export interface Paged extends Component {
  /**
   * Show at most `limit` rows (`Infinity`: all; 0: none) from `from` on, `null` being the start.
   * May wait.
   */
  showPage$(from: unknown, limit: number): Result<Page>;
}

export interface Pager extends Component {
  /** Show rows again after those of a child, at any depth, became others. May wait. */
  rowsChanged$(): Result;
}

export const isPaged = (value: unknown): value is Paged =>
  typeof (value as Paged | undefined)?.showPage$ === "function";

const isPager = (value: unknown): value is Pager =>
  typeof (value as Pager | undefined)?.rowsChanged$ === "function";

/** The pager that decides how many rows a component shows, or null: it shows all. */
export function pagerOf(component: Component): Pager | null {
  for (let link = component.state$.link; link !== null; link = link.parent.state$.link) {
    if (isPager(link.parent)) return link.parent;
    if (!isPaged(link.parent)) return null;
  }
  return null;
}

/** Show a component's rows after they became others: through its pager if it has one. May wait. */
export function rowsChanged(self: Paged): Result {
  const pager = pagerOf(self);
  return pager === null ? showAllRows(self) : pager.rowsChanged$();
}

const showAllRows = (self: Paged): Result => chain(self.showPage$(null, Infinity), () => pyNone);
