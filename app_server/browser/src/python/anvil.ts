/** The module `anvil`, but for its components (src/components adds those). */

import { app, findPackage } from "../boot/app";
import { boot } from "../boot/boot_data";
import { getOpenForm, openFormByPython } from "../boot/open_form";
import { alertFromPython, confirmFromPython, modalFromPython } from "../dialogs/alert";
import { makeNotificationClass } from "../dialogs/notification";
import { registerModule } from "../engine/files";
import {
  bindableFunction,
  buildClass,
  callSync,
  chain,
  chainEach,
  findAttr,
  importModule,
  isDict,
  isNone,
  method,
  pyError,
  pyFalse,
  pyFunction,
  pyNone,
  pyStr,
  setAttr,
  textOf,
  toJs,
  toPy,
  type PyObject,
} from "../engine/skulpt";
import { setDefaultErrorHandler } from "../errors/report";

const getUrlHash = method([], () => {
  const hash = decodeURIComponent(location.hash.slice(1));
  if (!hash.startsWith("?")) return pyStr(hash);
  return toPy(Object.fromEntries(new URLSearchParams(location.hash.slice(2))));
});

const setUrlHash = method(
  ["val", "replace_current_url", "set_in_history"],
  (value: PyObject, replace: PyObject, inHistory: PyObject) => {
    const hash = isDict(value)
      ? `?${new URLSearchParams(toJs(value) as Record<string, string>).toString()}`
      : textOf(value);
    const url = new URL(location.href);
    url.hash = hash;
    if (toJs(replace) || !toJs(inHistory)) history.replaceState(history.state, "", url);
    else location.hash = hash;
    return pyNone;
  },
  { replace_current_url: pyFalse, set_in_history: Sk.builtin.bool.true$ },
);

const setErrorHandling = method(["handler_fn"], (handler: PyObject) => {
  setDefaultErrorHandler(handler);
  return pyNone;
});

const getServiceConfig = method(["source"], (source: PyObject) =>
  toPy(app().services[textOf(source)] ?? null),
);

const getClientConfig = method(
  ["package_name"],
  (packageName: PyObject) => {
    const name = isNone(packageName) ? app().package : textOf(packageName);
    const found = findPackage(name);
    if (found === undefined) {
      throw pyError("ValueError", `Package '${name}' is not part of this app.`);
    }
    return toPy(found.config);
  },
  { package_name: pyNone },
);

/** `anvil.app`: what the app is called, its settings and theme. */
function makeAppInfo(): PyObject {
  const { theme } = app();
  const { id, branch, environment } = boot().app;
  const info = callSync(buildClass("anvil", "_AppInfo", []));
  const env = callSync(buildClass("anvil", "_Environment", []));
  setAttr(env, "name", pyStr(environment.name));
  setAttr(env, "tags", toPy(environment.tags));
  const members: Record<string, PyObject> = {
    id: pyStr(id),
    branch: toPy(branch),
    environment: env,
    package_name: pyStr(app().package),
    theme_colors: toPy(theme.values),
    get_client_config: pyFunction("get_client_config", getClientConfig),
    get_asset: bindableFunction("get_asset", ([path]) => {
      const URLMedia = findAttr(Sk.sysmodules.quick$lookup(pyStr("anvil"))!, "URLMedia")!;
      return callSync(URLMedia, [
        pyStr(new URL(`_/theme/${textOf(path!)}`, document.baseURI).href),
      ]);
    }),
  };
  for (const [name, value] of Object.entries(members)) setAttr(info, name, value);
  return info;
}

/**
 * Modules that are attributes of `anvil` without having been imported, as on Anvil, where all of
 * them are there from the start. Here most are fetched when first asked for.
 */
const SUBMODULES = [
  "designer",
  "history",
  "http",
  "image",
  "media",
  "property_utils",
  "regex",
  "tz",
];

const getSubmodule = method(["name"], (given: PyObject) => {
  const name = textOf(given);
  if (SUBMODULES.includes(name)) return importModule(`anvil.${name}`);
  throw pyError("AttributeError", `module 'anvil' has no attribute '${name}'`);
});

const MEDIA = ["Media", "BlobMedia", "DataMedia", "FileMedia", "URLMedia", "LazyMedia"];

export function registerAnvilModule(): void {
  registerModule(
    "anvil",
    (define) => {
      const take = (moduleName: string, names: string[]): unknown =>
        chain(importModule(moduleName), (module: PyObject) => {
          for (const name of names) define(name, findAttr(module, name)!);
          return pyNone;
        });
      const functions = {
        is_server_side: method([], () => pyFalse),
        get_open_form: method([], getOpenForm),
        get_url_hash: getUrlHash,
        set_url_hash: setUrlHash,
        set_default_error_handling: setErrorHandling,
        __getattr__: getSubmodule,
        _get_service_client_config: getServiceConfig,
      };
      for (const [name, definition] of Object.entries(functions)) {
        define(name, pyFunction(name, definition, "anvil"));
      }
      define("open_form", bindableFunction("open_form", openFormByPython));
      define("alert", bindableFunction("alert", alertFromPython));
      define("confirm", bindableFunction("confirm", confirmFromPython));
      define("modal", bindableFunction("modal", modalFromPython));
      define("Notification", makeNotificationClass());
      define("app", makeAppInfo());
      return chainEach(
        [
          () => take("anvil._media", MEDIA),
          () => take("anvil._live_objects", ["LiveObject", "LiveObjectProxy"]),
          () => take("anvil._media", ["download"]),
          () => importModule("anvil.server"),
          () => importModule("anvil.js"),
        ],
        (step) => step(),
      );
    },
    true,
  );
}
