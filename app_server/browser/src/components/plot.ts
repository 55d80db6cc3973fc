/**
 * `anvil.Plot`: a chart by Plotly. Its basic bundle (bars, lines, points, pies) is loaded when the
 * first chart is on a page, all of it when a chart has another kind of trace.
 */

import { loadChunk } from "../engine/chunks";
import {
  call,
  chain,
  findAttr,
  importModule,
  isDict,
  isList,
  isNone,
  isTuple,
  itemsOf,
  method,
  objectToKwargs,
  kwargsToObject,
  pyError,
  pyList,
  pyNone,
  suspend,
  typeName,
  variadic,
  type Kwargs,
  type PyObject,
  type PyType,
  type Result,
} from "../engine/skulpt";
import { makeBlobMedia } from "../python/blob";
import {
  defineComponent,
  isOn,
  property,
  textProperty,
  valueOf,
  type Classic,
} from "./classic/classic";
import { layoutGroup, marginGroup, visibleProperty } from "./classic/groups";
import { cssLength } from "./classic/theme";
import { listenToChart, PLOT_EVENTS, type ChartElement } from "./plot_events";
import { withTitles } from "./plot_names";
import { plain, templateFor, templatesForPython } from "./plot_values";

type Chunk = typeof import("../chunks/plotly");
type Loaded = Chunk["Plotly"];

const GRAPH_OBJECTS = "plotly.graph_objs";
const BASIC_TRACES = ["scatter", "bar", "pie"];

/** The Plotly that draws a chart; once all of it is there, new charts use that. */
let isAllLoaded = false;

async function loadPlotly(self: Classic): Promise<Loaded> {
  const { Plotly } = await loadChunk<Chunk>(self.needsAll$ ? "plotly_full" : "plotly");
  return Plotly;
}

const chartOf = (self: Classic): ChartElement => self.parts$.chart as ChartElement;

type Values = Record<string, unknown>;

function showMessage(self: Classic, message: string): void {
  const element = self.parts$.message!;
  element.textContent = message;
  element.hidden = message === "";
}

/** Choose the Plotly that can draw the traces: what another one has drawn is taken away. */
async function choosePlotly(self: Classic, data: Values[]): Promise<Loaded> {
  const isBasic = data.every(({ type }) => BASIC_TRACES.includes(String(type ?? "scatter")));
  if (self.needsAll$ !== true && (!isBasic || (isAllLoaded && !self.isDrawn$))) {
    if (self.isDrawn$) (await loadPlotly(self)).purge(chartOf(self));
    self.isDrawn$ = false;
    self.needsAll$ = true;
  }
  const plotly = await loadPlotly(self);
  isAllLoaded ||= self.needsAll$ === true;
  return plotly;
}

function layoutOf(self: Classic): Values {
  const layout = withTitles(plain(valueOf(self, "layout"))) as Values | null;
  const { template } = layout ?? {};
  const isWritten =
    typeof template === "object" && template !== null && Object.keys(template).length > 0;
  return {
    ...layout,
    template: isWritten ? template : templateFor(self.root$, template),
    width: self.root$.clientWidth,
    height: self.root$.clientHeight,
  };
}

function configOf(self: Classic): unknown {
  const given = plain(valueOf(self, "config")) as Values | null;
  return given ?? { displaylogo: false, staticPlot: !isOn(self, "interactive") };
}

const titleOf = (layout: Values): string => {
  const { title } = layout as { title?: unknown };
  const text = typeof title === "string" ? title : (title as { text?: unknown } | undefined)?.text;
  return String(text ?? "");
};

