// What of Python's and Anvil's library the browser gets, and how it is compiled.
//
// The standard modules are those that Anvil's own browser Python has, with what they import; all of
// them are in Skulpt's library. Anvil's modules come from the installed wheel `anvil-app-server`.

import fs from "node:fs";
import path from "node:path";
import vm from "node:vm";

/** Written in JavaScript by Skulpt's authors; taken as they are. */
const NATIVE_MODULES = [
  "_random _strptime array calendar collections datetime fractions functools itertools json",
  "keyword math operator platform re string time uuid",
].flatMap((line) => line.split(" "));

/** Written in Python in Skulpt's library. */
const PYTHON_MODULES = ["bisect", "numbers", "random", "types"];

/** Of Skulpt's library too, but fetched when first imported, with our own typing and urllib. */
const STANDARD_ON_IMPORT = { js: ["signal"], py: ["copy", "heapq", "statistics", "textwrap"] };

/** Anvil's modules by the file that carries them: "library" comes with the page, others on import. */
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
const OWN_ON_IMPORT = ["http", "image", "media"].map((name) => `anvil/${name}.py`);

/** A Skulpt in this process, with the dialect of `configureEngine` in src/engine/files.ts. */
export function loadEngine(engineFolder) {
  globalThis.window ??= globalThis;
  for (const name of ["skulpt.min.js", "skulpt-stdlib.js"]) {
    vm.runInThisContext(fs.readFileSync(path.join(engineFolder, name), "utf8"), { filename: name });
  }
  const Sk = globalThis.Sk;
  Sk.configure({ __future__: { ...Sk.python3, super_args: true } });
  return Sk;
}

/** What Skulpt compiled, in the form in which its importer evaluates a module. */
export const asModule = (code) => `${code}\nvar $builtinmodule = $compiledmod;`;

/** Python as the importer evaluates it. `minify` shortens the JavaScript that Skulpt makes. */
async function compile(Sk, source, filename, minify) {
  return await minify(asModule(Sk.compile(source, filename, "exec", true).code));
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

/** Everything, compiled: {group: {virtual path: code}}; see CompiledFiles in src/engine/files.ts. */
export async function buildLibrary({ Sk, anvilFolder, ownFolder, minify }) {
  const files = Sk.builtinFiles.files;
  const groups = { library: {} };
  groups.library["src/builtin/sys.js"] = files["src/builtin/sys.js"];
  for (const name of NATIVE_MODULES) {
    groups.library[`src/lib/${name}.js`] = files[`src/lib/${name}.js`];
  }
  for (const name of PYTHON_MODULES) {
    const source = files[`src/lib/${name}.py`];
    groups.library[`src/lib/${name}.js`] = await compile(Sk, source, `${name}.py`, minify);
  }
  groups.standard = {};
  for (const name of STANDARD_ON_IMPORT.js) {
    groups.standard[`src/lib/${name}.js`] = files[`src/lib/${name}.js`];
  }
  for (const name of STANDARD_ON_IMPORT.py) {
    const source = files[`src/lib/${name}.py`];
    groups.standard[`src/lib/${name}.js`] = await compile(Sk, source, `${name}.py`, minify);
  }
  for (const { group, relative, file } of listAnvilFiles(anvilFolder)) {
    groups[group] ??= {};
    const virtual = `src/lib/anvil/${relative.replace(/\.py$/, ".js")}`;
    const source = fs.readFileSync(file, "utf8");
    groups[group][virtual] = await compile(Sk, source, `anvil/${relative}`, minify);
  }
  for (const relative of listPython(ownFolder, ".")) {
    const virtual = `src/lib/${relative.replace(/\.py$/, ".js")}`;
    const source = fs.readFileSync(path.join(ownFolder, relative), "utf8");
    const [top, area] = relative.replace(/\.py$/, "").split(path.sep);
    let group = OWN_GROUPS[top] ?? OWN_GROUPS[`${top}/${area}`] ?? "library";
    if (OWN_ON_IMPORT.includes(relative)) group = "services";
    groups[group] ??= {};
    groups[group][virtual] = await compile(Sk, source, relative, minify);
  }
  return groups;
}
