/**
 * `anvil.RichText`: text with headings, lists, links; and places for data and components.
 *
 * What turns Markdown and HTML into safe HTML is loaded when the first such text is shown.
 */

import { loadChunk } from "../../engine/chunks";
import {
  callMethod,
  chain,
  chainEach,
  getItem,
  isCallable,
  isNone,
  isStr,
  findAttr,
  method,
  pyError,
  pyNone,
  pyStr,
  repr,
  suspend,
  textOf,
  toJs,
  tryCatch,
  typeName,
  variadic,
  type Kwargs,
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
  jsValueOf,
  property,
  textProperty,
  valueOf,
  type Classic,
} from "../classic/classic";
import {
  alignProperty,
  appearanceGroup,
  fontGroup,
  layoutGroup,
  spacingGroup,
  tooltipProperty,
} from "../classic/groups";
import { cssLength, toggle } from "../classic/theme";
import { addArguments, adopt, placeOf } from "../core/container";
import { domOf } from "../core/dom";
import { isComponent, type Component } from "../core/types";
import { findSlots, type TextSlot, type TextSlots } from "./slots";

type Chunk = typeof import("../../chunks/rich_text");

interface Place {
  slot: string | null;
  width: PyObject | undefined;
}

interface RichTextObject extends Classic {
  rich$: {
    slots: TextSlots;
    places: WeakMap<Component, Place>;
    /** Components that `data` put in; they go when the data does. */
    fromData: Set<Component>;
    /** Counts renderings: one that waits gives way to a later one. */
    turn: number;
  };
}

const FORMATS = ["markdown", "plain_text", "restricted_html"] as const;

function asText(content: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(content);
  return fragment;
}

/** The content as a fragment. May wait for the chunk. */
function contentOf(self: RichTextObject): Result<DocumentFragment> {
  const content = String(jsValueOf(self, "content") ?? "");
  const format = jsValueOf(self, "format");
  if (content === "" || format === "plain_text") return asText(content);
  return chain(suspend(loadChunk<Chunk>("rich_text")), (chunk: Chunk) =>
    format === "restricted_html" ? chunk.sanitise(content) : chunk.renderMarkdown(content),
  );
}

/** Put a component's element into its slot, or below the text if there is no such slot. */
function place(self: RichTextObject, child: Component, element: Element): void {
  const { slot: name, width } = self.rich$.places.get(child)!;
  const slot = name === null ? undefined : self.rich$.slots.get(name)?.[0]?.element;
  if (slot !== undefined) {
    const knowsWidth = element.classList.contains("anvil-inlinable");
    slot.style.width = knowsWidth || isNone(width) ? "" : cssLength(toJs(width));
  }
  (slot ?? self.root$).append(element);
}

function render(given: Classic): Result<unknown> {
  const self = given as RichTextObject;
  const turn = ++self.rich$.turn;
  return chain(contentOf(self), (fragment: DocumentFragment) => {
    if (turn !== self.rich$.turn) return undefined;
    self.rich$.slots = isOn(self, "enable_slots") ? findSlots(fragment) : new Map();
    self.root$.replaceChildren(fragment);
    toggle(self.root$, "has-text", self.root$.textContent !== "");
    self.root$.style.whiteSpace = jsValueOf(self, "format") === "plain_text" ? "pre-wrap" : "";
    for (const child of self.state$.children) {
      const element = domOf(child);
      if (element !== null) place(self, child, element);
    }
    return showData(self);
  });
}

/** `data[name]`, or undefined where there is none. May wait. */
const valueIn = (data: PyObject, name: string): Result<PyObject | undefined> =>
  tryCatch<PyObject | undefined>(
    () => getItem(data, pyStr(name)),
    () => undefined,
  );

function asFormatted(value: PyObject, { format, conversion }: TextSlot): Result<string> {
  const converted =
    conversion === "r" ? pyStr(repr(value)) : conversion === "s" ? pyStr(textOf(value)) : value;
  return tryCatch<string>(
    () =>
      format === ""
        ? textOf(converted)
        : chain(callMethod(converted, "__format__", [pyStr(format)]), (text: PyObject) =>
            textOf(text),
          ),
    (error) => {
      console.warn(`RichText: ${repr(value)} cannot be formatted as '${format}':`, error);
      return "";
    },
  );
}

