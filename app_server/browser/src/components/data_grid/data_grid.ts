/**
 * `anvil.DataGrid`: a table of DataRowPanels, by themselves or from a RepeatingPanel, page by page.
 */

import {
  call,
  callMethod,
  chain,
  chainEach,
  isNone,
  isTrue,
  method,
  pyError,
  pyInt,
  pyName,
  pyNone,
  pyTypes,
  repr,
  toJs,
  tryFinally,
  variadic,
  type Kwargs,
  type MethodDef,
  type PyObject,
  type PyType,
  type Result,
} from "../../engine/skulpt";
import {
  boolProperty,
  ClassicContainer,
  defineComponent,
  enumProperty,
  isOn,
  property,
  textProperty,
  type Classic,
} from "../classic/classic";
import { appearanceGroup, layoutGroup, marginGroup, rowSpacingProperty } from "../classic/groups";
import { insertInOrder, type Holders } from "../classic/order";
import { cls, toggle } from "../classic/theme";
import { addArguments, adopt, ContainerClass, placeOf } from "../core/container";
import { dispatch, fromDom } from "../core/events";
import type { Component } from "../core/types";
import { makeCell, makeValue, readColumns, styleCell, type ColumnSpec } from "./columns";
import { isRow, renderRow } from "./data_row_panel";
import {
  firstRow,
  newPages,
  pageNumber,
  showAdded,
  showAgain,
  showChanged,
  showFirst,
  showNext,
  showPageNumber,
  showPrevious,
  type Grid,
} from "./pager";

const WRAPS = ["never", "mobile", "tablet"] as const;

const columnsOf = (self: Classic): ColumnSpec[] => self.columns$ as ColumnSpec[];

/** Titles of the columns, above all rows. */
function showHeader(self: Classic): void {
  const header = self.parts$.header!;
  header.hidden = !isOn(self, "auto_header");
  header.replaceChildren(
    ...columnsOf(self).map((column) => {
      const cell = makeCell(column.id);
      styleCell(cell, column);
      cell.setAttribute("role", "columnheader");
      cell.append(makeValue(column.title));
      return cell;
    }),
  );
}

/** Every row below a component, at any depth. */
function rowsBelow(component: Component): Component[] {
  return component.state$.children.flatMap((child) => [
    ...(isRow(child) ? [child] : []),
    ...rowsBelow(child),
  ]);
}

function setColumns(self: Classic, value: PyObject): Result<void> {
  self.columns$ = readColumns(value);
  showHeader(self);
  return chainEach(rowsBelow(self), (row) => (isRow(row) ? renderRow(row) : undefined));
}

function checkRowsPerPage(value: PyObject): PyObject {
  const rows = toJs(value);
  if (isNone(value) || (typeof rows === "number" && rows >= 0)) return value;
  throw pyError(
    "TypeError",
    `DataGrid.rows_per_page must be a number (0 or None for all rows), not ${repr(value)}`,
  );
}

/** Class, label, method and arrows of each button. */
const BUTTONS = {
  first: ["first-page", "First page", "jump_to_first_page", "M11 7l-5 5 5 5M18 7l-5 5 5 5"],
  previous: ["previous-page", "Previous page", "previous_page", "M15 6l-6 6 6 6"],
  next: ["next-page", "Next page", "next_page", "M9 6l6 6-6 6"],
  last: ["last-page", "Last page", "jump_to_last_page", "M6 7l5 5-5 5M13 7l5 5-5 5"],
} as const;

function makeButton(self: Classic, name: keyof typeof BUTTONS): HTMLElement {
  const [className, label, methodName, arrows] = BUTTONS[name];
  const button = document.createElement("button");
  button.type = "button";
  button.className = cls(className);
  button.setAttribute("aria-label", label);
  button.title = label;
  button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${arrows}"/></svg>`;
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    fromDom(() =>
      chain(callMethod(self, methodName), () => {
        dispatch(self, "pagination_click");
        return pyNone;
      }),
    );
  });
  self.parts$[name] = button;
  return button;
}

const div = (className: string, ...children: Element[]): HTMLElement => {
  const element = document.createElement("div");
  element.className = className;
  element.append(...children);
  return element;
};

