/**
 * `anvil.RepeatingPanel`: one form (`item_template`) for each of `items`.
 *
 * Items are read from their iterator as they are needed, and each gets its form once; a DataGrid
 * around shows the forms page by page (see core/paging.ts).
 */

import {
  call,
  callMethod,
  chain,
  chainEach,
  chainWhile,
  isNone,
  isStr,
  nextOf,
  pyError,
  pyList,
  pyNone,
  iterOf,
  variadic,
  typeName,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { findFormClass } from "../boot/open_form";
import {
  ClassicContainer,
  defineComponent,
  property,
  valueOf,
  type Classic,
} from "./classic/classic";
import { appearanceGroup, layoutGroup, marginGroup, tooltipProperty } from "./classic/groups";
import { cls } from "./classic/theme";
import { setNextPackage } from "./core/component";
import { adopt } from "./core/container";
import { isPaged, rowsChanged, type Page, type Paged } from "./core/paging";
import { isComponent, type Component } from "./core/types";

interface RepeatingPanelClass extends Classic, Paged {
  rows$: Rows;
}

interface Rows {
  iterator: PyObject | null;
  /** Items read so far, and whether there are no more. */
  items: PyObject[];
  isRead: boolean;
  /** The form made for each item. */
  forms: Component[];
  /** Class of the template, found once. */
  template: PyObject | null;
  /** Counts the changes of items and template: work for an earlier one stops. */
  generation: number;
}

interface Position {
  index: number;
  inner: unknown;
}

const newRows = (generation: number): Rows => ({
  iterator: null,
  items: [],
  isRead: false,
  forms: [],
  template: null,
  generation,
});

/** Whether there is an item at `index`, reading on as far as needed. May wait. */
function hasItem(self: RepeatingPanelClass, index: number): Result<boolean> {
  const rows = self.rows$;
  if (index < rows.items.length) return true;
  if (rows.isRead || rows.iterator === null) return false;
  return chain(nextOf(rows.iterator), (item: PyObject | undefined) => {
    if (item === undefined) {
      rows.isRead = true;
      return false;
    }
    rows.items.push(item);
    return hasItem(self, index);
  });
}

/** The class or function that makes a row's form. May wait: a module may have to be imported. */
function templateOf(self: RepeatingPanelClass): Result<PyObject | null> {
  const rows = self.rows$;
  if (rows.template !== null) return rows.template;
  const given = valueOf(self, "item_template");
  if (isNone(given) || (isStr(given) && given.v === "")) return null;
  const found = isStr(given) ? findFormClass(given.v, self.state$.packageName ?? undefined) : given;
  return chain(found, (template: PyObject) => (rows.template = template));
}

/** The form for the item at `index`. May wait. */
function formAt(self: RepeatingPanelClass, index: number, template: PyObject): Result {
  const rows = self.rows$;
  const known = rows.forms[index];
  if (known !== undefined) return known;
  setNextPackage(self.state$.packageName);
  return chain(call(template, [], ["item", rows.items[index]!]), (form: PyObject) => {
    if (!isComponent(form)) {
      throw pyError("TypeError", `an item_template must make a component, not ${typeName(form)}`);
    }
    rows.forms[index] = form;
    return form;
  });
}

function addForm(self: RepeatingPanelClass, form: Component): Result {
  if (form.state$.link !== null) return form; // shown on this page already
  const at = self.state$.children.length;
  return adopt(self, form, at, (element) => {
    const holder = document.createElement("div");
    holder.className = "repeating-panel-item";
    holder.append(element);
    self.parts$.slot!.append(holder);
    return {
      onRemove: () => holder.remove(),
      setVisible: (isVisible) => holder.toggleAttribute("anvil-visible-false", !isVisible),
    };
  });
}

/** Show the forms from `from` on until `limit` rows are used. See core/paging.ts. */
function showPage(self: RepeatingPanelClass, from: unknown, limit: number): Result<Page> {
  const { generation } = self.rows$;
  const at: Position = { ...((from as Position | null) ?? { index: 0, inner: null }) };
  const page: Page = { rows: 0, next: at, isDone: false };

  /** Show one row; gives whether to go on. */
  const showRow = (template: PyObject): boolean | Result<boolean> =>
    chain(
      formAt(self, at.index, template),
      (form: PyObject) => {
        if (generation !== self.rows$.generation) return form;
        return chain(addForm(self, form as Component), () => form);
      },
      (form: PyObject): Result<boolean> => {
        if (!isPaged(form)) {
          Object.assign(at, { index: at.index + 1, inner: null });
          return true;
        }
        return chain(form.showPage$(at.inner, limit - page.rows), (shown: Page) => {
          page.rows += shown.rows;
          if (shown.isDone) Object.assign(at, { index: at.index + 1, inner: null });
          else at.inner = shown.next;
          return shown.isDone;
        });
      },
    );
  const step = (): Result<boolean> =>
    chain(hasItem(self, at.index), (isThere: boolean): Result<boolean> => {
      const isStale = generation !== self.rows$.generation;
      page.isDone = isStale || !isThere;
      if (page.isDone || page.rows >= limit) return false;
      return chain(templateOf(self), (template: PyObject | null) => {
        if (template !== null) return showRow(template);
        page.isDone = true;
        return false;
      });
    });
  return chain(
    takeOff(self),
    () => chainWhile(step),
    () => page,
  );
}

/** Take all forms off the page; they stay ready for when their page is shown again. */
const takeOff = (self: RepeatingPanelClass): Result<void> =>
  chainEach([...self.state$.children], (form) => callMethod(form, "remove_from_parent"));

/** Begin anew with the items as they are now. */
function restart(self: RepeatingPanelClass): Result {
  const items = valueOf(self, "items");
  const rows = newRows(self.rows$.generation + 1);
  return chain(takeOff(self), () => {
    self.rows$ = rows;
    return chain(isNone(items) ? null : iterOf(items), (iterator: PyObject | null) => {
      rows.iterator = iterator;
      return rowsChanged(self);
    });
  });
}

export const RepeatingPanel = defineComponent({
  name: "RepeatingPanel",
  base: ClassicContainer,
  properties: [
    property("item_template", "form", null, (self) => restart(self as RepeatingPanelClass)),
    property("items", "object", null, (self) => restart(self as RepeatingPanelClass)),
    ...appearanceGroup(),
    ...marginGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    (self as RepeatingPanelClass).rows$ = newRows(0);
    const root = document.createElement("div");
    root.className = `anvil-container ${cls("repeating-panel")}`;
    const slot = document.createElement("div");
    slot.className = "hide-while-paginating";
    root.append(slot);
    self.parts$.slot = slot;
    return root;
  },
  proto: {
    showPage$(from: unknown, limit: number) {
      return showPage(this as unknown as RepeatingPanelClass, from, limit);
    },
  },
  methods: {
    add_component: variadic(() => {
      throw pyError("RuntimeError", "a RepeatingPanel takes its components from items");
    }),
    get_components: {
      $meth() {
        return pyList([...this.state$.children]);
      },
      $flags: { NoArgs: true },
    },
    clear: {
      $meth() {
        const self = this as RepeatingPanelClass;
        self.values$.set("items", pyNone);
        return restart(self);
      },
      $flags: { NoArgs: true },
    },
  },
});
