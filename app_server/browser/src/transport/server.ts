/** The page's one connection to its server. */

import { boot, socketUrl } from "../boot/boot_data";
import { showConnectionState } from "../dialogs/connection_bar";
import { reportError } from "../errors/report";
import { ServerCalls } from "./calls";

let calls: ServerCalls | undefined;

export function server(): ServerCalls {
  calls ??= new ServerCalls(
    socketUrl(boot()),
    (state, retryAt) => showConnectionState(state, retryAt, () => calls?.retryNow()),
    reportError,
  );
  return calls;
}