function fillSlot(
  self: RichTextObject,
  name: string,
  value: PyObject | undefined,
): Result<unknown> {
  const slots = self.rich$.slots.get(name)!;
  if (isComponent(value)) {
    if (value.state$.link?.parent === self) return undefined; // it is there already
    return chain(callMethod(self, "add_component", [value], ["slot", pyStr(name)]), () =>
      self.rich$.fromData.add(value),
    );
  }
  return chainEach(slots, (slot) =>
    chain(value === undefined ? "" : asFormatted(value, slot), (text: string) => {
      for (const node of [...slot.element.childNodes]) {
        if (node instanceof Text) node.remove();
      }
      if (text !== "") slot.element.prepend(text);
    }),
  );
}

/** Fill the slots from `data`; what earlier data put there goes. May wait. */
function showData(self: RichTextObject): Result<unknown> {
  const data = valueOf(self, "data");
  const names = [...self.rich$.slots.keys()];
  const read = chainEachTo(names, (name) => (isNone(data) ? undefined : valueIn(data, name)));
  return chain(read, (values: (PyObject | undefined)[]) => {
    const gone = [...self.rich$.fromData].filter((child) => !values.includes(child));
    const remove = chainEach(gone, (child) => {
      self.rich$.fromData.delete(child);
      return child.state$.link?.parent === self
        ? callMethod(child, "remove_from_parent")
        : undefined;
    });
    return chain(remove, () =>
      chainEach(names, (name, index) => fillSlot(self, name, values[index])),
    );
  });
}

/** The results of a step for each item. */
function chainEachTo<T, R>(items: T[], step: (item: T) => Result<R> | R): Result<R[]> {
  const results: R[] = [];
  const each = chainEach(items, (item) =>
    chain(step(item), (result: R) => {
      results.push(result);
    }),
  );
  return chain(each, () => results);
}

function checkData(value: PyObject): PyObject {
  const isMapping = !isStr(value) && isCallable(findAttr(value, "__getitem__"));
  if (isNone(value) || isMapping) return value;
  throw pyError("TypeError", `RichText.data must be a mapping or None, not '${typeName(value)}'`);
}

const isInSlot = (self: RichTextObject, child: Component, slot: PyObject | undefined): boolean =>
  isNone(slot) || self.rich$.places.get(child)?.slot === toJs(slot);

export const RichText: PyType = defineComponent({
  name: "RichText",
  base: ClassicContainer,
  properties: [
    enumProperty("format", "markdown", FORMATS, render),
    boolProperty("enable_slots", true, render),
    textProperty("content", "", render),
    property("data", "object", null, (self) => showData(self as RichTextObject), {
      take: (_self, value) => checkData(value),
    }),
    alignProperty("left", ["left", "center", "right", "justify"]),
    ...fontGroup().filter(({ name }) => name.startsWith("font")),
    ...appearanceGroup(),
    ...spacingGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    (self as RichTextObject).rich$ = {
      slots: new Map(),
      places: new WeakMap(),
      fromData: new Set(),
      turn: 0,
    };
    const root = document.createElement("div");
    root.className = "anvil-rich-text anvil-inlinable anvil-container";
    return root;
  },
  methods: {
    add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      const self = this as RichTextObject;
      const { index, slot, width } = addArguments(args, kwargs);
      return adopt(self, args[0], placeOf(self, index), (element) => {
        const child = args[0] as Component;
        self.rich$.places.set(child, { slot: isNone(slot) ? null : String(toJs(slot)), width });
        place(self, child, element);
      });
    }),
    clear: method(
      ["slot"],
      function (this: Classic, slot) {
        const self = this as RichTextObject;
        const gone = self.state$.children.filter((child) => isInSlot(self, child, slot));
        return chain(
          chainEach(gone, (child) => callMethod(child, "remove_from_parent")),
          () => pyNone,
        );
      },
      { slot: pyNone },
    ),
  },
});
