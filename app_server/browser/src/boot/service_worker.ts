/** The page's side of the service worker (src/service_worker): nothing waits for it. */

import { IMMUTABLE, type KeepMessage } from "../service_worker/protocol";
import { app } from "./app";

const ADDRESS = "_/service-worker";
/** The page has other things to do first. */
const PAUSE_MS = 2000;

const absolute = (url: string): string => new URL(url, document.baseURI).href;

/** The files of this release: those that the page loaded, and those that it has not needed yet. */
function listFiles(): KeepMessage {
  const loaded = performance
    .getEntriesByType("resource")
    .map(({ name }) => name)
    .filter((name) => {
      const { origin, pathname } = new URL(name);
      return origin === location.origin && IMMUTABLE.test(pathname);
    });
  return {
    type: "keep",
    used: [...new Set(loaded)],
    known: app().code.map(({ url }) => absolute(url)),
  };
}

async function start(isWanted: boolean): Promise<void> {
  const { serviceWorker } = navigator;
  const scope = absolute("./");
  if (!isWanted) {
    const known = await serviceWorker.getRegistration(scope);
    if (known?.active?.scriptURL === absolute(ADDRESS)) await known.unregister();
    return;
  }
  await serviceWorker.register(absolute(ADDRESS), { scope, updateViaCache: "all" });
  const { active } = await serviceWorker.ready;
  active?.postMessage(listFiles());
}

/** Register it, or remove it where the app does without, when the page has nothing else to do. */
export function startServiceWorker(isWanted: boolean): void {
  // Browsers have none on plain http, in some private windows, and where a person forbids it.
  if (!("serviceWorker" in navigator)) return;
  setTimeout(() => void start(isWanted).catch(() => undefined), PAUSE_MS);
}
