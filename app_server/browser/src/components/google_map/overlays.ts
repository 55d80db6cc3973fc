/** Things on a GoogleMap: markers, lines, shapes and pop-ups. */

import {
  chain,
  isNone,
  method,
  pyError,
  pyNone,
  textOf,
  type MethodDef,
  type PyObject,
  type PyType,
  type Result,
} from "../../engine/skulpt";
import {
  defineComponent,
  property,
  valueOf,
  type Classic,
  type Property,
} from "../classic/classic";
import { removeFromParent } from "../core/component";
import { setUpDom } from "../core/dom";
import { dispatch, fromDom } from "../core/events";
import { setRoot } from "../core/page";
import { isComponent, type Component } from "../core/types";
import type { GoogleMaps, GoogleObject } from "./api";
import { fromGoogle, googleName, toGoogle, type GooglePosition } from "./values";

export interface Overlay extends Classic {
  google$: GoogleObject | null;
}

/** A map, as the things on it see it. */
export interface MapHost extends Component {
  /** Do something once Google's map is there. */
  whenReady$(act: (maps: GoogleMaps, map: GoogleObject) => unknown): void;
}

const MOUSE = ["click", "dblclick", "mousedown", "mouseout", "mouseover", "mouseup", "rightclick"];
const DRAGGING = ["drag", "dragend", "dragstart"];

/** Names whose value the person can change on the map: it is read from there. */
const CHANGEABLE = ["position", "path", "bounds", "center", "radius"];

function optionsOf(self: Overlay): Record<string, unknown> {
  return Object.fromEntries(
    [...self.values$].map(([name, value]) => [googleName(name), toGoogle(value)]),
  );
}

/** A property that is an option of Google's object of the same name, in its spelling. */
const option = (name: string, type: string, initial: unknown): Property =>
  property(
    name,
    type,
    initial,
    (self, value) => {
      self.values$.set(name, value); // also where it is the initial value
      (self as Overlay).google$?.setOptions({ [googleName(name)]: toGoogle(value) });
    },
    CHANGEABLE.includes(name) ? { read: (self) => readLive(self as Overlay, name) } : {},
  );

function readLive(self: Overlay, name: string): PyObject {
  const getter = self.google$?.[`get${googleName(`_${name}`)}`];
  if (typeof getter !== "function") return valueOf(self, name);
  const live: unknown = getter.call(self.google$);
  return name === "bounds" ? valueOf(self, name) : fromGoogle(live);
}

const common = (): Property[] => [
  option("clickable", "boolean", true),
  option("draggable", "boolean", false),
  option("visible", "boolean", true),
  option("z_index", "number", null),
];

const stroke = (): Property[] => [
  option("editable", "boolean", false),
  option("stroke_color", "string", null),
  option("stroke_opacity", "number", null),
  option("stroke_weight", "number", null),
];

const area = (): Property[] => [
  option("fill_color", "string", null),
  option("fill_opacity", "number", null),
  option("stroke_position", "number", null),
];

function listen(self: Overlay, events: readonly string[]): void {
  for (const event of events) {
    self.google$!.addListener(event, (given) => {
      const position = given?.latLng as GooglePosition | undefined;
      dispatch(self, event, position ? { lat_lng: fromGoogle(position) } : {});
    });
  }
}

/** Put a thing on a map, as soon as there is one. */
export function attach(self: Overlay, host: MapHost): void {
  host.whenReady$((maps, map) => {
    if (self.state$.link?.parent !== host) return; // removed meanwhile
    const { type$: type } = self as unknown as { type$: string };
    self.google$ ??= new maps[type]!(optionsOf(self));
    if (!self.isHeard$) listen(self, self.events$ as readonly string[]);
    self.isHeard$ = true;
    self.google$.setMap!(map);
  });
}

export function detach(self: Overlay): void {
  self.google$?.setMap!(null);
}

