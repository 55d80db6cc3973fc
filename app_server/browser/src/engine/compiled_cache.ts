/**
 * Keeps what Skulpt compiled, across visits: compiling an app's Python takes longer than running
 * it. Entries are found by a hash of the source, and live in IndexedDB under one record per app
 * version; records of other versions are dropped. Without IndexedDB (private windows) each visit
 * compiles anew.
 */

const DATABASE = "python-cache";
const STORE = "compiled";

let entries = new Map<string, string>();
let version = "";
let isDirty = false;
let writing: ReturnType<typeof setTimeout> | undefined;

/** 53 bits of a good string hash (cyrb53, public domain); with the length it tells sources apart. */
function keyOf(source: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < source.length; i++) {
    const unit = source.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return `${(b >>> 0).toString(36)}${(a >>> 0).toString(36)}.${source.length}`;
}

export const cachedCode = (source: string): string | undefined => entries.get(keyOf(source));

export function rememberCode(source: string, code: string): void {
  entries.set(keyOf(source), code);
  isDirty = true;
  clearTimeout(writing);
  // Together, and after the page has settled.
  writing = setTimeout(() => void save(), 2000);
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB refused"));
    request.onblocked = () => reject(new Error("IndexedDB is blocked"));
  });
}

/**
 * Load what was compiled on an earlier visit. `engineHash` belongs to the key: another engine
 * compiles otherwise.
 */
export async function loadCompiled(engineHash: string, appName: string): Promise<void> {
  version = `${engineHash}/${appName}`;
  try {
    const database = await open();
    const found = await new Promise<Map<string, string> | undefined>((resolve, reject) => {
      const request = database.transaction(STORE).objectStore(STORE).get(version);
      request.onsuccess = () => resolve(request.result as Map<string, string> | undefined);
      request.onerror = () => reject(request.error ?? new Error("IndexedDB refused"));
    });
    database.close();
    entries = new Map([...(found ?? []), ...entries]);
  } catch {
    // A browser without storage compiles anew.
  }
}

async function save(): Promise<void> {
  if (!isDirty) return;
  isDirty = false;
  try {
    const database = await open();
    const transaction = database.transaction(STORE, "readwrite");
    const store = transaction.objectStore(STORE);
    store.clear();
    store.put(entries, version);
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB refused"));
    });
    database.close();
  } catch {
    // Full or forbidden storage: the next visit compiles anew.
  }
}
