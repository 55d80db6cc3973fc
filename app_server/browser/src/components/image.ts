/** `anvil.Image`: a picture from an address or a Media object. */

import { lookUp } from "../engine/lookup";
import { callSync, chain, isStr, pyNone, type PyObject } from "../engine/skulpt";
import {
  defineComponent,
  enumProperty,
  jsValueOf,
  property,
  textProperty,
  valueOf,
  type Classic,
} from "./classic/classic";
import { appearanceGroup, layoutGroup, marginGroup } from "./classic/groups";
import { urlOf } from "./classic/media_url";
import { listenToMouse, MOUSE_EVENTS } from "./classic/mouse";
import { cssLength } from "./classic/theme";

const MODES = ["shrink_to_fit", "zoom_to_fill", "fill_width", "original_size"] as const;
const FITS: Record<string, string> = { shrink_to_fit: "contain", zoom_to_fill: "cover" };

/** Size and place of the picture in its box. Two of the modes take their height from the picture. */
function layOut(self: Classic): void {
  const mode = String(jsValueOf(self, "display_mode"));
  const fit = FITS[mode];
  const horizontal = String(jsValueOf(self, "horizontal_align"));
  const vertical = String(jsValueOf(self, "vertical_align"));
  Object.assign(self.parts$.img!.style, {
    width: mode === "original_size" ? "" : "100%",
    height: fit === undefined ? "" : "100%",
    objectFit: fit ?? "",
    objectPosition: fit === undefined ? "" : `${horizontal} ${vertical}`,
  });
  self.root$.style.textAlign = horizontal;
  self.root$.style.height = fit === undefined ? "" : cssLength(jsValueOf(self, "height"));
}

/** Text for those who don't see the picture: its own, else the tooltip. */
function showAlt(self: Classic): void {
  const alt = jsValueOf(self, "alt_text") || jsValueOf(self, "tooltip") || "";
  (self.parts$.img as HTMLImageElement).alt = String(alt);
}

function setSource(self: Classic, value: PyObject): unknown {
  const turn = (self.turn$ = ((self.turn$ as number | undefined) ?? 0) + 1);
  return chain(urlOf(value, "Image.source"), (url: string) => {
    if (self.turn$ !== turn) return; // set again while waiting for the address
    const img = self.parts$.img as HTMLImageElement;
    img.style.display = url === "" ? "none" : "";
    self.root$.classList.toggle("anvil-image-empty", url === "");
    if (url === "") img.removeAttribute("src");
    else img.src = url;
  });
}

/** An address is a URLMedia when it is read; none is None. */
function toMedia(value: PyObject): PyObject {
  if (!isStr(value)) return value;
  return value.v === "" ? pyNone : callSync(lookUp("anvil", "URLMedia"), [value]);
}

export const Image = defineComponent({
  name: "Image",
  events: [...MOUSE_EVENTS],
  properties: [
    textProperty("height", "200", layOut),
    enumProperty("display_mode", "shrink_to_fit", MODES, layOut),
    enumProperty("horizontal_align", "center", ["left", "center", "right"], layOut),
    enumProperty("vertical_align", "center", ["top", "center", "bottom"], layOut),
    property("source", "uri", "", setSource, {
      read: (self) => toMedia(valueOf(self, "source")),
    }),
    textProperty("alt_text", "", showAlt),
    ...appearanceGroup(),
    textProperty("border_radius", "", (self, radius) => {
      self.root$.style.borderRadius = cssLength(radius);
    }),
    ...marginGroup(),
    ...layoutGroup(),
    textProperty("tooltip", "", (self, tooltip) => {
      self.root$.title = tooltip;
      showAlt(self);
    }),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-image anvil-image-empty";
    const img = document.createElement("img");
    img.alt = "";
    img.style.display = "none";
    root.append(img);
    self.parts$.img = img;
    return root;
  },
  ready: (self) => listenToMouse(self, self.root$),
});
