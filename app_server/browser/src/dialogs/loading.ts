/**
 * The loading indicator: a thin bar at the top of the page while a call takes longer than a moment.
 * `anvil.server.loading_indicator` and `no_loading_indicator` are its Python side.
 */

import {
  nativeClass,
  call,
  callSync,
  chain,
  genericNew,
  isNone,
  method,
  pyNone,
  readArgs,
  toJs,
  variadic,
  type Kwargs,
  type PyObject,
} from "../engine/skulpt";
import { elementOf } from "../engine/component_host";

/** Shorter waits show nothing: a flash is more disturbing than the wait. */
const SHOW_AFTER_MS = 300;

let active = 0;
let suppressed = 0;
let isShown = false;
let timer: ReturnType<typeof setTimeout> | undefined;

export const isSuppressed = (): boolean => suppressed > 0;

function bar(): HTMLElement {
  let element = document.getElementById("anvil-loading");
  if (element === null) {
    element = document.createElement("div");
    element.id = "anvil-loading";
    element.setAttribute("role", "progressbar");
    element.setAttribute("aria-label", "Loading");
    element.hidden = true;
    document.body.append(element);
  }
  return element;
}

export function startLoading(): void {
  active += 1;
  if (active === 1) {
    timer = setTimeout(() => {
      isShown = true;
      bar().hidden = false;
      document.body.setAttribute("aria-busy", "true");
    }, SHOW_AFTER_MS);
  }
}

export function stopLoading(): void {
  active = Math.max(0, active - 1);
  if (active > 0) return;
  clearTimeout(timer);
  // Even an attribute that is set to what it was has the browser look at the page's styles again.
  if (!isShown) return;
  isShown = false;
  bar().hidden = true;
  document.body.removeAttribute("aria-busy");
}

export async function withLoading<T>(work: Promise<T>): Promise<T> {
  startLoading();
  try {
    return await work;
  } finally {
    stopLoading();
  }
}

/** Cover one element with a spinner; gives what takes it away. */
function coverElement(element: Element, minHeight: number | null): () => void {
  const cover = document.createElement("div");
  cover.className = "anvil-loading-cover";
  cover.setAttribute("role", "progressbar");
  cover.setAttribute("aria-label", "Loading");
  if (minHeight !== null) cover.style.minHeight = `${minHeight}px`;
  const place = (): void => {
    const box = element.getBoundingClientRect();
    Object.assign(cover.style, {
      left: `${box.left + scrollX}px`,
      top: `${box.top + scrollY}px`,
      width: `${box.width}px`,
      height: `${Math.max(box.height, minHeight ?? 0)}px`,
    });
  };
  place();
  document.body.append(cover);
  const observer = new ResizeObserver(place);
  observer.observe(element);
  element.setAttribute("aria-busy", "true");
  return () => {
    observer.disconnect();
    cover.remove();
    element.removeAttribute("aria-busy");
  };
}

const LoadingIndicator = nativeClass("anvil.server.loading_indicator", {
  constructor: function () {
    this.component = pyNone;
    this.minHeight = null;
    this.stops = [];
  },
  slots: {
    tp$new: genericNew,
    tp$doc: "Shows that something is loading: over a component, or at the top of the page.",
    tp$call(args: PyObject[], kwargs?: Kwargs) {
      const params = ["component", "min_height"];
      const defaults = { component: pyNone, min_height: pyNone };
      const [component, height] = readArgs("loading_indicator", params, defaults, args, kwargs);
      const made = callSync(LoadingIndicator);
      made.component = component;
      made.minHeight = isNone(height) ? null : toJs(height);
      return made;
    },
  },
  methods: {
    start: method<PyObject>([], function () {
      if (this.component === pyNone) {
        startLoading();
        this.stops.push(stopLoading);
        return pyNone;
      }
      return chain(elementOf(this.component as PyObject), (element: Element) => {
        this.stops.push(coverElement(element, this.minHeight as number | null));
        return pyNone;
      });
    }),
    stop: method<PyObject>([], function () {
      this.stops.pop()?.();
      return pyNone;
    }),
    __enter__: method<PyObject>([], function () {
      return chain(call(this.tp$getattr(START)!), () => this);
    }),
    __exit__: variadic<PyObject>(function () {
      this.stops.pop()?.();
      return pyNone;
    }),
  },
});

const START = new Sk.builtin.str("start");

const NoLoadingIndicator = nativeClass("anvil.server.no_loading_indicator", {
  constructor: function () {},
  slots: {
    tp$new: genericNew,
    tp$doc: "`with anvil.server.no_loading_indicator:` calls show no loading indicator.",
  },
  methods: {
    __enter__: method<PyObject>([], function () {
      suppressed += 1;
      return this;
    }),
    __exit__: variadic<PyObject>(function () {
      suppressed -= 1;
      return pyNone;
    }),
  },
});

export const loadingIndicator = (): PyObject => callSync(LoadingIndicator);
export const noLoadingIndicator = (): PyObject => callSync(NoLoadingIndicator);
