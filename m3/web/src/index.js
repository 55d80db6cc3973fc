/** Entry of the bundle `m3.js`: every element that the m3 components' templates name. */
import "./icon.js";
import "./button.js";
import "./choice.js";
import "./display.js";
import "./field.js";
import "./layout.js";
import "./menu.js";
import "./progress.js";
import "./select.js";
import { startTheme } from "./theme.js";
import { startTooltips } from "./tooltip.js";

startTheme();
startTooltips();
