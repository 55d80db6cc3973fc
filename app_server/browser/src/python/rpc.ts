/** `_anvil_rpc`: what `anvil.server` (lib/anvil/server.py) needs of the transport. */

import { boot } from "../boot/boot_data";
import { registerModule } from "../engine/files";
import {
  bindableFunction,
  chain,
  equals,
  isCallable,
  isDict,
  isStr,
  itemsOf,
  method,
  pyBool,
  pyError,
  pyFunction,
  pyNone,
  pyStr,
  suspend,
  textOf,
  toJs,
  typeName,
  dictToKwargs,
  type Kwargs,
  type PyObject,
  type PyType,
  type Result,
} from "../engine/skulpt";
import {
  isSuppressed,
  loadingIndicator,
  noLoadingIndicator,
  withLoading,
} from "../dialogs/loading";
import { registerException, registerPortableClass, serverClasses } from "../wire/registry";
import type { CallTarget } from "../wire/serialize";
import { server } from "../transport/server";

function doCall(target: CallTarget, args: PyObject[], kwargs: Kwargs | undefined, quiet: boolean) {
  const answer = server().call(target, args, kwargs);
  return suspend(quiet ? answer : withLoading(answer));
}

function callByName(args: PyObject[], kwargs: Kwargs | undefined, quiet: boolean): Result {
  const [name, ...rest] = args;
  if (name === undefined || !isStr(name)) {
    throw pyError(
      "TypeError",
      name === undefined
        ? "anvil.server.call() needs the name of a server function"
        : `first argument to anvil.server.call() must be a string, got '${typeName(name)}'`,
    );
  }
  return doCall({ command: name.v }, rest, kwargs, quiet);
}

const setter = (name: keyof typeof serverClasses) =>
  method(["value"], (value: PyObject) => {
    serverClasses[name] = value;
    return pyNone;
  });

const setCapability = method(["cls", "make"], (cls: PyObject, make: PyObject) => {
  serverClasses.capability = cls;
  serverClasses.makeCapability = make;
  return pyNone;
});

const callLiveObject = method(
  ["spec", "name", "args", "kwargs"],
  (spec: PyObject, name: PyObject, args: PyObject, kwargs: PyObject) => {
    const liveObject = toJs(spec) as { id: string; backend: string };
    return chain(itemsOf(args), (items: PyObject[]) =>
      doCall(
        { command: textOf(name), liveObject },
        items,
        isDict(kwargs) ? dictToKwargs(kwargs) : undefined,
        isSuppressed(),
      ),
    );
  },
);

const checkJson = method(["value"], (value: PyObject) => {
  try {
    JSON.stringify(toJs(value));
  } catch {
    throw pyError("TypeError", "The value provided is not valid JSON data.");
  }
  return pyNone;
});

function checkHandler(name: PyObject, handler: PyObject): void {
  if (!isStr(name)) {
    throw pyError("TypeError", `event_name must be a string, got '${typeName(name)}'`);
  }
  if (!isCallable(handler)) {
    throw pyError("TypeError", `event_handler must be callable, got '${typeName(handler)}'`);
  }
}

const addEventHandler = method(
  ["event_name", "event_handler"],
  (name: PyObject, handler: PyObject) => {
    checkHandler(name, handler);
    server().addEventHandler(textOf(name), handler);
    return pyNone;
  },
);

const removeEventHandler = method(
  ["event_name", "event_handler"],
  (name: PyObject, handler: PyObject) => {
    checkHandler(name, handler);
    const removed = server().removeEventHandler(textOf(name), handler, (a, b) =>
      equals(a as PyObject, b as PyObject),
    );
    if (!removed) {
      throw pyError("LookupError", `no such handler of the server event '${textOf(name)}'`);
    }
    return pyNone;
  },
);

const isAppOnline = method([], () =>
  suspend(
    server()
      .connect()
      .then(
        () => pyBool(true),
        () => pyBool(false),
      ),
  ),
);

let startupData: PyObject = pyNone;

/** What the server's FormResponse or route handed to the page (`anvil.server.startup_data`). */
export function setStartupData(value: PyObject): void {
  startupData = value;
}

export function registerRpcModule(): void {
  registerModule("_anvil_rpc", (define) => {
    define("app_origin", pyStr(boot().origin));
    define("loading_indicator", loadingIndicator());
    define("no_loading_indicator", noLoadingIndicator());
    define(
      "call",
      bindableFunction("call", (args, kwargs) => callByName(args, kwargs, isSuppressed())),
    );
    define(
      "call_s",
      bindableFunction("call_s", (args, kwargs) => callByName(args, kwargs, true)),
    );
    const functions = {
      call_live_object: callLiveObject,
      check_json: checkJson,
      add_event_handler: addEventHandler,
      remove_event_handler: removeEventHandler,
      is_app_online: isAppOnline,
      set_wrapped_error: setter("wrappedError"),
      set_serialization_info: setter("serializationInfo"),
      set_invalidation_handler: setter("onInvalidated"),
      set_capability: setCapability,
      startup_data: method([], () => startupData),
      main_module: method([], () => pyStr(boot().open.module ?? "__main__")),
      session_was_reset: method(["token"], () => pyNone),
      register_exception: method(["name", "cls"], (name: PyObject, cls: PyObject) => {
        registerException(textOf(name), cls);
        return pyNone;
      }),
      register_portable_class: method(["name", "cls"], (name: PyObject, cls: PyObject) => {
        registerPortableClass(textOf(name), cls as PyType);
        return pyNone;
      }),
    };
    for (const [name, definition] of Object.entries(functions)) {
      define(name, pyFunction(name, definition));
    }
  });
}
