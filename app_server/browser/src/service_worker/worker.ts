/**
 * The service worker: a second visit takes the files that never change from this device, and a page
 * that cannot be had says so.
 *
 * Pages, calls, media and whatever else the server answers are never kept: they may be private. The
 * files are kept by content hash, so a new release needs no new worker; a page tells which files are
 * in use, and those of former releases go. The server puts `anvilOffline` before this script, and
 * answers with a script that removes the worker where an app does without (`service_worker: false`
 * among its runtime options; app_server/http/service_worker.py).
 */

import { IMMUTABLE, type KeepMessage } from "./protocol";

/** HTML that stands in for a page that cannot be had. */
declare const anvilOffline: string;

interface WorkerEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

/** Chrome's static routing: such requests do not wait for this script to start. */
interface InstallEvent extends WorkerEvent {
  addRoutes?(rules: { condition: unknown; source: unknown }[]): Promise<void>;
}

interface FetchEvent extends WorkerEvent {
  request: Request;
  preloadResponse: Promise<Response | undefined>;
  respondWith(response: Promise<Response>): void;
}

interface KeepEvent extends WorkerEvent {
  data: KeepMessage;
}

interface WorkerScope {
  addEventListener(type: "install", listener: (event: InstallEvent) => void): void;
  addEventListener(type: "activate", listener: (event: WorkerEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: KeepEvent) => void): void;
  skipWaiting(): Promise<void>;
  registration: { navigationPreload?: { enable(): Promise<void> } };
  location: Location;
}

const worker = self as unknown as WorkerScope;
const CACHE = "anvil-files-1";

async function route(event: InstallEvent): Promise<void> {
  const folders = ["/_/runtime/*", "/_/code/*", "/_/app/*", "/_/theme/@*"];
  try {
    await event.addRoutes?.(
      folders.map((pathname) => ({
        condition: { urlPattern: { pathname } },
        source: { cacheName: CACHE },
      })),
    );
  } catch {
    // A browser with an older form of it: the requests come to this script.
  }
}

async function cleanUp(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("anvil-files-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.registration.navigationPreload?.enable();
}

async function fromDevice(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  return (await cache.match(request.url)) ?? fetch(request);
}

async function fromServer(event: FetchEvent): Promise<Response> {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return new Response(anvilOffline, {
      status: 503,
      headers: { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" },
    });
  }
}

const themeOf = (url: string): string | undefined => /\/_\/theme\/@\w+\//.exec(url)?.[0];

async function keep({ used, known }: KeepMessage): Promise<void> {
  const cache = await caches.open(CACHE);
  const wanted = new Set([...used, ...known]);
  // Of a theme all assets of the version in use: which ones a page loads depends on what is shown.
  const themes = new Set(used.map(themeOf).filter(Boolean));
  const there = new Set<string>();
  for (const { url } of await cache.keys()) {
    if (wanted.has(url) || themes.has(themeOf(url))) there.add(url);
    else await cache.delete(url);
  }
  for (const url of used) {
    if (there.has(url) || !IMMUTABLE.test(new URL(url).pathname)) continue;
    // The page has just loaded it: it comes from the browser's own cache.
    const response = await fetch(url, { cache: "force-cache" });
    if (response.ok) await cache.put(url, response);
  }
}

worker.addEventListener("install", (event) => {
  event.waitUntil(Promise.all([route(event), worker.skipWaiting()]));
});
worker.addEventListener("activate", (event) => event.waitUntil(cleanUp()));
worker.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== worker.location.origin) return;
  if (IMMUTABLE.test(pathname)) event.respondWith(fromDevice(event.request));
  else if (mode === "navigate" && !pathname.startsWith("/_/")) event.respondWith(fromServer(event));
});
worker.addEventListener("message", (event) => {
  // A full device or a lost connection: the next visit tries again.
  if (event.data.type === "keep") event.waitUntil(keep(event.data).catch(() => undefined));
});
