/** Icons beside the text of a component: FontAwesome names (`fa:user`) or the address of a picture. */

import type { Classic } from "./classic";
import { drawSymbol } from "./symbols";
import { cls, toggle } from "./theme";

const SIDES = ["left", "right"] as const;
const PLACES = ["left_edge", "left", "top", "right", "right_edge"] as const;

/** The two places for an icon; `icon_align` decides which one is seen. */
export function iconElements(self: Classic): Record<(typeof SIDES)[number], HTMLElement> {
  const make = (side: string): HTMLElement => {
    const element = document.createElement("i");
    element.className = `anvil-component-icon ${cls(side)}`;
    element.setAttribute("aria-hidden", "true");
    self.parts$[`icon_${side}`] = element;
    return element;
  };
  return { left: make("left"), right: make("right") };
}

export function showIcon(self: Classic, icon: string): void {
  self.root$.classList.toggle("anvil-component-icon-present", icon !== "");
  for (const side of SIDES) {
    const element = self.parts$[`icon_${side}`]!;
    element.replaceChildren();
    delete element.dataset.symbol;
    for (const name of [...element.classList]) {
      if (/^(fa|fas|far|fab|fal|mi)(-|$)/.test(name)) element.classList.remove(name);
    }
    const named = /^(\w+):([\w-]+)$/.exec(icon);
    if (named) {
      element.classList.add(named[1]!, `${named[1] === "mi" ? "mi" : "fa"}-${named[2]}`);
      element.dataset.icon = named[2];
      drawSymbol(element, named[1]!, named[2]!);
    } else if (icon !== "") {
      const picture = document.createElement("img");
      picture.src = icon;
      picture.alt = "";
      element.append(picture);
    }
  }
}

export function showIconSide(self: Classic, choice: string): void {
  const marked = [self.root$, self.parts$.icon_left!, self.parts$.icon_right!];
  for (const element of marked) {
    for (const place of PLACES) toggle(element, `${place}-icon`, place === choice);
  }
}
