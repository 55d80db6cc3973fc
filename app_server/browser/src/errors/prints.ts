/** What Python prints: to the browser's console, and gathered to the server's, as on Anvil. */

import { server } from "../transport/server";

const GATHER_MS = 200;
/** More than this in one message would fill the server's log with one browser's words. */
const MOST_CHARACTERS = 4_000 * (GATHER_MS / 1_000);

let gathered = "";
let isWaiting = false;

function send(): void {
  isWaiting = false;
  const text = gathered;
  gathered = "";
  const cut = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…\n` : text;
  void server().notify({ type: "LOG", print: cut });
}

/** Where `print` goes. */
export function showPrint(text: string): void {
  console.log(text.replace(/\n$/, ""));
  if (gathered.length <= MOST_CHARACTERS) gathered += text;
  if (isWaiting) return;
  isWaiting = true;
  setTimeout(send, GATHER_MS);
}
