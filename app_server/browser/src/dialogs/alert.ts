/** Python's `alert` and `confirm`. */

import { lookUp } from "../engine/lookup";
import { componentHost, isComponent } from "../engine/component_host";
import {
  bindableFunction,
  call,
  callMethod,
  chain,
  isList,
  isNone,
  isStr,
  isTrue,
  isTuple,
  kwargsToObject,
  objectToKwargs,
  pyError,
  pyFalse,
  pyName,
  pyNone,
  pyTrue,
  suspend,
  textOf,
  toPy,
  tryFinally,
  type Kwargs,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { runReporting } from "../errors/report";
import { openDialog, type DialogButton } from "./dialog";

type AlertButton = DialogButton<PyObject>;

const ALERT_BUTTONS = toPy([["OK", true, "success"]]);
const CONFIRM_BUTTONS = toPy([
  ["Cancel", false, "danger"],
  ["OK", true, "success"],
]);
const KNOWN = ["content", "title", "buttons", "large", "dismissible", "role"];

interface AlertOptions {
  content: PyObject;
  title: string;
  buttons: AlertButton[];
  isLarge: boolean;
  isDismissible: boolean;
  roles: string[];
}

/** One of `buttons=`: a text, or `(text, value[, style])`. */
function readButton(button: PyObject): AlertButton {
  if (isStr(button)) return { text: button.v, value: button };
  if (isTuple(button) || isList(button)) {
    const [text, value, style] = button.v;
    if (text !== undefined) {
      return {
        text: textOf(text),
        value: value ?? pyNone,
        ...(isNone(style) ? {} : { style: textOf(style!) }),
      };
    }
  }
  throw pyError("TypeError", "each of buttons must be a text or a tuple (text, value[, style])");
}

function readRoles(role: PyObject | undefined): string[] {
  if (role === undefined || isNone(role)) return [];
  if (isList(role) || isTuple(role)) return role.v.map(textOf);
  return [textOf(role)];
}

/** Arguments of `alert` and its like by name; `content` may come by place. */
function readArguments(
  name: string,
  args: PyObject[],
  kwargs: Kwargs | undefined,
): Record<string, PyObject> {
  const given = kwargsToObject(kwargs);
  const unknown = Object.keys(given).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) {
    throw pyError("TypeError", `${name}() got an unexpected keyword argument '${unknown}'`);
  }
  if (args.length > 1) {
    throw pyError(
      "TypeError",
      `${name}() takes 1 positional argument but ${args.length} were given`,
    );
  }
  return { content: args[0] ?? pyNone, ...given };
}

function readOptions(given: Record<string, PyObject>): AlertOptions {
  const { content, title, buttons, large, dismissible, role } = given;
  const hasButtons = isList(buttons) || isTuple(buttons);
  return {
    content: content ?? pyNone,
    title: isNone(title) ? "" : textOf(title!),
    buttons: hasButtons ? withDefault(buttons.v.map(readButton)) : [],
    isLarge: large !== undefined && isTrue(large),
    isDismissible: dismissible === undefined || isTrue(dismissible),
    roles: readRoles(role),
  };
}

/** The last button takes the focus: it is where the answer that goes on stands. */
const withDefault = (buttons: AlertButton[]): AlertButton[] =>
  buttons.map((button, index) => ({ ...button, isDefault: index === buttons.length - 1 }));

function textContent(content: PyObject): HTMLElement {
  const element = document.createElement("div");
  element.className = "anvil-dialog-text";
  element.textContent = isNone(content) ? "" : textOf(content);
  return element;
}

function open(options: AlertOptions): Result {
  if (!isComponent(options.content)) {
    return suspend(
      openDialog<PyObject>({
        ...options,
        content: textContent(options.content),
        className: classNames(options),
      }).then((value) => value ?? pyNone),
    );
  }
  return openComponent(options, options.content);
}

const classNames = ({ roles }: AlertOptions): string =>
  roles.map((role) => `anvil-role-${role}`).join(" ");

function openComponent(options: AlertOptions, component: PyObject): Result {
  const host = componentHost();
  host.checkRoot(component);
  const content = document.createElement("div");
  const opened = (): Promise<PyObject> =>
    openDialog<PyObject>({
      ...options,
      content,
      className: classNames(options),
      onShow: () => void runReporting(() => host.mounted(component)),
      onOpen: (close) => {
        // A component that is shown again closes only the alert that shows it now.
        const handler = bindableFunction("close_alert", (_args, kwargs) => {
          close(kwargsToObject(kwargs).value ?? pyNone);
          return pyNone;
        });
        void runReporting(() =>
          callMethod(component, "set_event_handler", [pyName("x-close-alert"), handler]),
        );
      },
    }).then((value) => value ?? pyNone);
  return chain(host.element(component), (element: Element) => {
    content.append(element);
    return tryFinally<PyObject>(
      () => suspend(opened()),
      () => {
        element.remove();
        return host.unmounted(component);
      },
    );
  });
}

/** `pluggable_ui["anvil.modal"]` unless a theme provides another. */
export const modalFromPython = (args: PyObject[], kwargs?: Kwargs): Result =>
  open(readOptions(readArguments("modal", args, kwargs)));

function openPluggable(given: Record<string, PyObject>): Result {
  const ui = lookUp("anvil", "pluggable_ui");
  const own = lookUp("anvil", "modal");
  return chain(callMethod(ui, "get", [pyName("anvil.modal"), own]), (modal: PyObject) =>
    call(modal, [], objectToKwargs(given)),
  );
}

export const alertFromPython = (args: PyObject[], kwargs?: Kwargs): Result => {
  const defaults = { buttons: ALERT_BUTTONS, dismissible: pyTrue };
  return openPluggable({ ...defaults, ...given("alert", args, kwargs) });
};

export const confirmFromPython = (args: PyObject[], kwargs?: Kwargs): Result => {
  const defaults = { buttons: CONFIRM_BUTTONS, dismissible: pyFalse };
  return openPluggable({ ...defaults, ...given("confirm", args, kwargs) });
};

/** What was given, without what was given as None: that means the default. */
function given(name: string, args: PyObject[], kwargs?: Kwargs): Record<string, PyObject> {
  const all = Object.entries(readArguments(name, args, kwargs));
  return Object.fromEntries(all.filter(([key, value]) => key === "content" || !isNone(value)));
}
