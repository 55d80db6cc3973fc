/**
 * Builds the web side of the m3 app into `m3/theme/assets` (flat, because Anvil's server has one
 * level of theme assets):
 *
 *   m3.js             Material Web elements and the `m3-*` elements around them (ES module)
 *   m3-scheme.js      colour schemes from a seed colour; loaded when a brand colour is first applied
 *   m3.css            tokens of the default scheme, type, fonts, components, layouts
 *   m3-icons-X.json   Material Symbols by first letter; loaded when an icon outside the core set is shown
 *   m3-roboto-*.woff2
 *
 * `node m3/web/build.mjs [--watch]`; does nothing where nothing has changed since the last time.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const outdir = path.join(here, "..", "theme", "assets");
const require = createRequire(import.meta.url);

/** Colour that the untenanted app wears; see `src/scheme.js` for what is made of it. */
const DEFAULT_SEED = "#0B6B5D";
/** Oldest browsers that the bundle has to parse in. */
const TARGETS = ["chrome105", "firefox115", "safari16"];
const PACKAGES = [
  "@fontsource-variable/roboto",
  "@iconify-json/material-symbols",
  "@material/material-color-utilities",
  "@material/web",
  "esbuild",
  "lit",
];
const FONT_SUBSETS = ["latin", "latin-ext", "cyrillic", "greek", "vietnamese"];

/** The `d` of an icon's one path, or null where it is drawn otherwise. */
function pathData(body) {
  return body.match(/^<path fill="currentColor" d="([^"]+)"\/>$/)?.[1] ?? null;
}

/** Material Symbols (rounded) as `{name: d}`, outlined and filled, keyed as Google names them. */
async function readSymbols() {
  const file = require.resolve("@iconify-json/material-symbols/icons.json");
  const { icons, aliases } = JSON.parse(await readFile(file, "utf8"));
  const body = (key) => icons[key]?.body ?? icons[aliases[key]?.parent]?.body;
  const find = (base, suffixes) => {
    const key = suffixes.map((suffix) => base + suffix).find((candidate) => body(candidate));
    return key ? pathData(body(key)) : null;
  };
  const suffixPattern = /-(outline-rounded|outline-sharp|outline|rounded|sharp)$/;
  const names = new Set(
    [...Object.keys(icons), ...Object.keys(aliases)].map((key) => key.replace(suffixPattern, "")),
  );
  const outlined = {};
  const filled = {};
  for (const base of names) {
    const name = base.replaceAll("-", "_");
    const line = find(base, ["-outline-rounded", "-rounded", "-outline", ""]);
    const solid = find(base, ["-rounded", ""]);
    if (line) outlined[name] = line;
    if (solid && solid !== line) filled[name] = solid;
  }
  return { outlined, filled };
}

/** Writes the icons: the core set as a module for the bundle, the rest by first letter. */
async function writeIcons() {
  const { core, formerNames, fontAwesome } = JSON.parse(
    await readFile(path.join(here, "icons.json"), "utf8"),
  );
  const { outlined, filled } = await readSymbols();
  const wanted = new Set([...core, ...Object.values(formerNames), ...Object.values(fontAwesome)]);
  const missing = [...wanted].filter((name) => !outlined[name]);
  if (missing.length)
    throw new Error(`icons.json names icons that Material Symbols lacks: ${missing.join(", ")}`);

  const pick = (source) =>
    Object.fromEntries(core.filter((name) => source[name]).map((name) => [name, source[name]]));
  const generated = path.join(here, ".generated");
  await mkdir(generated, { recursive: true });
  await writeFile(
    path.join(generated, "icons.js"),
    `export const OUTLINED = ${JSON.stringify(pick(outlined))};
export const FILLED = ${JSON.stringify(pick(filled))};
export const FORMER_NAMES = ${JSON.stringify(formerNames)};
export const FONT_AWESOME = ${JSON.stringify(fontAwesome)};
`,
  );

  const shelves = {};
  for (const name of Object.keys(outlined)) {
    const shelf = (shelves[/^[a-z]/.test(name) ? name[0] : "0"] ??= {});
    shelf[name] = filled[name] ? [outlined[name], filled[name]] : [outlined[name]];
  }
  await Promise.all(
    Object.entries(shelves).map(([letter, icons]) =>
      writeFile(path.join(outdir, `m3-icons-${letter}.json`), JSON.stringify(icons)),
    ),
  );
}