const makeOverlay = (type: string, events: string[], properties: Property[]): PyType =>
  defineComponent({
    name: `GoogleMap.${type}`,
    events: [...MOUSE, ...DRAGGING, ...events],
    properties,
    build: () => document.createElement("div"), // never on the page: Google draws it
    proto: { isInvisible$: true, isOverlay$: true, google$: null, type$: type },
    methods: {
      remove: method<Classic>([], function () {
        return removeFromParent(this);
      }),
    },
  });

export const isOverlay = (value: unknown): value is Overlay =>
  Boolean((value as { isOverlay$?: boolean } | undefined)?.isOverlay$);

const Marker = makeOverlay(
  "Marker",
  ["position_changed"],
  [
    option("position", "object", null),
    option("animation", "object", null),
    option("icon", "object", null),
    option("label", "object", null),
    option("title", "string", null),
    ...common(),
  ],
);

const path = (): Property[] => [
  option("path", "object", null),
  option("geodesic", "boolean", false),
  ...common(),
  ...stroke(),
];

const Polyline = makeOverlay("Polyline", [], [option("icons", "object", null), ...path()]);
const Polygon = makeOverlay("Polygon", [], [...path(), ...area()]);
const Rectangle = makeOverlay(
  "Rectangle",
  ["bounds_changed"],
  [option("bounds", "object", null), ...common(), ...stroke(), ...area()],
);
const Circle = makeOverlay(
  "Circle",
  ["center_changed", "radius_changed"],
  [
    option("center", "object", null),
    option("radius", "number", null),
    ...common(),
    ...stroke(),
    ...area(),
  ],
);

/** The content of a pop-up: text, or a component's element. May wait. */
function contentOf(self: Overlay): Result<string | Element> {
  const content = valueOf(self, "content");
  if (!isComponent(content)) return isNone(content) ? "" : textOf(content);
  return chain(setUpDom(content), (element: Element) => element);
}

const setShown = (self: Overlay, isShown: boolean): Result => {
  const content = valueOf(self, "content");
  return isComponent(content) ? setRoot(content, isShown) : pyNone;
};

function openWindow(self: Overlay, host: PyObject, anchor: PyObject): PyObject {
  if (typeof (host as MapHost).whenReady$ !== "function") {
    throw pyError("TypeError", "GoogleMap.InfoWindow.open() takes a GoogleMap first");
  }
  (host as MapHost).whenReady$((maps, map) => {
    self.google$ ??= new maps.InfoWindow!({});
    if (!self.isHeard$) {
      self.google$.addListener("closeclick", () => {
        dispatch(self, "closeclick");
        fromDom(() => setShown(self, false));
      });
      self.isHeard$ = true;
    }
    fromDom(() =>
      chain(contentOf(self), (content: string | Element) => {
        self.google$!.setOptions({ ...optionsOf(self), content });
        const opener = self.google$!.open as (options: unknown) => void;
        opener.call(self.google$, { map, anchor: (anchor as Overlay).google$ ?? undefined });
        return setShown(self, true);
      }),
    );
  });
  return pyNone;
}

const close: MethodDef<Classic> = method<Classic>([], function () {
  const { google$ } = this as Overlay;
  if (google$ !== null) (google$.close as () => void).call(google$);
  return setShown(this as Overlay, false);
});

const InfoWindow = defineComponent({
  name: "GoogleMap.InfoWindow",
  events: ["closeclick"],
  properties: [
    property("content", "object", null),
    option("position", "object", null),
    option("max_width", "number", null),
    option("disable_auto_pan", "boolean", false),
  ],
  build: () => document.createElement("div"),
  proto: { isInvisible$: true, google$: null },
  methods: {
    open: method<Classic>(
      ["map", "anchor"],
      function (host, anchor) {
        return openWindow(this as Overlay, host!, anchor!);
      },
      { anchor: pyNone },
    ),
    close,
  },
});

export const overlayMembers: Record<string, PyObject> = {
  Marker,
  Polyline,
  Polygon,
  Rectangle,
  Circle,
  InfoWindow,
};
