/** `anvil.pluggable_ui`: components that a theme may give in place of the built-in ones. */

import {
  call,
  chain,
  chainEach,
  importModule,
  findAttr,
  isCallable,
  isDict,
  isStr,
  iterOf,
  nativeClass,
  pyDict,
  pyError,
  pyList,
  pyNone,
  pyStr,
  repr,
  settled,
  textOf,
  type PyObject,
  type Result,
} from "../../engine/skulpt";
import { CATALOG } from "../catalog";

interface Listener {
  name: string;
  callback: PyObject;
}

const COMPONENTS = ["TextBox", "TextArea", "Button", "CheckBox", "RadioButton"];

/** Names of the defaults that are Python classes of the runtime's own, made when asked for. */
const COMPOSITES: Record<string, string> = {
  "anvil.TextBoxWithLabel": "TextBoxWithLabel",
  "anvil.alerts.FooterButton": "FooterButton",
};

const provided = new Map<string, PyObject>();
const defaults = new Map<string, PyObject>();
const listeners: Listener[] = [];

function composite(name: string): Result {
  return chain(importModule("anvil._composites"), (module: PyObject) => findAttr(module, name)!);
}

function find(key: string): Result | undefined {
  const given = provided.get(key) ?? defaults.get(key);
  if (given !== undefined) return given;
  const builtIn = key.startsWith("anvil.") ? key.slice("anvil.".length) : "";
  if (COMPONENTS.includes(builtIn)) return CATALOG[builtIn];
  return key in COMPOSITES ? composite(COMPOSITES[key]!) : undefined;
}

const keys = (): string[] => [
  ...new Set([
    ...COMPONENTS.map((name) => `anvil.${name}`),
    ...Object.keys(COMPOSITES),
    ...defaults.keys(),
    ...provided.keys(),
  ]),
];

function updatesOf(packageName: PyObject, updates: PyObject): [string, PyObject][] {
  if (!isStr(packageName) || !isDict(updates)) {
    throw pyError("TypeError", "usage: pluggable_ui.provide(package_name, {name: component})");
  }
  return updates.$items().map(([key, value]) => [textOf(key), value]);
}

const matches = ({ name }: Listener, key: string): boolean =>
  name.endsWith("*") ? key.startsWith(name.slice(0, -1)) : name === key;

/** Tell each listener of the updates that it listens for. May wait. */
function tellListeners(packageName: PyObject, updates: [string, PyObject][]): Result {
  const each = chainEach([...listeners], (listener) => {
    const own = updates.filter(([key]) => matches(listener, key));
    if (own.length === 0) return undefined;
    return call(listener.callback, [pyDict(own)], ["provider", packageName]);
  });
  return chain(each, () => pyNone);
}

const PluggableUIClass = nativeClass("anvil.PluggableUI", {
  constructor: function PluggableUI() {},
  slots: {
    $r() {
      return pyStr(`PluggableUI(${keys().join(", ")})`);
    },
    mp$subscript(key: PyObject, canSuspend?: boolean) {
      const found = isStr(key) ? find(key.v) : undefined;
      if (found === undefined) throw pyError("KeyError", repr(key));
      return canSuspend ? found : settled(found);
    },
    mp$ass_subscript() {
      throw pyError("TypeError", "use provide() to change anvil.pluggable_ui");
    },
    sq$contains(key: PyObject) {
      return isStr(key) && keys().includes(key.v);
    },
    sq$length() {
      return keys().length;
    },
    tp$iter() {
      return iterOf(pyList(keys().map(pyStr)));
    },
  },
  methods: {
    provide: {
      $meth(packageName: PyObject, updates: PyObject) {
        const given = updatesOf(packageName, updates);
        for (const [key, value] of given) provided.set(key, value);
        return tellListeners(packageName, given);
      },
      $flags: { MinArgs: 2, MaxArgs: 2 },
    },
    provide_defaults: {
      $meth(packageName: PyObject, updates: PyObject) {
        for (const [key, value] of updatesOf(packageName, updates)) {
          if (!defaults.has(key)) defaults.set(key, value);
        }
        return pyNone;
      },
      $flags: { MinArgs: 2, MaxArgs: 2 },
    },
    get: {
      $meth(key: PyObject, otherwise: PyObject = pyNone) {
        return (isStr(key) ? find(key.v) : undefined) ?? otherwise;
      },
      $flags: { MinArgs: 1, MaxArgs: 2 },
    },
    keys: {
      $meth() {
        return iterOf(pyList(keys().map(pyStr)));
      },
      $flags: { NoArgs: true },
    },
    add_listener: {
      $meth(name: PyObject, callback: PyObject) {
        if (!isStr(name) || !isCallable(callback)) {
          throw pyError("TypeError", "usage: pluggable_ui.add_listener(name, function)");
        }
        listeners.push({ name: name.v, callback });
        return callback;
      },
      $flags: { MinArgs: 2, MaxArgs: 2 },
    },
    remove_listener: {
      $meth(callback: PyObject) {
        const at = listeners.findIndex((listener) => listener.callback === callback);
        if (at >= 0) listeners.splice(at, 1);
        return pyNone;
      },
      $flags: { OneArg: true },
    },
  },
});

export const makePluggableUI = (): PyObject =>
  new (PluggableUIClass as unknown as { new (): PyObject })();
