/** Pictures of icons, by FontAwesome's and by Google's names. */

import { names, paths } from "virtual:symbols";

/** The path (in a box of 24 by 24) of `fa:name` or `mi:name`; undefined if there is none. */
export function symbolPath(family: string, name: string): string | undefined {
  if (family === "mi") return paths[name.replaceAll("-", "_")];
  return paths[names[name] ?? names[name.replace(/-o$/, "")] ?? name.replaceAll("-", "_")];
}
