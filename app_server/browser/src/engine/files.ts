/**
 * Where Python modules come from: a table of virtual files that Skulpt's importer asks for.
 *
 * Each module is one of four kinds, and is made only when first imported:
 *   native    written in TypeScript (`registerModule`)
 *   compiled  Python compiled when the runtime was built
 *   lazy      compiled Python in a file of its own, fetched when first imported
 *   source    Python of an app, compiled here on first import (and kept, see `compiled_cache.ts`)
 */

import { cachedCode, rememberCode } from "./compiled_cache";
import { findSubmodules } from "./submodules";
import { mangle, pyName, pyStr, type PyObject, type Result } from "./skulpt";

/** Fills a module: gets its globals (use `defineIn`), may wait, and returns nothing. */
export type ModuleFactory = (define: (name: string, value: PyObject) => void) => unknown;

/** The runtime's own library as the build writes it: virtual path to code for the importer. */
export type CompiledFiles = Record<string, string>;

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

/** Add the runtime's compiled Python that came with the page. */
export function addCompiledFiles(files: CompiledFiles): void {
  for (const [path, code] of Object.entries(files)) {
    if (!paths.has(path)) paths.set(path, () => code);
  }
}

/** Add compiled Python that is fetched in one piece when any of `names` is first imported. */
export function addLazyFiles(names: string[], fetchFiles: () => Promise<CompiledFiles>): void {
  let fetched: Promise<CompiledFiles> | undefined;
  for (const path of names) {
    paths.set(path, () => {
      fetched ??= fetchFiles().catch((error: unknown) => {
        fetched = undefined;
        throw error;
      });
      const pending = fetched.then((files) => {
        for (const [name, code] of Object.entries(files)) paths.set(name, () => code);
        return files[path]!;
      }, failingCode);
      return Sk.misceval.promiseToSuspension(pending) as Result<string>;
    });
  }
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

function compileSource(path: string, module: SourceModule): string {
  const source = `${path}\n${module.code}`; // the name is compiled in, for tracebacks
  let code = cachedCode(source);
  if (code === undefined) {
    try {
      code = Sk.compile(module.code, sourcePath(path), "exec", true).code;
    } catch (error) {
      return failingCode(error);
    }
    rememberCode(source, code);
  }
  return asModule(code);
}

/** What tracebacks call a file: `m3/_Components/Button/__init__.py`. */
const sourcePath = (path: string): string => path.slice(APP_ROOT.length).replace(/\.js$/, ".py");

function read(path: string): unknown {
  const make = paths.get(path);
  if (make === undefined) throw new Error(`no file ${path}`);
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
