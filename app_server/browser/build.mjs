// Builds the browser runtime: `npm run build` (or `node app_server/browser/build.mjs [--force]`).
//
// Writes app_server/browser/dist/: content-hashed files with .br and .gz beside them, and
// manifest.json {hash, files: {engine, runtime, styles}, serviceWorker, legacy: {jquery, bootstrap, ...},
// code: {group: {file, modules: {virtual path: [full names of modules that it imports]}}}}.
// Nothing is done when the inputs are those of the last build. Takes some 10 s on 2 cores.

import { execFileSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import zlib from "node:zlib";

import * as esbuild from "esbuild";

import { buildLegacy } from "./legacy.mjs";
import { asScript, buildLibrary, listAnvilFiles, loadEngine } from "./library.mjs";
import { iconsFile, symbolsPlugin } from "./symbols.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const engineFolder = path.join(root, ".build/engine");
const source = path.join(here, "src");
const ownPython = path.join(source, "python/lib");
const dist = path.join(here, "dist");

function findPython() {
  const inVenv = path.join(root, ".venv/bin/python");
  return process.env.MYBIZZ_PYTHON ?? (fs.existsSync(inVenv) ? inVenv : "python3");
}

function findAnvil(python) {
  const code =
    "import importlib.util as u; print(u.find_spec('anvil_downlink_worker').submodule_search_locations[0])";
  return path.join(execFileSync(python, ["-c", code], { encoding: "utf8" }).trim(), "anvil");
}

function listFiles(folder) {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      const full = path.join(folder, entry.name);
      return entry.isDirectory() ? listFiles(full) : [full];
    });
}

function hashInputs(files) {
  const hash = crypto.createHash("sha256");
  for (const file of files) {
    hash.update(`${path.basename(file)}\0`).update(fs.readFileSync(file));
  }
  return hash.digest("hex").slice(0, 20);
}

function isUpToDate(hash) {
  try {
    const manifest = JSON.parse(fs.readFileSync(path.join(dist, "manifest.json"), "utf8"));
    return manifest.hash === hash;
  } catch {
    return false;
  }
}

/** How long files of a former build stay; a file's time is that of the last build that had it. */
const KEEP_FORMER_DAYS = 2;

/** The runtime cannot start, and so cannot say so itself, where the engine's file got lost. */
const TELL_OF_MISSING_ENGINE = `globalThis.Sk||document
.querySelector("#anvil-splash .anvil-splash-note")
.replaceChildren("This page did not load as a whole. Please reload it.");`;

const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);

