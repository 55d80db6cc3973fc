/** `open_form` and `get_open_form`: one form at a time is the page. */

import { componentHost, isComponent } from "../engine/component_host";
import {
  call,
  chain,
  findAttr,
  importModule,
  isStr,
  pyError,
  pyNone,
  run,
  suspend,
  typeName,
  type Kwargs,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { qualifyName } from "./app";

let openForm: PyObject | null = null;
let openCount = 0;
const importing = new Map<string, Promise<PyObject>>();

export const getOpenForm = (): PyObject => openForm ?? pyNone;

const page = (): HTMLElement => document.getElementById("appGoesHere")!;

/** Put an element onto the page as all that is there. */
function fillPage(element: Element): void {
  // Moved, an element would lose its scroll position and the focus.
  if (page().firstElementChild !== element) page().replaceChildren(element);
  scrollTo(0, 0);
  // A handler of `show` may wait for long: what there is to see is seen meanwhile.
  document.getElementById("anvil-splash")?.remove();
}

/** The class of a form by its name, as code of `packageName` (or of the app) may write it. */
export function findFormClass(name: string, packageName?: string): Result {
  const fullName = qualifyName(name, packageName);
  const leaf = fullName.slice(fullName.lastIndexOf(".") + 1);
  return chain(importOnce(fullName), (module: PyObject) => {
    const cls = findAttr(module, leaf);
    if (cls === undefined) {
      throw pyError(
        "AttributeError",
        `"${fullName}" module does not contain a class called "${leaf}"`,
      );
    }
    return cls;
  });
}

/** Two events may ask for a form whose module is still being imported: the second one waits. */
function importOnce(name: string): Result {
  const pending = importing.get(name);
  if (pending !== undefined) return suspend(pending);
  const outcome = importModule(name);
  if (!(outcome as { $isSuspension?: boolean }).$isSuspension) return outcome;
  const promise = run(() => outcome).finally(() => importing.delete(name));
  promise.catch(() => undefined);
  importing.set(name, promise);
  return suspend(promise);
}

/** Python's `open_form(form, *args, **kwargs)`. */
export function openFormByPython(args: PyObject[], kwargs?: Kwargs): Result {
  const [form, ...rest] = args;
  if (form === undefined) throw pyError("TypeError", "open_form() needs a form or a form's name");
  openCount += 1;
  if (!isStr(form)) return showForm(form);
  const turn = openCount;
  return chain(
    findFormClass(form.v),
    (cls: PyObject) => call(cls, rest, kwargs),
    // A later open_form (in this form's __init__, or of another event) wins.
    (made: PyObject) => (turn === openCount ? showForm(made) : made),
  );
}

/** Put a form onto the page in place of the one that is there. */
export function showForm(form: PyObject): Result {
  if (!isComponent(form)) {
    throw pyError("TypeError", `open_form() expects a form, not '${typeName(form)}'`);
  }
  if (form === openForm) return form;
  const host = componentHost();
  host.checkRoot(form);
  if (openForm !== null && host.canHandOver(openForm, form)) return showInLayout(openForm, form);
  const turn = openCount;
  return chain(host.element(form), (element: Element) => {
    if (turn !== openCount) return form;
    const previous = openForm;
    openForm = form;
    fillPage(element);
    return chain(
      previous === null ? undefined : host.unmounted(previous),
      () => host.mounted(form),
      () => form,
    );
  });
}

/** Both forms have the same layout: it stays on the page, and only what is in it changes. */
function showInLayout(previous: PyObject, form: PyObject): Result {
  const host = componentHost();
  openForm = form;
  return chain(
    chain(host.unmounted(previous), () => host.handOver(previous, form)),
    () => host.element(form),
    (element: Element) => {
      if (openForm !== form) return form; // another one was opened by a handler
      fillPage(element);
      return chain(host.mounted(form), () => form);
    },
  );
}
