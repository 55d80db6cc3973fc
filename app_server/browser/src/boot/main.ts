/** The page's entry: brings the engine, the app's code and the first form together. */

import "../styles/index.css";

import { installComponents, makeTemplateClass } from "../components/index";
import { loadCompiled } from "../engine/compiled_cache";
import {
  addCompiledFiles,
  addLazyFiles,
  configureEngine,
  type CompiledFiles,
} from "../engine/files";
import {
  chainEach,
  importModule,
  isDict,
  isList,
  dictToKwargs,
  pyDict,
  run,
  settled,
  itemsOf,
  type PyObject,
} from "../engine/skulpt";
import { reportError } from "../errors/report";
import { registerNativeModules } from "../python/index";
import { setStartupData } from "../python/rpc";
import { server } from "../transport/server";
import { Deserializer } from "../wire/deserialize";
import { app, installApp, type AppBundle } from "./app";
import { boot, type BootData, type Serialized } from "./boot_data";
import { openFormByPython } from "./open_form";

declare global {
  /** Set by the build's library file: virtual path to code. */
  var anvilLibrary: CompiledFiles | undefined;
}

async function fetchJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status} ${response.statusText}`);
  return (await response.json()) as T;
}

function startEngine({ lazy }: BootData): void {
  configureEngine((text) => console.log(text.replace(/\n$/, "")));
  addCompiledFiles(globalThis.anvilLibrary ?? {});
  for (const { url, paths } of lazy) addLazyFiles(paths, () => fetchJson<CompiledFiles>(url));
  registerNativeModules();
}

async function decode(serialized: Serialized): Promise<PyObject> {
  const { value, objects, vt_global } = serialized;
  const deserializer = new Deserializer({ objects, vt_global, media: new Map() });
  return (await deserializer.open(vt_global)).decode("value", value);
}

async function runClientInit(): Promise<void> {
  const names = app()
    .packages.filter((one) => one.clientInit !== null)
    .map((one) => `${one.name}.${one.clientInit!}`);
  await run(() => chainEach(names, (name) => importModule(name)));
}

async function openStart({ open }: BootData): Promise<void> {
  if (open.form !== undefined) {
    const given = open.arguments && (await decode(open.arguments));
    const [args, kwargs] = given ? settled(itemsOf(given)) : [];
    const form = new Sk.builtin.str(open.form);
    await run(() =>
      openFormByPython(
        [form, ...(isList(args) ? args.v : [])],
        dictToKwargs(isDict(kwargs) ? kwargs : pyDict()),
      ),
    );
  } else if (open.module !== undefined) {
    const { module } = open;
    await run(() =>
      Sk.importModuleInternal_(module, false, "__main__", undefined, undefined, false, true),
    );
  } else {
    throw new Error(
      "This app has no startup form or module, and no route answered this address. " +
        "Set one in anvil.yaml, or open a form from a server route.",
    );
  }
}

function hideSplash(): void {
  document.getElementById("anvil-splash")?.remove();
}

async function main(): Promise<void> {
  performance.mark("anvil-start");
  const data = boot();
  // The code and the connection are on their way while the engine starts.
  const bundle = fetchJson<AppBundle>(data.appUrl);
  bundle.catch(() => undefined);
  startEngine(data);
  server()
    .connect()
    .catch(() => undefined);
  const [code] = await Promise.all([bundle, loadCompiled(data.engineHash, data.appName)]);
  installApp(code, makeTemplateClass);
  installComponents();
  await run(() => importModule("anvil.tz"));
  await run(() => importModule("anvil.server"));
  performance.mark("anvil-python");
  if (data.startupData) setStartupData(await decode(data.startupData));
  await runClientInit();
  await openStart(data);
  performance.mark("anvil-form");
}

main()
  .catch((error: unknown) => reportError(error, true))
  .finally(hideSplash);
