/** Standard modules that Skulpt has no file for: `builtins`, `base64`. */

import { registerModule } from "../engine/files";
import {
  isStr,
  bytesOf,
  method,
  pyBytes,
  pyError,
  pyFunction,
  typeName,
  unmangle,
  type PyObject,
} from "../engine/skulpt";

function bytesFrom(value: PyObject): Uint8Array {
  if (isStr(value)) return Uint8Array.from(value.v, (unit) => unit.charCodeAt(0));
  if (value instanceof Sk.builtin.bytes) return bytesOf(value);
  throw pyError("TypeError", `a bytes-like object is required, not '${typeName(value)}'`);
}

const toBinary = (data: Uint8Array): string => {
  let text = "";
  for (let i = 0; i < data.length; i += 0x8000) {
    text += String.fromCharCode(...data.subarray(i, i + 0x8000));
  }
  return text;
};
const fromBinary = (text: string): PyObject =>
  pyBytes(Uint8Array.from(text, (unit) => unit.charCodeAt(0)));

function decode(text: string): PyObject {
  try {
    return fromBinary(atob(text));
  } catch {
    throw pyError("ValueError", "Incorrect base64");
  }
}

const encode64 = method(["s"], (s: PyObject) => fromBinary(btoa(toBinary(bytesFrom(s)))));
const decode64 = method(["s"], (s: PyObject) => decode(toBinary(bytesFrom(s))));
const encodeUrlSafe = method(["s"], (s: PyObject) =>
  fromBinary(
    btoa(toBinary(bytesFrom(s)))
      .replaceAll("+", "-")
      .replaceAll("/", "_"),
  ),
);
const decodeUrlSafe = method(["s"], (s: PyObject) =>
  decode(toBinary(bytesFrom(s)).replaceAll("-", "+").replaceAll("_", "/")),
);

export function registerStandardModules(): void {
  registerModule("builtins", (define) => {
    for (const [name, value] of Object.entries(Sk.builtins)) define(unmangle(name), value);
  });
  registerModule("base64", (define) => {
    for (const [name, definition] of Object.entries({
      b64encode: encode64,
      b64decode: decode64,
      standard_b64encode: encode64,
      standard_b64decode: decode64,
      urlsafe_b64encode: encodeUrlSafe,
      urlsafe_b64decode: decodeUrlSafe,
    })) {
      define(name, pyFunction(name, definition, "base64"));
    }
  });
}
