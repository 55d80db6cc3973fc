/** What a person sees of an error: what happened, what can be done, and details on request. */

import { openDialog } from "../dialogs/dialog";
import { formatTraceback, type ErrorDescription } from "./describe";

const openPanels = new Set<string>();

function paragraph(text: string): HTMLElement {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

function details(error: ErrorDescription): HTMLElement {
  const element = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "Details";
  const text = document.createElement("pre");
  text.textContent = formatTraceback(error);
  text.tabIndex = 0;
  element.append(summary, text);
  return element;
}

/** Show an error. The same error twice over shows once. */
export function showErrorPanel(error: ErrorDescription, isFatal: boolean): void {
  const key = `${error.type}: ${error.message}`;
  if (openPanels.has(key)) return;
  openPanels.add(key);
  const content = document.createElement("div");
  content.className = "anvil-error";
  content.append(
    paragraph(
      isFatal
        ? "This page could not be started."
        : "What you just did was not finished. What you typed is still there.",
    ),
    paragraph(
      error.isForPeople
        ? error.message
        : "An error in the app stopped it. It has been noted in the server's log.",
    ),
    details(error),
  );
  const reload = { text: "Reload", value: "reload" };
  const goOn = { text: "Close", value: "close", isDefault: true };
  void openDialog<string>({
    title: "Something went wrong",
    content,
    buttons: isFatal ? [{ ...reload, isDefault: true }] : [reload, goOn],
    isDismissible: !isFatal,
    role: "alertdialog",
    className: "anvil-error-dialog",
  }).then((choice) => {
    openPanels.delete(key);
    if (choice === "reload") location.reload();
  });
}

let isExpiredShown = false;

/** The server no longer knows this session: nothing is thrown away until the person reloads. */
export function showSessionExpired(): void {
  if (isExpiredShown) return;
  isExpiredShown = true;
  const content = document.createElement("div");
  content.append(
    paragraph("You were away for a while, so the server closed your session."),
    paragraph("Reload to go on. If you have typed something, stay here and copy it first."),
  );
  void openDialog<string>({
    title: "Your session has expired",
    content,
    buttons: [
      { text: "Stay here", value: "stay" },
      { text: "Reload", value: "reload", isDefault: true },
    ],
    isDismissible: true,
    role: "alertdialog",
  }).then((choice) => {
    isExpiredShown = false;
    if (choice === "reload") location.reload();
  });
}

let isOfflineShown = false;

/** A call could not be made for want of a connection. */
export function showOfflineNotice(): void {
  if (isOfflineShown) return;
  isOfflineShown = true;
  void openDialog<string>({
    title: "No connection to the server",
    content: paragraph(
      "What you just did has not reached the server. Check your connection and try again.",
    ),
    buttons: [{ text: "OK", value: "ok", isDefault: true }],
    isDismissible: true,
    role: "alertdialog",
  }).then(() => (isOfflineShown = false));
}