async function draw(self: Classic): Promise<void> {
  const data = withTitles(plain(valueOf(self, "data")) ?? []) as Values[];
  const isEmpty = data.length === 0 && isNone(valueOf(self, "layout"));
  if (!self.isHere$ || (isEmpty && !self.isDrawn$)) return;
  const layout = layoutOf(self);
  self.root$.setAttribute("aria-label", self.root$.title || titleOf(layout) || "Chart");
  const plotly = await choosePlotly(self, data);
  if (!self.isHere$) return;
  showMessage(self, "");
  await plotly.react(chartOf(self), data, layout, configOf(self));
  const frames = plain(self.frames$ as PyObject);
  if (Array.isArray(frames) && frames.length > 0) await plotly.addFrames(chartOf(self), frames);
  if (!self.isDrawn$) listenToChart(self, chartOf(self));
  self.isDrawn$ = true;
}

/** Draw again soon; several changes in a row are drawn once. */
function update(self: Classic): void {
  if (self.isDue$ || !self.isHere$) return;
  self.isDue$ = true;
  queueMicrotask(() => {
    self.isDue$ = false;
    draw(self).catch((error: unknown) => {
      console.warn("Plot:", error);
      showMessage(self, `The chart could not be drawn: ${String(error)}`);
    });
  });
}

function resize(self: Classic): void {
  if (!self.isDrawn$ || self.root$.clientWidth === 0) return;
  const size = { width: self.root$.clientWidth, height: self.root$.clientHeight };
  void loadPlotly(self).then((plotly) => plotly.relayout(chartOf(self), size));
}

/** `plotly.graph_objs.<name>(value)`. May wait. */
const graphObject = (name: string, args: PyObject[], kwargs: Kwargs = []): Result =>
  chain(importModule(GRAPH_OBJECTS), (module: PyObject) =>
    call(findAttr(module, name)!, args, kwargs),
  );

function setData(self: Classic, value: PyObject): Result<void> {
  const store = (items: PyObject[]): void => {
    self.values$.set("data", pyList(items));
    update(self);
  };
  if (isNone(value)) return store([]);
  if (isDict(value)) return store([value]);
  if (isList(value) || isTuple(value)) {
    store([...value.v]);
    if (isList(value)) self.values$.set("data", value); // Python may change it and redraw
    return undefined;
  }
  return chain(itemsOf(value), store);
}

function setLayout(self: Classic, value: PyObject): Result<void> {
  return chain(graphObject("Layout", isNone(value) ? [] : [value]), (layout: PyObject) => {
    self.values$.set("layout", layout);
    update(self);
  });
}

function setFigure(self: Classic, value: PyObject): Result<void> {
  return chain(graphObject("Figure", isNone(value) ? [] : [value]), (figure: PyObject) => {
    self.values$.set("data", findAttr(figure, "data")!);
    self.values$.set("layout", findAttr(figure, "layout")!);
    self.frames$ = findAttr(figure, "frames")!;
    update(self);
  });
}

/** The layout, made when it is first asked for: Python may then set its attributes. */
function readLayout(self: Classic): Result {
  const layout = valueOf(self, "layout");
  if (!isNone(layout)) return layout;
  return chain(graphObject("Layout", []), (made: PyObject) => {
    self.values$.set("layout", made);
    return made;
  });
}

/** Options of a method: a dict, or keywords. */
function optionsOf(name: string, args: PyObject[], kwargs?: Kwargs): Values {
  const [first] = args;
  if (args.length > 1 || (first !== undefined && !isNone(first) && !isDict(first))) {
    throw pyError("TypeError", `Plot.${name}() takes a dict, or keywords, not ${typeName(first!)}`);
  }
  const keywords = Object.entries(kwargsToObject(kwargs)).map(([key, value]) => [
    key,
    plain(value),
  ]);
  return { ...(plain(first ?? pyNone) as Values | null), ...Object.fromEntries(keywords) };
}

/** Have Plotly do something with the chart once it is drawn; Python does not wait for it. */
function afterDrawing(self: Classic, act: (plotly: Loaded) => unknown): PyObject {
  const whenDrawn = draw(self)
    .then(() => loadPlotly(self))
    .then(act);
  whenDrawn.catch((error: unknown) => console.warn("Plot:", error));
  return pyNone;
}

