/** The `{slots}` in the text of a RichText. */

export interface TextSlot {
  element: HTMLElement;
  /** As in an f-string: what comes after the colon, and `r` or `s` after an exclamation mark. */
  format: string;
  conversion: string | null;
}

/** Slots by name; a name may stand in the text several times. */
export type TextSlots = Map<string, TextSlot[]>;

const PIECE = /\{\{|\}\}|\{([^{}]*)\}/g;

function makeSlot(written: string, slots: TextSlots): HTMLElement {
  const [, name = "", conversion, format] = /^([^:!]*)(?:!([rs]))?(?::(.*))?$/s.exec(written) ?? [];
  const element = document.createElement("span");
  element.className = "anvil-always-inline-container";
  element.setAttribute("x-anvil-slot", name);
  const slot = { element, format: format ?? "", conversion: conversion ?? null };
  slots.set(name, [...(slots.get(name) ?? []), slot]);
  return element;
}

/** The pieces of a text, or null if there is nothing to replace. */
function piecesOf(text: string, slots: TextSlots): (string | HTMLElement)[] | null {
  const pieces: (string | HTMLElement)[] = [];
  let end = 0;
  for (const match of text.matchAll(PIECE)) {
    pieces.push(text.slice(end, match.index));
    if (match[1] === undefined) pieces.push(match[0][0]!);
    else if (match[1].trim() === "") pieces.push(match[0]);
    else pieces.push(makeSlot(match[1].trim(), slots));
    end = match.index + match[0].length;
  }
  return end === 0 ? null : [...pieces, text.slice(end)];
}

/** Put an element into each slot of the text below `root`; gives them. */
export function findSlots(root: Node): TextSlots {
  const slots: TextSlots = new Map();
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode() !== null) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    const pieces = piecesOf(text.data, slots);
    if (pieces !== null) text.replaceWith(...pieces.filter((piece) => piece !== ""));
  }
  return slots;
}
