// What of Python's and Anvil's library the browser gets, and how it is compiled.
//
// The standard modules are those that Anvil's own browser Python has, with what they import; all of
// them are in Skulpt's library. Anvil's modules come from the installed wheel `anvil-app-server`.

import fs from "node:fs";
import path from "node:path";
import vm from "node:vm";

/**
 * Modules of Skulpt's library by the group that they travel in: "library" comes with each page, the
 * others with pages whose code imports them, or on import. Those ending in .py are written in
 * Python; the others in JavaScript, taken as they are. What imports another while it runs, without
 * being able to wait, is in one group with it.
 */
const STANDARD_MODULES = {
  library: ["_strptime", "datetime", "time", "types.py"],
  containers: ["bisect.py", "collections", "functools", "itertools", "keyword", "operator"],
  mathematics: ["_random", "fractions", "math", "numbers.py", "random.py"],
  texts: ["json", "re", "string"],
  others: ["array", "calendar", "platform", "signal", "uuid"],
  standard: ["copy.py", "heapq.py", "statistics.py", "textwrap.py"],
};

/** Anvil's modules by their group. */
const ANVIL_MODULES = {
  library: ["tz.py"],
  tables: ["tables"],
  users: ["users"],
  services: ["email.py", "regex.py", "secrets.py", "util.py"],
  integrations: ["facebook", "google", "microsoft", "saml", "stripe.py"],
};

/** Own packages of the browser's library by the group that they travel with. */
const OWN_GROUPS = {
  "anvil/facebook": "integrations",
  "anvil/google": "integrations",
  "anvil/microsoft": "integrations",
  "anvil/saml": "integrations",
  "anvil/tables": "tables",
  "anvil/users": "users",
  facebook: "integrations",
  google: "integrations",
  plotly: "plotly",
  stripe: "integrations",
  tables: "tables",
  typing: "standard",
  urllib: "standard",
};

/** Our own modules (src/python/lib) that few apps import: they travel with the services. */
const OWN_ON_IMPORT = ["history", "http", "image", "media"].map((name) => `anvil/${name}.py`);

/** A Skulpt in this process, with the dialect of `configureEngine` in src/engine/files.ts. */
export function loadEngine(engineFolder) {
  globalThis.window ??= globalThis;
  for (const name of ["skulpt.min.js", "skulpt-stdlib.js"]) {
    vm.runInThisContext(fs.readFileSync(path.join(engineFolder, name), "utf8"), { filename: name });
  }
  const Sk = globalThis.Sk;
  Sk.configure({ __future__: { ...Sk.python3, super_args: true } });
  // Without limits the compiler leaves out the clock that it else reads in each call and loop.
  Sk.execLimit = null;
  Sk.yieldLimit = null;
  return Sk;
}

/**
 * Python as JavaScript that leaves the module's function in `$builtinmodule`, which is what Skulpt's
 * importer calls.
 */
export function compilePython(Sk, source, filename) {
  const { code } = Sk.compile(source, filename, "exec", true);
  // The name stands at each call, for tracebacks: some tenth of all that is compiled.
  const shortened = code
    .replaceAll(`$saveSuspension($ret,'${filename}',`, "$saveSuspension($ret,$file,")
    .replaceAll(`filename: '${filename}'});`, "filename: $file});");
  return `var $file=${JSON.stringify(filename)};${shortened}\nvar $builtinmodule = $compiledmod;`;
}

/**
 * Modules as a script: {virtual path: code that leaves `$builtinmodule`}. A browser parses a script
 * beside its other work, and keeps what it compiled; text that is evaluated has neither.
 */
export function asScript(modules) {
  const parts = Object.entries(modules).map(
    ([name, code]) => `m[${JSON.stringify(name)}]=()=>{${code}\nreturn $builtinmodule};`,
  );
  return `(m=>{${parts.join("\n")}})(globalThis.anvilModules??=Object.create(null));`;
}

const IMPORT =
  /^[ \t]*(?:import[ \t]+([\w., \t]+)|from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n]*))/gm;

