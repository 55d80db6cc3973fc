// What Anvil's page gives old apps beside the runtime: jQuery, Bootstrap 3 and its scripts, Font
// Awesome 4, Moment. Pages get them only where an app needs them (app_server/http/extras.py); the
// runtime loads jQuery and Moment by itself where a script asks for them (src/engine/globals.ts).

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const packages = path.resolve(here, "../../node_modules");

const read = (file) => fs.readFileSync(path.join(packages, file), "utf8");

/** Bootstrap's rules for paper take the colours off everything; Anvil's page leaves them out. */
function withoutPrintRules(css) {
  const start = css.indexOf("@media print{*");
  if (start < 0) return css;
  let depth = 0;
  for (let at = css.indexOf("{", start); at < css.length; at += 1) {
    if (css[at] === "{") depth += 1;
    if (css[at] === "}") depth -= 1;
    if (depth === 0) return css.slice(0, start) + css.slice(at + 1);
  }
  throw new Error("a style sheet ends inside a rule");
}

/**
 * What Bootstrap says of plain elements, ahead of its classes, goes below the runtime's own style
 * sheets: unlayered, `button { color: inherit }` would win over every class there.
 */
function withResetBelow(css) {
  const end = css.indexOf("@font-face");
  if (end < 0) throw new Error("Bootstrap's style sheet is not built as expected");
  const reset = css.slice(0, end).replace(/^\/\*![\s\S]*?\*\//, "");
  const fonts =
    "button,input,select,textarea{font-family:inherit;font-size:inherit;line-height:inherit}";
  const rest = css.slice(end).replace(fonts, "");
  return `@layer anvil-reset,anvil-classic;@layer anvil-reset{${reset}${fonts}}${rest}`;
}

/** The style sheet with its font as one WOFF2 file beside it, which every browser of today reads. */
async function withFont(css, family, file, write) {
  const name = await write(
    path.basename(file, ".woff2"),
    "woff2",
    fs.readFileSync(path.join(packages, file)),
  );
  const face = `@font-face{font-family:"${family}";font-display:block;src:url(${name}) format("woff2")}`;
  const count = css.match(/@font-face\{[^}]*\}/g)?.length ?? 0;
  if (count !== 1) throw new Error(`${file}: expected one font in its style sheet, found ${count}`);
  return css.replace(/@font-face\{[^}]*\}/, face);
}

/** File names by what they are; `write(name, extension, content)` writes a file into the build. */
export async function buildLegacy(write, minify) {
  const bootstrap = await withFont(
    withResetBelow(withoutPrintRules(read("bootstrap/dist/css/bootstrap.min.css"))),
    "Glyphicons Halflings",
    "bootstrap/dist/fonts/glyphicons-halflings-regular.woff2",
    write,
  );
  const own = fs.readFileSync(path.join(here, "legacy/legacy.css"), "utf8");
  const icons = await withFont(
    read("font-awesome/css/font-awesome.min.css"),
    "FontAwesome",
    "font-awesome/fonts/fontawesome-webfont.woff2",
    write,
  );
  // Migrate brings back what jQuery 1 and 2 had; its warnings are for the app's developer only.
  const jquery = [
    read("jquery/dist/jquery.min.js"),
    read("jquery-migrate/dist/jquery-migrate.min.js"),
  ].join("\n;");
  return {
    jquery: await write("jquery", "js", jquery),
    moment: await write("moment", "js", read("moment/min/moment.min.js")),
    bootstrapScript: await write("bootstrap", "js", read("bootstrap/dist/js/bootstrap.min.js")),
    bootstrap: await write("bootstrap", "css", `${bootstrap}\n${await minify(own, "css")}`),
    icons: await write("icons", "css", icons),
  };
}