/** Copies Roboto (variable weight) and answers its @font-face rules. */
async function writeFonts() {
  const folder = path.dirname(require.resolve("@fontsource-variable/roboto/package.json"));
  const { default: unicode } = await import("@fontsource-variable/roboto/unicode.json", {
    with: { type: "json" },
  });
  const rules = [];
  for (const subset of FONT_SUBSETS) {
    const name = `m3-roboto-${subset}.woff2`;
    await copyFile(
      path.join(folder, "files", `roboto-${subset}-wght-normal.woff2`),
      path.join(outdir, name),
    );
    rules.push(
      `@font-face{font-family:"Roboto Variable";font-style:normal;font-display:swap;font-weight:100 900;` +
        `src:url(${name}) format("woff2-variations");unicode-range:${unicode[subset]}}`,
    );
  }
  return rules.join("\n");
}

/** A hash of everything that the build reads. */
async function inputHash() {
  const hash = createHash("sha256");
  for (const folder of [here, path.join(here, "src"), path.join(here, "styles")]) {
    for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      if (!entry.isFile()) continue;
      hash.update(entry.name).update(await readFile(path.join(folder, entry.name)));
    }
  }
  for (const name of PACKAGES) {
    const file = path.join(here, "..", "..", "node_modules", name, "package.json");
    hash.update(JSON.parse(await readFile(file, "utf8")).version);
  }
  return hash.digest("hex");
}

async function removeFormerOutput() {
  await mkdir(outdir, { recursive: true });
  const former = (await readdir(outdir)).filter(
    (name) => /^m3[.-].*\.(js|css|json|woff2|map)$/.test(name) || name === "m3.js",
  );
  await Promise.all(former.map((name) => rm(path.join(outdir, name))));
}

const stamp = path.join(here, ".generated", "stamp");
const inputs = await inputHash();
const isWatching = process.argv.includes("--watch");
if (
  !isWatching &&
  (await readFile(stamp, "utf8").catch(() => "")) === inputs &&
  existsSync(path.join(outdir, "m3.js"))
) {
  process.exit(0);
}

await removeFormerOutput();
await writeIcons();

const common = {
  bundle: true,
  minify: true,
  outdir,
  target: TARGETS,
  legalComments: "none",
  logLevel: "warning",
};
// Bundled first, because the library's own files do not load in Node and the default scheme is made here.
await esbuild.build({
  ...common,
  entryPoints: { "m3-scheme": path.join(here, "src", "scheme.js") },
  format: "esm",
});
const { schemeCss } = await import(pathToFileURL(path.join(outdir, "m3-scheme.js")).href);
const head = [await writeFonts(), schemeCss(DEFAULT_SEED)].join("\n");

const options = [
  {
    ...common,
    entryPoints: { m3: path.join(here, "src", "index.js") },
    format: "esm",
    external: ["./m3-scheme.js"],
    banner: { js: "/*! Material Web, Lit: Apache-2.0 and BSD-3-Clause, Google LLC */" },
  },
  {
    ...common,
    entryPoints: { m3: path.join(here, "styles", "index.css") },
    external: ["*.woff2"],
    banner: { css: head },
  },
];
if (isWatching) {
  const contexts = await Promise.all(options.map((option) => esbuild.context(option)));
  await Promise.all(contexts.map((context) => context.watch()));
} else {
  await Promise.all(options.map((option) => esbuild.build(option)));
  await writeFile(stamp, inputs);
}