/** Full names that the Python of module `name` may import. */
function listImports(name, isPackage, source) {
  const found = new Set();
  const names = (text) => text.replace(/#.*/g, "").split(/[(),]/);
  for (const [, modules, dots, base, members] of source.matchAll(IMPORT)) {
    if (modules !== undefined) {
      for (const one of names(modules)) found.add(one.trim().split(/\s/)[0]);
      continue;
    }
    const parts = name.split(".");
    const home = dots ? parts.slice(0, parts.length - dots.length + (isPackage ? 1 : 0)) : [];
    const full = [...home, ...(base ? [base] : [])].join(".");
    found.add(full);
    for (const one of names(members)) found.add(`${full}.${one.trim().split(/\s/)[0]}`);
  }
  return [...found];
}

function listPython(folder, relative) {
  const full = path.join(folder, relative);
  if (!fs.existsSync(full)) throw new Error(`the wheel anvil-app-server has no ${relative}`);
  if (fs.statSync(full).isFile()) return [relative];
  return fs
    .readdirSync(full)
    .sort()
    .filter((name) => name !== "__pycache__")
    .flatMap((name) => listPython(folder, path.join(relative, name)))
    .filter((name) => name.endsWith(".py"));
}

/** The Python files that go in: [{group, path, file}], for hashing and for `buildLibrary`. */
export function listAnvilFiles(anvilFolder) {
  return Object.entries(ANVIL_MODULES).flatMap(([group, entries]) =>
    entries
      .flatMap((entry) => listPython(anvilFolder, entry))
      .map((relative) => ({ group, relative, file: path.join(anvilFolder, relative) })),
  );
}

/**
 * Everything, compiled: {group: {virtual path: {code, imports}}}, where `imports` are full names of
 * modules that are among them.
 */
export async function buildLibrary({ Sk, anvilFolder, ownFolder, minify }) {
  const files = Sk.builtinFiles.files;
  const groups = { library: {} };
  const imports = new Map();

  const addPython = async (group, virtual, filename, source) => {
    const isPackage = virtual.endsWith("/__init__.js");
    const name = nameOf(virtual);
    imports.set(name, listImports(name, isPackage, source));
    const code = await minify(compilePython(Sk, source, filename));
    (groups[group] ??= {})[virtual] = { name, code };
  };
  const addNative = (group, virtual) => {
    const name = nameOf(virtual);
    const code = files[virtual];
    const found = [...code.matchAll(/importModule\("(\w+)"/g)].map(([, imported]) => imported);
    imports.set(name, found);
    (groups[group] ??= {})[virtual] = { name, code };
  };

  addNative("library", "src/builtin/sys.js");
  for (const [group, modules] of Object.entries(STANDARD_MODULES)) {
    for (const file of modules) {
      const virtual = `src/lib/${file.replace(/\.py$/, "")}.js`;
      if (file.endsWith(".py")) await addPython(group, virtual, file, files[`src/lib/${file}`]);
      else addNative(group, virtual);
    }
  }
  for (const { group, relative, file } of listAnvilFiles(anvilFolder)) {
    const virtual = `src/lib/anvil/${relative.replace(/\.py$/, ".js")}`;
    await addPython(group, virtual, `anvil/${relative}`, fs.readFileSync(file, "utf8"));
  }
  for (const relative of listPython(ownFolder, ".")) {
    const virtual = `src/lib/${relative.replace(/\.py$/, ".js")}`;
    const source = fs.readFileSync(path.join(ownFolder, relative), "utf8");
    const [top, area] = relative.replace(/\.py$/, "").split(path.sep);
    let group = OWN_GROUPS[top] ?? OWN_GROUPS[`${top}/${area}`] ?? "library";
    if (OWN_ON_IMPORT.includes(relative)) group = "services";
    await addPython(group, virtual, relative, source);
  }
  for (const group of Object.values(groups)) {
    for (const module of Object.values(group)) {
      const found = imports.get(module.name);
      module.imports = found.filter((one) => imports.has(one) && one !== module.name).sort();
    }
  }
  return groups;
}

/** The module's full name: `src/lib/anvil/tables/__init__.js` is `anvil.tables`. */
const nameOf = (virtual) =>
  virtual
    .replace(/^src\/(lib|builtin)\//, "")
    .replace(/(\/__init__)?\.js$/, "")
    .replaceAll("/", ".");
