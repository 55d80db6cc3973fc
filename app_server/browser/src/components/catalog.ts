/** The built-in components by the names that templates and Python have for them. */

import type { PyType } from "../engine/skulpt";
import { Button } from "./button";
import { CLASSIC_COMPONENTS } from "./classic_components";
import { HtmlComponentClass } from "./html_component";
import { HtmlTemplate } from "./html_template";
import { InvalidComponent } from "./invalid_component";
import { Label } from "./label";
import { LinearPanel } from "./linear_panel";
import { RepeatingPanel } from "./repeating_panel";
import { TextArea } from "./text_area";
import { TextBox } from "./text_box";

export const CATALOG: Record<string, PyType> = {
  ...CLASSIC_COMPONENTS,
  Button,
  HtmlComponent: HtmlComponentClass,
  HtmlPanel: HtmlTemplate,
  HtmlTemplate,
  InvalidComponent,
  Label,
  LinearPanel,
  RepeatingPanel,
  TextArea,
  TextBox,
};

export const builtIn = (name: string): PyType | undefined => CATALOG[name];
