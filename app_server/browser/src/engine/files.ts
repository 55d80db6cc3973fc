/**
 * Where Python modules come from: a table of virtual files that Skulpt's importer asks for.
 *
 * Each module is one of four kinds, and is made only when first imported:
 *   native    written in TypeScript (`registerModule`)
 *   compiled  Python compiled ahead, in a script that came with the page or is loaded when a module
 *             in it is first imported, together with all that this module imports in turn
 *   source    Python of an app, compiled here on first import (and kept, see `compiled_cache.ts`)
 */

import { cachedCode, rememberCode } from "./compiled_cache";
import { findSubmodules } from "./submodules";
import { mangle, pyName, pyStr, type PyObject, type Result } from "./skulpt";

/** Fills a module: gets its globals (use `defineIn`), may wait, and returns nothing. */
export type ModuleFactory = (define: (name: string, value: PyObject) => void) => unknown;

/** A script of compiled modules: its address, and what each module (by virtual path) imports. */
export interface CodeFile {
  url: string;
  modules: Record<string, string[]>;
}

declare global {
  /** Filled by the scripts: what each module's code leaves for the importer, by virtual path. */
  var anvilModules: Record<string, () => unknown> | undefined;
}

export interface SourceModule {
  /** Full dotted name, package first. */
  name: string;
  code: string;
  isPackage: boolean;
}

const natives = new Map<string, ModuleFactory[]>();
const appModules = new Set<string>();
const paths = new Map<string, () => string | Result<string>>();

const APP_ROOT = "app/";
const NATIVE_ROOT = "src/lib/";

function pathOf(root: string, name: string, isPackage: boolean): string {
  return root + name.replaceAll(".", "/") + (isPackage ? "/__init__.js" : ".js");
}

const nativeCode = (name: string): string =>
  `var $builtinmodule = function (globals) { return Sk.anvil$module(${JSON.stringify(name)}, globals); };`;

/**
 * Add a Python module written in TypeScript. Registering a name again adds to that module: the
 * factories run in order when it is first imported.
 */
export function registerModule(name: string, factory: ModuleFactory, isPackage = false): void {
  const known = natives.get(name);
  if (known !== undefined) {
    known.push(factory);
    return;
  }
  natives.set(name, [factory]);
  paths.set(pathOf(NATIVE_ROOT, name, isPackage), () => nativeCode(name));
}

/** Add modules that belong to an app rather than to the runtime (templates, empty packages). */
export function registerAppModule(name: string, factory: ModuleFactory, isPackage: boolean): void {
  natives.set(name, [factory]);
  paths.set(pathOf(APP_ROOT, name, isPackage), () => nativeCode(name));
}

Sk.anvil$module = (name, globals) => {
  const factories = natives.get(name) ?? [];
  globals.__name__ = pyStr(name);
  const define = (member: string, value: PyObject): void => {
    globals[mangle(member)] = value;
  };
  const step = (index: number): unknown => {
    if (index === factories.length) return globals;
    const outcome = factories[index]!(define) as Result<unknown>;
    return Sk.misceval.chain(outcome, () => step(index + 1));
  };
  return step(0);
};

/**
 * The importer takes an error while reading for "no such file". What really happened is kept, and
 * code that raises it takes the module's place.
 */
const failures: unknown[] = [];
const failingCode = (error: unknown): string =>
  `var $builtinmodule = function () { Sk.anvil$raise(${failures.push(error) - 1}); };`;
Sk.anvil$raise = (index) => {
  throw failures[index];
};

interface CompiledModule {
  path: string;
  file: CodeFile;
}

const compiled = new Map<string, CompiledModule>();
const scripts = new Map<string, Promise<void>>();

const isLoaded = (path: string): boolean => globalThis.anvilModules?.[path] !== undefined;
const nameOf = (path: string): string =>
  path
    .replace(/^(src\/builtin\/|src\/lib\/|app\/)/, "")
    .replace(/(\/__init__)?\.js$/, "")
    .replaceAll("/", ".");