function toMedia(address: string): PyObject {
  const [head, body = ""] = address.split(",", 2) as [string, string?];
  const type = /^data:([^;,]+)/.exec(head)?.[1] ?? "image/png";
  const isBase64 = head.endsWith(";base64");
  const text = isBase64 ? atob(body) : decodeURIComponent(body);
  const bytes = isBase64
    ? Uint8Array.from(text, (unit) => unit.charCodeAt(0))
    : new TextEncoder().encode(text);
  return makeBlobMedia(new Blob([bytes], { type }));
}

const traces = (act: (plotly: Loaded, element: HTMLElement) => (...args: never[]) => unknown) =>
  method<Classic>(
    ["data", "traces"],
    function (data, indices) {
      const given = [plain(data!), isNone(indices) ? undefined : plain(indices!)] as never[];
      return afterDrawing(this, (plotly) => act(plotly, chartOf(this))(...given));
    },
    { traces: pyNone },
  );

/** The list itself: Python may change it, and then redraw. */
function readData(self: Classic): PyObject {
  const data = valueOf(self, "data");
  if (!isNone(data)) return data;
  const made = pyList([]);
  self.values$.set("data", made);
  return made;
}

const readFigure = (self: Classic): Result =>
  chain(readLayout(self), (layout: PyObject) =>
    graphObject("Figure", [], objectToKwargs({ data: readData(self), layout })),
  );

export const Plot: PyType = defineComponent({
  name: "Plot",
  events: PLOT_EVENTS,
  properties: [
    textProperty("height", "450", (self, height) => {
      self.root$.style.height = cssLength(height);
      resize(self);
    }),
    property("interactive", "boolean", true, update),
    property("config", "object", null, update),
    property("data", "object", null, setData, {
      read: readData,
    }),
    property("layout", "object", null, setLayout, { read: readLayout as never }),
    property("figure", "object", null, setFigure, { read: readFigure as never }),
    visibleProperty(),
    ...marginGroup(),
    ...layoutGroup(),
    textProperty("tooltip", "", (self, tooltip) => {
      self.root$.title = tooltip;
      update(self);
    }),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-plot";
    root.setAttribute("role", "figure");
    const chart = document.createElement("div");
    const message = document.createElement("div");
    message.className = "anvil-media-message";
    message.setAttribute("role", "alert");
    message.hidden = true;
    root.append(chart, message);
    Object.assign(self.parts$, { chart, message });
    return root;
  },
  ready(self) {
    self.frames$ = pyNone;
    self.observer$ = new ResizeObserver(() => resize(self));
  },
  proto: {
    entersPage$() {
      this.isHere$ = true;
      (this.observer$ as ResizeObserver).observe(this.root$);
      update(this);
    },
    leavesPage$() {
      this.isHere$ = false;
      (this.observer$ as ResizeObserver).disconnect();
    },
  },
  methods: {
    redraw: method<Classic>([], function () {
      update(this);
      return pyNone;
    }),
    relayout: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      const options = optionsOf("relayout", args, kwargs);
      return afterDrawing(this, (plotly) => plotly.relayout(chartOf(this), options));
    }),
    restyle: traces(
      (plotly, element) => (update, indices) => plotly.restyle(element, update, indices),
    ),
    extend_traces: traces(
      (plotly, element) => (update, indices) => plotly.extendTraces(element, update, indices),
    ),
    prepend_traces: traces(
      (plotly, element) => (update, indices) => plotly.prependTraces(element, update, indices),
    ),
    to_image: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      const options = { format: "png", ...optionsOf("to_image", args, kwargs) };
      const image = draw(this)
        .then(() => loadPlotly(this))
        .then((plotly) => plotly.toImage(chartOf(this), options))
        .then(toMedia);
      return suspend(image);
    }),
  },
  members: { templates: templatesForPython() },
});