function build(self: Classic): HTMLElement {
  const header = div(`anvil-container anvil-data-row-panel ${cls("auto-grid-header")}`);
  header.setAttribute("role", "row");
  const childPanel = div(cls("data-grid-child-panel"), header);
  childPanel.setAttribute("role", "table");
  const footerSlot = div(cls("footer-slot"));
  const buttons = div(
    cls("pagination-buttons"),
    ...(Object.keys(BUTTONS) as (keyof typeof BUTTONS)[]).map((name) => makeButton(self, name)),
  );
  buttons.setAttribute("role", "group");
  buttons.setAttribute("aria-label", "Pages");
  const status = div("anvil-visually-hidden");
  status.setAttribute("role", "status");
  const footer = div(cls("data-grid-footer-panel"), footerSlot, status, buttons);
  Object.assign(self.parts$, { header, childPanel, footerSlot, buttons, status });
  self.columns$ = [];
  (self as Grid).pages$ = newPages();
  return div("anvil-container anvil-data-grid anvil-paginator", childPanel, footer);
}

const holdersOf = (self: Classic): Holders => (self.holders$ ??= new WeakMap()) as Holders;

function addChild(self: Grid, child: unknown, given: Record<string, PyObject>): Result {
  const at = placeOf(self, given.index);
  const isFooter = !isNone(given.slot) && toJs(given.slot) === "footer";
  const added = adopt(self, child, at, (shown) => {
    if (!isNone(given.pinned) && isTrue(given.pinned!)) {
      self.pages$.pinned.add(child as Component);
    }
    const panel = self.parts$[isFooter ? "footerSlot" : "childPanel"]!;
    insertInOrder(self, holdersOf(self), panel, shown, at);
    holdersOf(self).set(child as Component, shown as HTMLElement);
    return {
      onRemove: () => {
        shown.remove();
        return self.isClearing$ ? undefined : showAgain(self);
      },
    };
  });
  return chain(added, () => (isFooter ? pyNone : showAdded(self, child as Component, at)));
}

/** Take all away at once, rather than showing a page for each one that goes. */
function clear(self: Grid): Result {
  self.isClearing$ = true;
  const inherited = ContainerClass.$typeLookup(pyName("clear")) as PyObject;
  return chain(
    tryFinally(
      () => call(inherited, [self]),
      () => {
        self.isClearing$ = false;
      },
    ),
    () => showFirst(self),
  );
}

const action = (run: (self: Grid) => Result): MethodDef<Classic> =>
  method<Classic>([], function () {
    return run(this as Grid);
  });

function checkPage(value: PyObject): number {
  const number = toJs(value);
  if (typeof number !== "number" || !Number.isInteger(number)) {
    throw pyError("TypeError", `DataGrid.set_page() takes a whole number, not ${repr(value)}`);
  }
  if (number < 0) {
    const IndexError = pyTypes.IndexError as unknown as { new (message: string): Error };
    throw new IndexError("Cannot use a negative index to set the page");
  }
  return number;
}

export const DataGrid: PyType = defineComponent({
  name: "DataGrid",
  base: ClassicContainer,
  events: ["pagination_click"],
  properties: [
    property("columns", "dataGridColumns", null, setColumns),
    boolProperty("auto_header", true, showHeader),
    property("rows_per_page", "number", 20, (self) => showFirst(self as Grid), {
      take: (_self, value) => checkRowsPerPage(value),
    }),
    boolProperty("show_page_controls", true, (self, isShown) => {
      self.parts$.buttons!.style.display = isShown ? "" : "none";
    }),
    enumProperty("wrap_on", "never", WRAPS, (self, choice) => {
      for (const wrap of WRAPS) toggle(self.root$, `wrap-${wrap}`, wrap === choice);
    }),
    ...appearanceGroup(),
    rowSpacingProperty(),
    ...marginGroup(),
    ...layoutGroup(),
    textProperty("tooltip", "", (self, tooltip) => {
      self.root$.title = tooltip;
      self.parts$.childPanel!.setAttribute("aria-label", tooltip);
    }),
  ],
  build,
  proto: {
    rowsChanged$(source: Component) {
      return showChanged(this as Grid, source);
    },
  },
  methods: {
    add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      return addChild(this as Grid, args[0], addArguments(args, kwargs));
    }),
    clear: action(clear),
    jump_to_first_page: action(showFirst),
    jump_to_last_page: action((self) => showPageNumber(self, Infinity)),
    next_page: action(showNext),
    previous_page: action(showPrevious),
    repaginate: action(showAgain),
    get_page: action((self) => pyInt(pageNumber(self))),
    get_first_index_on_page: action((self) => pyInt(firstRow(self))),
    set_page: {
      $meth(page: PyObject) {
        return showPageNumber(this as Grid, checkPage(page));
      },
      $flags: { OneArg: true },
    },
  },
});