/** Add compiled Python; what is not on the page yet is loaded when it is imported. */
export function addCode(files: CodeFile[]): void {
  for (const file of files) {
    for (const path of Object.keys(file.modules)) {
      compiled.set(nameOf(path), { path, file });
      if (!paths.has(path)) paths.set(path, () => readCompiled(path));
    }
  }
}

const loadedCode = (path: string): string =>
  `var $builtinmodule = anvilModules[${JSON.stringify(path)}]();`;

function readCompiled(path: string): string | Result<string> {
  if (isLoaded(path)) return loadedCode(path);
  const pending = Promise.all(urlsNeeded(nameOf(path)).map(loadScript)).then(
    () => loadedCode(path),
    failingCode,
  );
  return Sk.misceval.promiseToSuspension(pending) as Result<string>;
}

/** The scripts with a module and with all that it imports, as far as they are not there. */
function urlsNeeded(name: string): string[] {
  const urls = new Set<string>();
  const seen = new Set<string>();
  const waiting = [name];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next === "" || seen.has(next)) continue;
    seen.add(next);
    waiting.push(next.slice(0, Math.max(0, next.lastIndexOf("."))));
    const module = compiled.get(next);
    if (module === undefined) continue;
    if (!isLoaded(module.path)) urls.add(module.file.url);
    waiting.push(...module.file.modules[module.path]!);
  }
  return [...urls];
}

function loadScript(url: string): Promise<void> {
  let loading = scripts.get(url);
  if (loading === undefined) {
    loading = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = () => resolve();
      script.onerror = () => {
        script.remove();
        scripts.delete(url); // it may be tried again
        reject(new Error(`A part of the app (${url}) could not be loaded`));
      };
      document.head.append(script);
    });
    scripts.set(url, loading);
  }
  return loading;
}

/** Add a module of an app. */
export function addSource(module: SourceModule): void {
  const path = pathOf(APP_ROOT, module.name, module.isPackage);
  appModules.add(module.name);
  paths.set(path, () => compileSource(path, module));
}

/** Note that a module of an app is among the compiled files. */
export const addModuleName = (name: string): void => void appModules.add(name);

export const hasModule = (name: string): boolean => appModules.has(name) || natives.has(name);

/** Compiled Python in the form in which the importer evaluates native modules. */
const asModule = (code: string): string => `${code}\nvar $builtinmodule = $compiledmod;`;

/** Without limits the compiler leaves out the clock that it else reads in each call and loop. */
function compileUnlimited(source: string, filename: string): string {
  const { execLimit, yieldLimit } = Sk;
  Sk.execLimit = null;
  Sk.yieldLimit = null;
  try {
    return Sk.compile(source, filename, "exec", true).code;
  } finally {
    Sk.execLimit = execLimit;
    Sk.yieldLimit = yieldLimit;
  }
}

function compileSource(path: string, module: SourceModule): string {
  const source = `${path}\n${module.code}`; // the name is compiled in, for tracebacks
  let code = cachedCode(source);
  if (code === undefined) {
    try {
      code = compileUnlimited(module.code, sourcePath(path));
    } catch (error) {
      return failingCode(error);
    }
    rememberCode(source, code);
  }
  return asModule(code);
}

/** What tracebacks call a file: `m3/_Components/Button/__init__.py`. */
const sourcePath = (path: string): string => path.slice(APP_ROOT.length).replace(/\.js$/, ".py");

/** The importer tries many paths; it wants to hear of each that it is not there. */
const NO_FILE = new Error("no such file");

function read(path: string): unknown {
  const make = paths.get(path);
  if (make === undefined) throw NO_FILE;
  return make();
}

/** Make this table the one that Skulpt imports from, with print going to `output`. */
export function configureEngine(output: (text: string) => void): void {
  Sk.configure({
    output,
    read,
    syspath: ["app"],
    __future__: { ...Sk.python3, super_args: true },
  });
  findSubmodules();
}

/** A module's globals, for a test or a tool: name to value. */
export const moduleMember = (module: PyObject, name: string): PyObject | undefined =>
  module.tp$getattr(pyName(name));
