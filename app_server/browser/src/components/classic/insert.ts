/** Where a child's element goes among those that are there. */

/** Put `element` at place `index` among the children of `parent`. */
export function insertAt(parent: Element, element: Element, index: number): void {
  parent.insertBefore(element, parent.children[index] ?? null);
}
