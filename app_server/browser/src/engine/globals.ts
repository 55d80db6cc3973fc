/**
 * `$`, `jQuery` and `moment`, which Anvil's page gives every app. Most never ask for them: the
 * first script that does loads them there and then, waiting, since it may use them on its next line.
 */

/** File names by library, written in by the build. */
declare const LIBRARIES: Record<string, string>;

const here = (document.currentScript as HTMLScriptElement | null)?.src ?? document.baseURI;

function loadNow(file: string): void {
  const request = new XMLHttpRequest();
  request.open("GET", new URL(file, here).href, false);
  request.send();
  if (request.status !== 200) throw new Error(`${file} answered ${request.status}`);
  (0, eval)(request.responseText);
}

/** Make `names` of the window load `file` when first read; a value set before that stays. */
function defineLazily(names: string[], file: string): void {
  const isGiven = names.some((name) => name in window);
  if (isGiven) return;
  const settle = (name: string, value: unknown): void => {
    Object.defineProperty(window, name, { value, writable: true, configurable: true });
  };
  for (const name of names) {
    Object.defineProperty(window, name, {
      configurable: true,
      get() {
        for (const one of names) settle(one, undefined);
        loadNow(file);
        return (window as unknown as Record<string, unknown>)[name];
      },
      set: (value: unknown) => settle(name, value),
    });
  }
}

export function defineGlobals(): void {
  defineLazily(["$", "jQuery"], LIBRARIES.jquery!);
  defineLazily(["moment"], LIBRARIES.moment!);
}
