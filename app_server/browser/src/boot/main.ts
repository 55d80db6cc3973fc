/** The page's entry: brings the engine, the app's code and the first form together. */

import "../styles/index.css";

import { installComponents, makeTemplateClass } from "../components/index";
import { loadCompiled } from "../engine/compiled_cache";
import { addCode, configureEngine } from "../engine/files";
import {
  chainEach,
  importModule,
  dictToKwargs,
  isDict,
  isList,
  run,
  type Kwargs,
  type PyObject,
} from "../engine/skulpt";
import { defineGlobals } from "../engine/globals";
import { showPrint } from "../errors/prints";
import { reportError, watchForUncaught } from "../errors/report";
import { registerNativeModules } from "../python/index";
import { setStartupData } from "../python/rpc";
import { server } from "../transport/server";
import { Deserializer } from "../wire/deserialize";
import { app, hasSources, installApp, type AppBundle } from "./app";
import { boot, type BootData, type BootMessage } from "./boot_data";
import { openFormByPython } from "./open_form";
import { startServiceWorker } from "./service_worker";

async function fetchJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status} ${response.statusText}`);
  return (await response.json()) as T;
}

function startEngine(): void {
  defineGlobals();
  configureEngine(showPrint);
  registerNativeModules();
}

interface Opening {
  args: PyObject[];
  kwargs: Kwargs;
}

function mediaOf({ media = {}, objects = [] }: BootMessage): Map<string, Blob> {
  const types = new Map(objects.map((object) => [object.id, object["mime-type"] as string]));
  return new Map(
    Object.entries(media).map(([id, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));
      return [id, new Blob([bytes], { type: types.get(id) ?? "" })];
    }),
  );
}

/** What the server handed over: start-up data is set, arguments of the form are given back. */
async function readMessage(message: BootMessage): Promise<Opening> {
  const { data, args, kwargs, objects = [], vt_global } = message;
  const media = mediaOf(message);
  const deserializer = await new Deserializer({ objects, vt_global, media }).open(vt_global);
  setStartupData(await deserializer.decode("data", data ?? null));
  const pyArgs = await deserializer.decode("args", args ?? []);
  const pyKwargs = await deserializer.decode("kwargs", kwargs ?? {});
  return {
    args: isList(pyArgs) ? pyArgs.v : [],
    kwargs: isDict(pyKwargs) ? dictToKwargs(pyKwargs) : [],
  };
}

async function runClientInit(): Promise<void> {
  const names = app()
    .packages.filter((one) => one.clientInit !== null)
    .map((one) => `${one.name}.${one.clientInit!}`);
  await run(() => chainEach(names, (name) => importModule(name)));
}

async function openStart({ open }: BootData, { args, kwargs }: Opening): Promise<void> {
  if (open.form !== undefined) {
    const form = new Sk.builtin.str(open.form);
    await run(() => openFormByPython([form, ...args], kwargs));
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
  watchForUncaught();
  const data = boot();
  // The code and the connection are on their way while the engine starts.
  const bundle = fetchJson<AppBundle>(data.appUrl);
  bundle.catch(() => undefined);
  startEngine();
  server()
    .connect()
    .catch(() => undefined);
  const loaded = await bundle;
  addCode(loaded.code);
  // What was compiled here on an earlier visit is of use only where sources came.
  if (hasSources(loaded)) await loadCompiled(data.engineHash, data.appName);
  installApp(loaded, makeTemplateClass);
  installComponents();
  await run(() => importModule("anvil.tz"));
  await run(() => importModule("anvil.server"));
  performance.mark("anvil-python");
  const opening = await readMessage(data.message);
  await runClientInit();
  await openStart(data, opening);
  performance.mark("anvil-form");
  startServiceWorker(data.serviceWorker);
}

main()
  .catch((error: unknown) => {
    reportError(error, true);
    performance.mark("anvil-failed"); // what prints the page to a PDF looks out for these marks
  })
  .finally(hideSplash);
