/** A calm bar that says that the connection is lost, when it is tried again, and when it is back. */

import type { SocketState } from "../transport/socket";

/** A drop that heals within this time is not worth telling. */
const SHOW_AFTER_MS = 1000;
const BACK_FOR_MS = 2000;

let element: HTMLElement | undefined;
let showing: ReturnType<typeof setTimeout> | undefined;
let counting: ReturnType<typeof setInterval> | undefined;
let nextRetry: number | null = null;
let retry: () => void = () => undefined;

function make(): HTMLElement {
  const bar = document.createElement("div");
  bar.id = "anvil-connection";
  bar.setAttribute("role", "status");
  bar.setAttribute("aria-live", "polite");
  const text = document.createElement("span");
  // The countdown is for the eye; a screen reader is told once.
  const countdown = document.createElement("span");
  countdown.setAttribute("aria-hidden", "true");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Try now";
  button.addEventListener("click", () => retry());
  bar.append(text, countdown, button);
  bar.hidden = true;
  document.body.append(bar);
  return bar;
}

function write(state: "lost" | "back"): void {
  element ??= make();
  const [text, countdown, button] = element.children as unknown as [
    HTMLElement,
    HTMLElement,
    HTMLElement,
  ];
  element.dataset.state = state;
  button.hidden = state === "back";
  const message =
    state === "back" ? "Connected again." : "The connection to the server is lost. Retrying";
  if (text.textContent !== message) text.textContent = message;
  const seconds = nextRetry === null ? 0 : Math.ceil((nextRetry - Date.now()) / 1000);
  countdown.textContent = state === "back" ? "" : seconds > 0 ? ` in ${seconds} s …` : " now …";
}

/** The socket's state changed; `retryAt` is when a lost connection is tried again. */
export function showConnectionState(
  state: SocketState,
  retryAt: number | null,
  retryNow: () => void,
): void {
  retry = retryNow;
  nextRetry = retryAt;
  if (state === "lost") {
    showing ??= setTimeout(() => {
      write("lost");
      element!.hidden = false;
      counting ??= setInterval(() => write("lost"), 1000);
    }, SHOW_AFTER_MS);
  } else if (state === "open") {
    clearTimeout(showing);
    clearInterval(counting);
    showing = counting = undefined;
    if (element !== undefined && !element.hidden) {
      write("back");
      setTimeout(() => {
        if (element!.dataset.state === "back") element!.hidden = true;
      }, BACK_FOR_MS);
    }
  }
}

/** Whether the person has been told that the connection is lost. */
export const isConnectionBarShown = (): boolean =>
  element !== undefined && !element.hidden && element.dataset.state === "lost";
