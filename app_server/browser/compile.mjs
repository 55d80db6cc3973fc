// Compiles the client code of app packages to JavaScript, as Skulpt in the browser would.
//
// Usage: node compile.mjs < job.json, where the job is
//   {folder, files: [{name, modules: [{path, filename, source}]}]}
// Each file is written to `folder` under its name, as a script (see `asScript` in library.mjs), with
// .br and .gz beside it, and NAME.json with the list of virtual paths that are in it. A module that
// does not compile is left out: the browser gets its source and shows the error where it is
// imported. Modules are kept in `folder`/modules, so that a change costs one module.

import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";

import * as esbuild from "esbuild";

import { asScript, compilePython, loadEngine } from "./library.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const engineFolder = path.resolve(here, "../../.build/engine");
const KEEP_DAYS = 30;
// 9 takes a third of a second for a large package, 11 twenty; it is a tenth smaller.
const BROTLI_QUALITY = 9;

/** What the code depends on beside its source. */
const COMPILER = ["compile.mjs", "library.mjs", "fetch_engine.py"]
  .map((name) => fs.readFileSync(path.join(here, name), "utf8"))
  .join("\0");

let Sk;

function compileModule({ filename, source }) {
  Sk ??= loadEngine(engineFolder);
  const code = compilePython(Sk, source, filename);
  return esbuild.transformSync(code, { minify: true, target: "es2021" }).code;
}

/** Code from the cache, or compiled now; null if it does not compile. */
function getModule(folder, module) {
  const hash = crypto.createHash("sha256").update(COMPILER);
  hash.update(`\0${module.filename}\0${module.source}`);
  const file = path.join(folder, `${hash.digest("hex").slice(0, 32)}.js`);
  if (fs.existsSync(file)) {
    fs.utimesSync(file, new Date(), new Date());
    return fs.readFileSync(file, "utf8");
  }
  try {
    const code = compileModule(module);
    writeWhole(file, code);
    return code;
  } catch (error) {
    console.error(`${module.filename}: ${error?.toString?.() ?? error}`);
    return null;
  }
}

/** Several servers may compile at once: none sees half a file. */
function writeWhole(file, content) {
  const partial = `${file}.${process.pid}`;
  fs.writeFileSync(partial, content);
  fs.renameSync(partial, file);
}

function prune(folder) {
  const oldest = Date.now() - KEEP_DAYS * 86400 * 1000;
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    const status = fs.statSync(file, { throwIfNoEntry: false });
    if (status?.isFile() && status.mtimeMs < oldest) fs.rmSync(file, { force: true });
  }
}

const { folder, files } = JSON.parse(fs.readFileSync(0, "utf8"));
const modulesFolder = path.join(folder, "modules");
fs.mkdirSync(modulesFolder, { recursive: true });
for (const { name, modules } of files) {
  const compiled = {};
  for (const module of modules) {
    const code = getModule(modulesFolder, module);
    if (code !== null) compiled[module.path] = code;
  }
  const data = Buffer.from(asScript(compiled));
  const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  writeWhole(path.join(folder, `${name}.gz`), zlib.gzipSync(data, { level: 6 }));
  writeWhole(path.join(folder, `${name}.br`), zlib.brotliCompressSync(data, { params }));
  writeWhole(path.join(folder, name), data);
  // Last: it says that the others are there.
  writeWhole(path.join(folder, `${name}.json`), JSON.stringify(Object.keys(compiled)));
}
prune(folder);
prune(modulesFolder);
