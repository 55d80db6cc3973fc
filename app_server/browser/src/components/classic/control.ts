/** What components around one native control (`parts$.control`) share. */

import { method, pyNone } from "../../engine/skulpt";
import { textProperty, type Classic, type Property } from "./classic";

/** The control is named by the tooltip, else by its placeholder, for those who don't see it. */
export function nameControl(self: Classic): void {
  const control = self.parts$.control!;
  const name = self.root$.title || control.getAttribute("placeholder") || self.placeholder$;
  if (name) control.setAttribute("aria-label", String(name));
  else control.removeAttribute("aria-label");
}

export const controlTooltipProperty = (): Property =>
  textProperty("tooltip", "", (self, tooltip) => {
    if (tooltip === "") self.root$.removeAttribute("title");
    else self.root$.title = tooltip;
    nameControl(self);
  });

export const focusMethod = method<Classic>([], function () {
  this.parts$.control!.focus();
  return pyNone;
});
