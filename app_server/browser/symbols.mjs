// Pictures for icons named as FontAwesome 4 has them (`fa:user`), from Material Symbols.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const NAME = "virtual:symbols";

/** FontAwesome's name to Google's; without `-o` for the outlined ones that are not listed. */
export const iconsFile = path.join(here, "icons.json");

const STYLES = ["-outline-rounded", "-rounded", "-outline", ""];

function readSymbols() {
  const require = createRequire(import.meta.url);
  const file = require.resolve("@iconify-json/material-symbols/icons.json");
  const { icons, aliases } = JSON.parse(fs.readFileSync(file, "utf8"));
  const body = (key) => icons[key]?.body ?? icons[aliases[key]?.parent]?.body;
  return (name) => {
    const base = name.replaceAll("_", "-");
    const found = STYLES.map((style) => body(base + style)).find(Boolean);
    const path = found?.match(/^<path fill="currentColor" d="([^"]+)"\/>$/)?.[1];
    if (path === undefined) throw new Error(`Material Symbols has no icon ${name}`);
    return path;
  };
}

/** An esbuild plugin for `import { names, paths } from "virtual:symbols"`. */
export const symbolsPlugin = {
  name: "symbols",
  setup(build) {
    build.onResolve({ filter: new RegExp(`^${NAME}$`) }, () => ({ path: NAME, namespace: NAME }));
    build.onLoad({ filter: /.*/, namespace: NAME }, () => {
      const names = JSON.parse(fs.readFileSync(iconsFile, "utf8"));
      const draw = readSymbols();
      const wanted = [...new Set(Object.values(names))].sort();
      const paths = Object.fromEntries(wanted.map((name) => [name, draw(name)]));
      const code = (value) => JSON.stringify(value);
      return {
        contents: `export const names = ${code(names)}; export const paths = ${code(paths)};`,
        loader: "js",
      };
    });
  },
};
