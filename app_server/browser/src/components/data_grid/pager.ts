/** Which page of its rows a DataGrid shows. */

import { chain, pyNone, tryFinally, type Result } from "../../engine/skulpt";
import { jsValueOf, type Classic } from "../classic/classic";
import { toggle } from "../classic/theme";
import { isPaged, showChildren, type Page } from "../core/paging";
import type { Component } from "../core/types";

/** A page that has been shown: where it begins, and how many rows come before it. */
interface Start {
  from: unknown;
  rowsBefore: number;
}

export interface Pages {
  /** The pages up to the one that is shown. */
  starts: Start[];
  shown: Page;
  pinned: WeakSet<Component>;
  isShowing: boolean;
  /** Rows became others while a page was being shown. */
  isStale: boolean;
}

export interface Grid extends Classic {
  pages$: Pages;
}

const FIRST: Start = { from: null, rowsBefore: 0 };
const NO_ROWS: Page = { rows: 0, next: null, isDone: true };

/** A row that changes its rows whenever it is shown would keep the grid busy for ever. */
const MOST_REPEATS = 3;

export const newPages = (): Pages => ({
  starts: [FIRST],
  shown: NO_ROWS,
  pinned: new WeakSet(),
  isShowing: false,
  isStale: false,
});

function limitOf(self: Grid): number {
  const rows = jsValueOf(self, "rows_per_page");
  return typeof rows === "number" && rows > 0 ? rows : Infinity;
}

export const pageNumber = ({ pages$ }: Grid): number => pages$.starts.length - 1;
export const firstRow = ({ pages$ }: Grid): number => pages$.starts.at(-1)!.rowsBefore;

function showControls(self: Grid): void {
  const isFirst = pageNumber(self) === 0;
  const { isDone, rows } = self.pages$.shown;
  for (const [name, isOff] of Object.entries({
    first: isFirst,
    previous: isFirst,
    next: isDone,
    last: isDone,
  })) {
    const button = self.parts$[name]!;
    toggle(button, "disabled", isOff);
    button.setAttribute("aria-disabled", String(isOff)); // not `disabled`: it would lose the focus
  }
  const first = firstRow(self) + 1;
  const isOnly = isFirst && isDone;
  self.parts$.status!.textContent = isOnly
    ? ""
    : `Page ${pageNumber(self) + 1}, rows ${first} to ${first + rows - 1}`;
}

function markBusy(self: Grid, isBusy: boolean): void {
  const { childPanel } = self.parts$;
  self.pages$.isShowing = isBusy;
  // The grid keeps its height while rows are exchanged.
  childPanel!.style.minHeight = isBusy ? `${childPanel!.clientHeight}px` : "";
  toggle(self.root$, "paginating", isBusy);
  childPanel!.toggleAttribute("aria-busy", isBusy);
}

function showOnce(self: Grid): Result<Page> {
  const { starts, pinned } = self.pages$;
  const { from } = starts.at(-1)!;
  return chain(
    showChildren(self.state$.children, from, limitOf(self), (child) => pinned.has(child)),
    (page: Page) => (self.pages$.shown = page),
  );
}

/** Show the last of `starts`; pages that have become empty are left. */
function showCurrent(self: Grid, repeats = 0): Result<Page> {
  const pages = self.pages$;
  pages.isStale = false;
  return chain(showOnce(self), (page: Page) => {
    if (page.rows === 0 && pages.starts.length > 1) {
      pages.starts.pop();
      return showCurrent(self, repeats);
    }
    return pages.isStale && repeats < MOST_REPEATS ? showCurrent(self, repeats + 1) : page;
  });
}

/** Go to a page: `choose` changes the list of pages up to it. Not while one is being shown. */
function turn(self: Grid, choose: (pages: Pages) => void): Result {
  const pages = self.pages$;
  if (pages.isShowing) {
    pages.isStale = true;
    return pyNone;
  }
  choose(pages);
  markBusy(self, true);
  const end = (): void => {
    markBusy(self, false);
    showControls(self);
  };
  return tryFinally(() => chain(showCurrent(self), () => pyNone), end);
}

export const showFirst = (self: Grid): Result =>
  turn(self, (pages) => {
    pages.starts = [FIRST];
  });

export const showAgain = (self: Grid): Result => turn(self, () => undefined);

export function showNext(self: Grid): Result {
  if (self.pages$.shown.isDone) return pyNone;
  return turn(self, (pages) => {
    const rowsBefore = firstRow(self) + pages.shown.rows;
    pages.starts.push({ from: pages.shown.next, rowsBefore });
  });
}

export function showPrevious(self: Grid): Result {
  if (pageNumber(self) === 0) return pyNone;
  return turn(self, (pages) => {
    pages.starts.pop();
  });
}

/** The page's number, or the last page if there are fewer. Pages in between are walked through. */
export function showPageNumber(self: Grid, number: number): Result {
  if (self.pages$.isShowing) return pyNone;
  const walk = (): Result =>
    pageNumber(self) >= number || self.pages$.shown.isDone
      ? pyNone
      : chain(showNext(self), () => walk());
  if (number > pageNumber(self)) return walk();
  return turn(self, (pages) => {
    pages.starts.length = number + 1;
  });
}

/** A child was added: at the end of all it only takes what the page has left. May wait. */
export function showAdded(self: Grid, child: Component, at: number): Result {
  const pages = self.pages$;
  const isLast = at === self.state$.children.length - 1;
  if (!isPaged(child)) return pyNone;
  if (!isLast || pages.isShowing || pages.pinned.has(child) || pageNumber(self) > 0) {
    return showFirst(self);
  }
  const left = pages.shown.isDone ? limitOf(self) - pages.shown.rows : 0;
  return chain(child.showPage$(null, left), (page: Page) => {
    const { shown } = pages;
    const next = shown.isDone ? { child, index: at, inner: page.next } : shown.next;
    pages.shown = { rows: shown.rows + page.rows, next, isDone: shown.isDone && page.isDone };
    showControls(self);
    return pyNone;
  });
}

/** Rows of `source` became others. A page that begins in them is no page any more. */
export function showChanged(self: Grid, source: Component): Result {
  const from = self.pages$.starts.at(-1)!.from as { child: Component } | null;
  return from?.child === source ? showFirst(self) : showAgain(self);
}
