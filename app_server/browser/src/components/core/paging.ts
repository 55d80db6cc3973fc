/**
 * How rows are shared out between the pages of a DataGrid.
 *
 * A pager (DataGrid) gives each of its children that is paged (RepeatingPanel, DataRowPanel) a
 * number of rows; the child shows that many, and says where it stopped. A position means something
 * only to the component that gave it.
 */

import { chain, chainEach, pyNone, type Result } from "../../engine/skulpt";
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
  /** Show rows again after those of `source`, at any depth below, became others. May wait. */
  rowsChanged$(source: Component): Result;
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
  return pager === null ? showAllRows(self) : pager.rowsChanged$(self);
}

/** Where a page begins among children: in `child`, or at `index` if that is there no more. */
export interface ChildPosition {
  child: Component;
  index: number;
  inner: unknown;
}

/**
 * Share `limit` rows out among children, beginning at `from`. Those that are `pinned` come on every
 * page, and take their rows first. Children that are not paged are not touched. May wait.
 */
export function showChildren(
  children: readonly Component[],
  from: unknown,
  limit: number,
  isPinned: (child: Component) => boolean = () => false,
): Result<Page> {
  const start = from as ChildPosition | null;
  const found = start === null ? 0 : children.indexOf(start.child);
  const first = found >= 0 ? found : start!.index;
  let rows = 0;
  let next: ChildPosition | null = null;
  const showPinned = chainEach(children.filter(isPinned), (child) =>
    isPaged(child)
      ? chain(child.showPage$(null, limit - rows), (page: Page) => {
          rows += page.rows;
        })
      : undefined,
  );
  const showOthers = (): Result<void> =>
    chainEach(children, (child, index) => {
      if (!isPaged(child) || isPinned(child)) return undefined;
      if (index < first) return child.showPage$(null, 0);
      const inner = child === start?.child ? start.inner : null;
      return chain(child.showPage$(inner, next === null ? limit - rows : 0), (page: Page) => {
        rows += page.rows;
        if (!page.isDone) next ??= { child, index, inner: page.next };
        return page;
      });
    });
  return chain(showPinned, showOthers, () => ({ rows, next, isDone: next === null }));
}

const showAllRows = (self: Paged): Result => chain(self.showPage$(null, Infinity), () => pyNone);
