/** Addresses of pictures and files that are given as text or as Media. */

import { lookUp } from "../../engine/lookup";
import {
  callMethod,
  chain,
  findAttr,
  isInstance,
  isNone,
  isStr,
  pyError,
  toJs,
  typeName,
  type PyObject,
  type Result,
} from "../../engine/skulpt";

export const isMedia = (value: PyObject): boolean => isInstance(value, lookUp("anvil", "Media"));

/** The address that a property's value means, "" for none. May wait. Raises TypeError. */
export function urlOf(value: PyObject, property: string): Result<string> {
  if (isNone(value)) return "";
  if (isStr(value)) return value.v;
  if (!isMedia(value)) {
    throw pyError(
      "TypeError",
      `${property} can only be set to a Media object or a URL, not ${typeName(value)}`,
    );
  }
  return chain(callMethod(value, "get_url"), (url: PyObject) => String(toJs(url) ?? ""));
}

/** The file name of a Media object, or null. */
export function nameOf(value: PyObject): string | null {
  const name = isMedia(value) ? toJs(findAttr(value, "name")) : null;
  return typeof name === "string" ? name : null;
}
