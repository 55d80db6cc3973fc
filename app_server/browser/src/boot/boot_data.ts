/** What the server put into the page (app_server/http/page.py writes it). */

import type { Json, WireObject } from "../wire/types";

/** What the server hands to the page, in the wire's form; all members may be missing. */
export interface BootMessage {
  /** `anvil.server.startup_data`. */
  data?: Json;
  /** Arguments of the form that opens. */
  args?: Json;
  kwargs?: Json;
  /** Paths start at the names of the members above. */
  objects?: WireObject[];
  /** Media as base64, by id. */
  media?: Record<string, string>;
  vt_global?: Json;
}

export interface BootData {
  appName: string;
  /** `anvil.app`: id, branch, environment. */
  app: { id: string; branch: string | null; environment: { name: string; tags: string[] } };
  /** Scheme and host, without a slash at the end. */
  origin: string;
  /** Address of the app's code, relative to the page's base. */
  appUrl: string;
  socketUrl: string;
  /** Whether a service worker shall keep the files; one that is there else goes. */
  serviceWorker: boolean;
  engineHash: string;
  /** What opens: a form or a module by its full name; neither when the app has no start. */
  open: { form?: string; module?: string };
  message: BootMessage;
}

let data: BootData | undefined;

export function boot(): BootData {
  if (data === undefined) {
    const element = document.getElementById("anvil-boot");
    if (element === null) throw new Error("the page has no boot data");
    data = JSON.parse(element.textContent ?? "") as BootData;
  }
  return data;
}

export function socketUrl({ socketUrl: path }: BootData): string {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
