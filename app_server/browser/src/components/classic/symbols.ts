/** Pictures for icons, in apps whose theme brings no icon font. */

import { loadChunk } from "../../engine/chunks";

type Chunk = typeof import("../../chunks/symbols");

const SVG = "http://www.w3.org/2000/svg";

const hasIconFont = (): boolean =>
  [...document.fonts].some(({ family }) => /awesome|material (icons|symbols)/i.test(family));

/** Draw `fa:name` or `mi:name` in an element, unless a font does so. */
export function drawSymbol(element: HTMLElement, family: string, name: string): void {
  if (hasIconFont()) return;
  element.dataset.symbol = `${family}:${name}`;
  loadChunk<Chunk>("symbols")
    .then(({ symbolPath }) => {
      const path = symbolPath(family, name);
      if (path === undefined || element.dataset.symbol !== `${family}:${name}`) return;
      const picture = document.createElementNS(SVG, "svg");
      picture.setAttribute("viewBox", "0 0 24 24");
      const shape = document.createElementNS(SVG, "path");
      shape.setAttribute("fill", "currentColor");
      shape.setAttribute("d", path);
      picture.append(shape);
      element.replaceChildren(picture);
    })
    .catch((error: unknown) => console.warn(String(error))); // the text is there without it
}
