/** `anvil.Notification`: a short message in the corner that goes away by itself. */

import {
  genericNew,
  isNone,
  method,
  nativeClass,
  pyError,
  pyInt,
  pyNone,
  pyStr,
  readArgs,
  textOf,
  toJs,
  variadic,
  type Kwargs,
  type PyObject,
  type PyType,
} from "../engine/skulpt";

const DEFAULT_SECONDS = 2;
const STYLES = ["info", "success", "warning", "danger"];

interface Notification extends PyObject {
  message: string;
  title: string;
  style: string;
  timeout: number;
  card: NotificationCard | null;
}

/** One message on the page. Time stands still while the pointer or the focus is on it. */
class NotificationCard {
  private readonly element = document.createElement("div");
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ message, title, style, timeout }: Notification) {
    this.element.className = "anvil-notification";
    this.element.dataset.style = style;
    const text = document.createElement("div");
    if (title !== "") {
      const heading = document.createElement("strong");
      heading.textContent = title;
      text.append(heading);
    }
    const body = document.createElement("span");
    body.textContent = message;
    text.append(body);
    const close = document.createElement("button");
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.textContent = "×";
    close.addEventListener("click", () => this.remove());
    this.element.append(text, close);
    stack(style === "danger" || style === "warning").append(this.element);
    if (timeout > 0) this.keepTime(timeout * 1000);
  }

  private keepTime(milliseconds: number): void {
    const start = (): void => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.remove(), milliseconds);
    };
    const stop = (): void => clearTimeout(this.timer);
    for (const event of ["pointerenter", "focusin"]) this.element.addEventListener(event, stop);
    for (const event of ["pointerleave", "focusout"]) this.element.addEventListener(event, start);
    start();
  }

  remove(): void {
    clearTimeout(this.timer);
    this.element.remove();
  }
}

/** Where messages stand; a screen reader is interrupted only by what is urgent. */
function stack(isUrgent: boolean): HTMLElement {
  let holder = document.getElementById("anvil-notifications");
  if (holder === null) {
    holder = document.createElement("div");
    holder.id = "anvil-notifications";
    holder.className = "anvil-notifications";
    holder.popover = "manual";
    for (const role of ["status", "alert"]) {
      const region = document.createElement("div");
      region.setAttribute("role", role);
      holder.append(region);
    }
    document.body.append(holder);
  }
  raise(holder);
  return holder.children[isUrgent ? 1 : 0] as HTMLElement;
}

/** Above open dialogs, which are in the browser's top layer: the last one shown is uppermost. */
function raise(element: HTMLElement): void {
  if (typeof element.showPopover !== "function") return;
  if (element.matches(":popover-open")) element.hidePopover();
  element.showPopover();
}

function readTimeout(value: PyObject): number {
  if (isNone(value)) return 0;
  const seconds = toJs(value);
  if (typeof seconds !== "number") {
    throw pyError("TypeError", "timeout must be a number of seconds, or None to stay");
  }
  return seconds;
}

function show(self: Notification): void {
  self.card?.remove();
  self.card = new NotificationCard(self);
}

function hide(self: Notification): void {
  self.card?.remove();
  self.card = null;
}

export function makeNotificationClass(): PyType {
  return nativeClass<Notification>("anvil.Notification", {
    constructor: function () {
      Object.assign(this, { message: "", title: "", style: "info", timeout: 2, card: null });
    },
    slots: {
      tp$new: genericNew,
      tp$doc: "A short message; `timeout` is in seconds.",
      tp$init(args: PyObject[], kwargs?: Kwargs) {
        const [message, title, style, timeout] = readArgs(
          "Notification",
          ["message", "title", "style", "timeout"],
          { message: pyStr(""), title: pyNone, style: pyNone, timeout: pyInt(DEFAULT_SECONDS) },
          args,
          kwargs,
        );
        this.message = textOf(message!);
        this.title = isNone(title) ? "" : textOf(title!);
        const wanted = isNone(style) ? "info" : textOf(style!);
        this.style = STYLES.includes(wanted) ? wanted : "info";
        this.timeout = readTimeout(timeout!);
      },
    },
    methods: {
      show: method<Notification>([], function () {
        show(this);
        return this;
      }),
      hide: method<Notification>([], function () {
        hide(this);
        return pyNone;
      }),
      __enter__: method<Notification>([], function () {
        // With a block around it, the end of the block is the time-out.
        this.timeout = 0;
        show(this);
        return this;
      }),
      __exit__: variadic<Notification>(function () {
        hide(this);
        return pyNone;
      }),
    },
  });
}
