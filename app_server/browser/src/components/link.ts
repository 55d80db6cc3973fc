/** `anvil.Link`: text or components that can be clicked, and lead to an address. */

import { chain, pyNone, toJs, toPy, type PyObject } from "../engine/skulpt";
import { defineComponent, property, type Classic } from "./classic/classic";
import {
  alignProperty,
  appearanceGroup,
  fontGroup,
  heldKeys,
  iconGroup,
  layoutGroup,
  rowSpacingProperty,
  spacingGroup,
  tooltipProperty,
} from "./classic/groups";
import { iconElements } from "./classic/icons";
import { nameOf, urlOf } from "./classic/media_url";
import { cls, paddingStyles, plainText, toggle } from "./classic/theme";
import { ColumnPanel, columnProperties } from "./column_panel";
import { dispatch } from "./core/events";

/** With an address it opens in a new tab; without one the link is only there to be clicked. */
function showUrl(self: Classic, url: string, fileName: string | null): void {
  const link = self.root$ as HTMLAnchorElement;
  if (url !== "") {
    link.href = url;
    link.target = "_blank";
    link.removeAttribute("role");
    link.removeAttribute("tabindex");
  } else {
    link.removeAttribute("href");
    link.removeAttribute("target");
    link.setAttribute("role", "link");
    link.tabIndex = 0;
  }
  if (fileName !== null) link.download = fileName;
  else link.removeAttribute("download");
}

function setUrl(self: Classic, value: PyObject): unknown {
  return chain(urlOf(value, "Link.url"), (url: string) => {
    showUrl(self, url, nameOf(value));
    return pyNone;
  });
}

export const Link = defineComponent({
  name: "Link",
  base: ColumnPanel,
  events: ["click"],
  properties: [
    property("text", "string", "", (self, value) => {
      const text = plainText(value);
      toggle(self.root$, "has-text", text !== "");
      self.parts$.text!.textContent = text;
      self.parts$.text!.style.display = text === "" ? "none" : "";
    }),
    property("url", "string", "", setUrl),
    alignProperty("left"),
    ...fontGroup(),
    ...iconGroup(),
    property("text_padding", "padding", null, (self, value) => {
      Object.assign(self.parts$.text!.style, paddingStyles(toJs(value)));
    }),
    ...columnProperties(),
    ...appearanceGroup(),
    rowSpacingProperty(),
    ...spacingGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("a");
    root.className = `anvil-link anvil-inlinable anvil-container ${cls("column-panel")}`;
    root.rel = "noopener noreferrer";
    const text = document.createElement("div");
    text.className = cls("link-text");
    text.style.display = "none";
    self.parts$.text = text;
    const icons = iconElements(self);
    root.append(icons.left, text, icons.right);
    return root;
  },
  ready(self) {
    showUrl(self, "", null);
    self.root$.addEventListener("click", (event) => {
      event.stopPropagation(); // a Link around this one is not clicked
      dispatch(self, "click", { keys: toPy(heldKeys(event)) });
    });
    self.root$.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== self.root$) return;
      if (!self.root$.hasAttribute("href")) self.root$.click(); // else the browser does
    });
  },
});