/** Write a content-hashed file with its compressed variants into `folder`; gives its name. */
async function write(folder, name, extension, content) {
  const data = Buffer.from(content);
  const hash = crypto.createHash("sha256").update(data).digest("hex").slice(0, 12);
  const file = `${name}-${hash}.${extension}`;
  const known = [file, `${file}.br`, `${file}.gz`];
  if (known.every((name) => fs.existsSync(path.join(dist, name)))) {
    for (const name of known) fs.copyFileSync(path.join(dist, name), path.join(folder, name));
    return file;
  }
  const params = {
    [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
    [zlib.constants.BROTLI_PARAM_SIZE_HINT]: data.length,
  };
  const [br, gz] = await Promise.all([brotli(data, { params }), gzip(data, { level: 9 })]);
  fs.writeFileSync(path.join(folder, file), data);
  fs.writeFileSync(path.join(folder, `${file}.br`), br);
  fs.writeFileSync(path.join(folder, `${file}.gz`), gz);
  return file;
}

/** Pages that are open may still ask for files of the builds before. */
function keepFormerFiles(folder) {
  if (!fs.existsSync(dist)) return;
  const oldest = Date.now() - KEEP_FORMER_DAYS * 86400 * 1000;
  for (const name of fs.readdirSync(dist)) {
    const former = path.join(dist, name);
    if (fs.existsSync(path.join(folder, name)) || fs.statSync(former).mtimeMs < oldest) continue;
    fs.cpSync(former, path.join(folder, name), { preserveTimestamps: true });
  }
}

async function minify(code, loader = "js") {
  const result = await esbuild.transform(code, { minify: true, target: "es2021", loader });
  return result.code;
}

/** Parts of the runtime that pages load when they first need them (engine/chunks.ts), by name. */
async function bundleChunks() {
  const folder = path.join(source, "chunks");
  const files = fs.readdirSync(folder).filter((name) => /(?<!\.d)\.ts$/.test(name));
  const result = await esbuild.build({
    entryPoints: files.map((name) => path.join(folder, name)),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2021",
    write: false,
    outdir: dist,
    plugins: [symbolsPlugin],
    logLevel: "warning",
  });
  return result.outputFiles.map((file) => [path.basename(file.path, ".js"), file.text]);
}

/** The service worker's script, for app_server/http/service_worker.py. */
async function bundleServiceWorker() {
  const result = await esbuild.build({
    entryPoints: [path.join(source, "service_worker/worker.ts")],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2021",
    write: false,
    logLevel: "warning",
  });
  return result.outputFiles[0].text;
}

async function bundle(hash, chunks, libraries) {
  const result = await esbuild.build({
    entryPoints: [path.join(source, "boot/main.ts")],
    banner: { js: TELL_OF_MISSING_ENGINE },
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2021",
    write: false,
    outdir: dist,
    loader: { ".css": "css", ".svg": "dataurl" },
    define: {
      RUNTIME_HASH: JSON.stringify(hash),
      CHUNKS: JSON.stringify(chunks),
      LIBRARIES: JSON.stringify(libraries),
    },
    logLevel: "warning",
  });
  const find = (extension) =>
    result.outputFiles.find((file) => file.path.endsWith(extension))?.text ?? "";
  return { script: find(".js"), styles: find(".css") };
}

/** A group of Python modules as a script; gives its entry in the manifest. */
async function writeCode(folder, group, modules) {
  const entries = Object.entries(modules);
  const script = asScript(Object.fromEntries(entries.map(([name, { code }]) => [name, code])));
  const file = await write(folder, `py-${group}`, "js", script);
  const imports = Object.fromEntries(entries.map(([name, module]) => [name, module.imports]));
  return [group, { file, modules: imports }];
}

async function build() {
  const started = performance.now();
  const python = findPython();
  execFileSync(python, [path.join(here, "fetch_engine.py"), engineFolder], { stdio: "inherit" });
  const anvilFolder = findAnvil(python);
  const inputs = [
    ...["build.mjs", "legacy.mjs", "library.mjs", "symbols.mjs", "fetch_engine.py"].map((name) =>
      path.join(here, name),
    ),
    iconsFile,
    path.join(root, "package-lock.json"),
    ...listFiles(source),
    ...listFiles(path.join(here, "legacy")),
    ...listAnvilFiles(anvilFolder).map(({ file }) => file),
  ];
  const hash = hashInputs(inputs);
  if (isUpToDate(hash) && !process.argv.includes("--force")) {
    console.log("browser runtime: up to date");
    return;
  }

  // Beside dist, then swapped in: whoever serves it never sees half a build.
  const folder = path.join(here, `dist.${process.pid}`);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  try {
    const Sk = loadEngine(engineFolder);
    const chunks = await Promise.all(
      (await bundleChunks()).map(async ([name, code]) => [
        name,
        await write(folder, name, "js", code),
      ]),
    );
    const legacy = await buildLegacy((...given) => write(folder, ...given), minify);
    const { jquery, moment } = legacy;
    const [groups, { script, styles }] = await Promise.all([
      buildLibrary({ Sk, anvilFolder, ownFolder: ownPython, minify }),
      bundle(hash, Object.fromEntries(chunks), { jquery, moment }),
    ]);
    const engine = fs.readFileSync(path.join(engineFolder, "skulpt.min.js"));
    const serviceWorker = await bundleServiceWorker();
    const [engineFile, runtimeFile, stylesFile, workerFile, ...code] = await Promise.all([
      write(folder, "engine", "js", engine),
      write(folder, "runtime", "js", script),
      write(folder, "styles", "css", styles),
      write(folder, "service_worker", "js", serviceWorker),
      ...Object.entries(groups).map((group) => writeCode(folder, ...group)),
    ]);
    const files = { engine: engineFile, runtime: runtimeFile, styles: stylesFile };
    const manifest = JSON.stringify(
      { hash, files, serviceWorker: workerFile, legacy, code: Object.fromEntries(code) },
      null,
      1,
    );
    fs.writeFileSync(path.join(folder, "manifest.json"), manifest);
    keepFormerFiles(folder);
    const former = `${folder}.former`;
    if (fs.existsSync(dist)) fs.renameSync(dist, former);
    fs.renameSync(folder, dist);
    fs.rmSync(former, { recursive: true, force: true });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`browser runtime: built in ${seconds} s`);
}

await build();
