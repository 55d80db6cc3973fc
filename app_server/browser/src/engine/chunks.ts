/** Parts of the runtime that are fetched when something first needs them: `src/chunks/*.ts`. */

/** File names by chunk, written in by the build. */
declare const CHUNKS: Record<string, string>;

// Chunks lie beside the runtime's own script.
const here = (document.currentScript as HTMLScriptElement | null)?.src ?? document.baseURI;

const loaded = new Map<string, Promise<unknown>>();

/** The exports of a chunk. A failed attempt is told as an Error, and may be made again. */
export function loadChunk<T>(name: string): Promise<T> {
  let chunk = loaded.get(name);
  if (chunk === undefined) {
    const address = new URL(CHUNKS[name] ?? `unknown-chunk-${name}`, here).href;
    chunk = import(address).catch((error: unknown) => {
      loaded.delete(name);
      throw new Error(`A part of the app (${name}) could not be loaded: ${String(error)}`);
    });
    loaded.set(name, chunk);
  }
  return chunk as Promise<T>;
}
