/**
 * Modal dialogs on the browser's own `<dialog>`: it traps the focus, gives it back, makes the rest
 * inert and answers Escape. Everything that opens over the page goes through `openDialog`. The parts
 * carry the class names of Anvil's dialogs too, which themes style.
 */

import { cls } from "../components/classic/theme";

export interface DialogButton<T> {
  text: string;
  value: T;
  /** Takes the focus first, and looks so. */
  isDefault?: boolean;
  /** Anvil's button styles: "primary", "success", "info", "warning", "danger", "default". */
  style?: string;
}

export interface DialogOptions<T> {
  title?: string;
  content: HTMLElement;
  buttons: DialogButton<T>[];
  /** Escape and a click beside the dialog close it, with `null`. */
  isDismissible: boolean;
  isLarge?: boolean;
  role?: "dialog" | "alertdialog";
  className?: string;
  /** Called once the content is on the page, and once before it leaves. */
  onShow?: () => void;
  onHide?: () => void;
  /** Given what closes the dialog from outside. */
  onOpen?: (close: (value: T | null) => void) => void;
}

let count = 0;

function makeTitle(id: string, text: string): HTMLElement {
  const title = document.createElement("h2");
  title.id = id;
  title.className = `anvil-dialog-title ${cls("modal-title", "alert-title")}`;
  title.textContent = text;
  return title;
}

function makeButton<T>(button: DialogButton<T>, close: (value: T) => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = button.text;
  element.className = `anvil-dialog-button ${cls("btn", `btn-${button.style ?? "default"}`)}`;
  if (button.isDefault) element.dataset.default = "";
  if (button.style) element.dataset.style = button.style;
  element.addEventListener("click", () => close(button.value));
  return element;
}

function makeCloseButton(dismiss: () => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.className = `anvil-dialog-close ${cls("close")}`;
  element.setAttribute("aria-label", "Close");
  element.textContent = "×";
  element.addEventListener("click", dismiss);
  return element;
}

/** Open a dialog; gives the value of the button that closed it, or null if it was dismissed. */
export function openDialog<T>(options: DialogOptions<T>): Promise<T | null> {
  const id = `anvil-dialog-${++count}`;
  const dialog = document.createElement("dialog");
  dialog.className = ["anvil-dialog", cls("modal-content"), options.className ?? ""]
    .join(" ")
    .trim();
  dialog.setAttribute("role", options.role ?? "dialog");
  if (options.isLarge) dialog.dataset.large = "";
  const body = document.createElement("div");
  body.className = `anvil-dialog-body ${cls("modal-body")}`;
  body.id = `${id}-body`;
  body.append(options.content);
  if (options.title) {
    const header = document.createElement("div");
    header.className = `anvil-dialog-header ${cls("modal-header")}`;
    header.append(makeTitle(`${id}-title`, options.title));
    dialog.append(header);
    dialog.setAttribute("aria-labelledby", `${id}-title`);
  } else {
    dialog.setAttribute("aria-labelledby", body.id);
  }
  if (options.isDismissible && options.title) {
    dialog.dataset.closable = "";
    dialog.append(makeCloseButton(() => dialog.dispatchEvent(new Event("cancel"))));
  }
  if (options.role === "alertdialog") dialog.setAttribute("aria-describedby", body.id);
  dialog.append(body);

  return new Promise((resolve) => {
    const previous = document.activeElement;
    let isClosed = false;
    const close = (value: T | null): void => {
      if (isClosed) return;
      isClosed = true;
      options.onHide?.();
      if (dialog.open) dialog.close();
      dialog.remove();
      if (previous instanceof HTMLElement && previous.isConnected) previous.focus();
      resolve(value);
    };
    if (options.buttons.length > 0) {
      const actions = document.createElement("div");
      actions.className = `anvil-dialog-actions ${cls("modal-footer")}`;
      actions.append(...options.buttons.map((button) => makeButton(button, close)));
      dialog.append(actions);
    }
    dismissOn(dialog, options.isDismissible, () => close(null));
    document.body.append(dialog);
    options.onOpen?.(close);
    // In a task of its own: the key that opened the dialog must not press its first button.
    setTimeout(() => {
      if (isClosed) return;
      document.getElementById("anvil-splash")?.remove(); // what there is to see is seen
      dialog.showModal();
      focusFirst(dialog);
      options.onShow?.();
    });
  });
}

function focusFirst(dialog: HTMLDialogElement): void {
  const chosen =
    dialog.querySelector<HTMLElement>("[autofocus]") ??
    dialog.querySelector<HTMLElement>(FIELDS) ??
    dialog.querySelector<HTMLElement>(".anvil-dialog-actions [data-default]");
  chosen?.focus();
}

/** What a person would type into takes the focus before the buttons do. */
const FIELDS = ["input", "textarea", "select"]
  .map((name) => `.anvil-dialog-body ${name}:not([disabled]):not([type="hidden"])`)
  .join(",");

function dismissOn(dialog: HTMLDialogElement, isDismissible: boolean, dismiss: () => void): void {
  dialog.addEventListener("cancel", (event) => {
    if (event.target !== dialog) return;
    event.preventDefault();
    if (isDismissible) dismiss();
  });
  // Chromium closes at a second Escape whatever `cancel` says.
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !isDismissible) event.preventDefault();
    // A key held down since before the dialog opened.
    if (event.key === "Enter" && event.repeat) event.preventDefault();
  });
  let pressedOutside = false;
  dialog.addEventListener("pointerdown", (event) => {
    pressedOutside = event.target === dialog && !isInside(dialog, event);
  });
  dialog.addEventListener("click", (event) => {
    // A text selection that ends outside is no dismissal: press and release must both be there.
    if (isDismissible && pressedOutside && event.target === dialog && !isInside(dialog, event)) {
      dismiss();
    }
  });
}

function isInside(element: HTMLElement, event: MouseEvent): boolean {
  const box = element.getBoundingClientRect();
  return (
    event.clientX >= box.left &&
    event.clientX <= box.right &&
    event.clientY >= box.top &&
    event.clientY <= box.bottom
  );
}
