/** Where uncaught errors go: to the app's own handler, else onto the page, and to the server's log. */

import { isConnectionBarShown } from "../dialogs/connection_bar";
import { showErrorPanel, showOfflineNotice, showSessionExpired } from "./panel";
import { call, isNone, run, type PyObject } from "../engine/skulpt";
import { server } from "../transport/server";
import { asPyException, describeError, formatTraceback, type ErrorDescription } from "./describe";

let defaultHandler: PyObject | undefined;

/** `anvil.set_default_error_handling`: `None` goes back to the page's own message. */
export function setDefaultErrorHandler(handler: PyObject): void {
  defaultHandler = isNone(handler) ? undefined : handler;
}

function log(error: ErrorDescription): void {
  void server().notify({
    type: "LOG",
    error: {
      type: error.type,
      message: error.message,
      // As all traces on the wire: the innermost first.
      trace: error.traceback.map(({ filename, lineno }) => [filename, lineno]).reverse(),
      jsTrace: error.stack,
      url: location.href,
    },
  });
}

/** Tell of an error that nobody caught. `isFatal` says that the page cannot go on. */
export function reportError(error: unknown, isFatal = false): void {
  const description = describeError(error);
  console.error(formatTraceback(description));
  if (description.type.endsWith("SessionExpiredError")) {
    showSessionExpired();
    return;
  }
  if (description.type.endsWith("AppOfflineError") && !isFatal) {
    // Nothing is broken: the bar says what is going on, or this notice if there is none yet.
    if (!isConnectionBarShown()) showOfflineNotice();
    return;
  }
  log(description);
  if (defaultHandler !== undefined && !isFatal) {
    const handler = defaultHandler;
    run(() => call(handler, [asPyException(error)])).catch((second: unknown) => {
      showErrorPanel(describeError(second), false);
    });
    return;
  }
  showErrorPanel(description, isFatal);
}

/** Run Python that nobody waits for (an event handler); its errors are reported. */
export function runReporting(work: () => unknown): Promise<void> {
  return run(work).then(
    () => undefined,
    (error: unknown) => reportError(error),
  );
}

/**
 * Also report what reaches the browser uncaught, as Anvil does: errors of Python that JavaScript
 * calls (listeners, timers), of promises, and of an app's own scripts.
 */
export function watchForUncaught(): void {
  addEventListener("error", (event) => {
    if (isNoise(event)) return;
    event.preventDefault();
    reportError(event.error ?? new Error(event.message));
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    reportError(event.reason);
  });
}

/** Scripts of other sites do not say what failed; and a browser tells of observers that it put off. */
const isNoise = ({ message, error, lineno }: ErrorEvent): boolean =>
  ((error === null || error === undefined) && lineno === 0) ||
  message.includes("ResizeObserver loop");
