/**
 * `anvil.GoogleMap`: a map by Google, with things on it. It needs an API key, and says so where
 * the app has none.
 */

import {
  isInstance,
  method,
  pyError,
  pyList,
  pyNone,
  typeName,
  variadic,
  type Kwargs,
  type MethodDef,
  type PyObject,
  type PyType,
} from "../../engine/skulpt";
import { reportError } from "../../errors/report";
import {
  ClassicContainer,
  defineComponent,
  property,
  valueOf,
  type Classic,
  type Property,
} from "../classic/classic";
import {
  heightProperty,
  layoutGroup,
  marginGroup,
  tooltipProperty,
  visibleProperty,
} from "../classic/groups";
import { addArguments, adopt } from "../core/container";
import { dispatch } from "../core/events";
import type { Component } from "../core/types";
import { apiKey, loadMaps, type GoogleMaps, type GoogleObject } from "./api";
import { attach, detach, isOverlay, overlayMembers, type MapHost } from "./overlays";
import { fromGoogle, googleName, toGoogle, valueMembers, type GooglePosition } from "./values";

interface GoogleMapObject extends Classic, MapHost {
  map$: GoogleObject | null;
  waiting$: ((maps: GoogleMaps, map: GoogleObject) => unknown)[];
}

const NO_KEY = "This map needs a Google Maps API key, and the app has none.";

/** Where a map begins that has been given no place: Anvil's is in the Atlantic as well. */
const START = { center: { lat: 50, lng: -45 }, zoom: 3 };

const PLAIN_EVENTS = (
  "bounds_changed center_changed drag dragend dragstart heading_changed idle maptypeid_changed " +
  "projection_changed tilesloaded tilt_changed zoom_changed"
).split(" ");
const MOUSE_EVENTS = ["click", "mousemove", "mouseout", "mouseover", "rightclick"];
/** Spelled otherwise by Anvil. */
const RENAMED_EVENTS: Record<string, string> = { dblclick: "dbl_click" };

const OPTIONS: [name: string, type: string, initial: unknown][] = [
  ["background_color", "string", null],
  ["clickable_icons", "boolean", true],
  ["disable_default_ui", "boolean", false],
  ["disable_double_click_zoom", "boolean", false],
  ["draggable", "boolean", true],
  ["draggable_cursor", "string", null],
  ["dragging_cursor", "string", null],
  ["fullscreen_control", "boolean", null],
  ["gesture_handling", "string", null],
  ["heading", "number", null],
  ["keyboard_shortcuts", "boolean", true],
  ["map_type_control", "boolean", null],
  ["max_zoom", "number", null],
  ["min_zoom", "number", null],
  ["rotate_control", "boolean", null],
  ["scale_control", "boolean", null],
  ["street_view_control", "boolean", null],
  ["zoom_control", "boolean", null],
];

/** Spelled otherwise by Google. */
const NAMES: Record<string, string> = {
  disable_default_ui: "disableDefaultUI",
  map_type: "mapTypeId",
};
const optionName = (name: string): string => NAMES[name] ?? googleName(name);

const option = (name: string, type: string, initial: unknown): Property =>
  property(name, type, initial, (self, value) => {
    self.values$.set(name, value);
    (self as GoogleMapObject).map$?.setOptions({ [optionName(name)]: toGoogle(value) });
  });

/** One that the person changes by moving the map: it is read from there. */
const liveOption = (name: string, type: string, getter: string): Property => ({
  ...option(name, type, null),
  read(self) {
    const { map$ } = self as GoogleMapObject;
    if (map$ === null) return valueOf(self, name);
    return fromGoogle((map$[getter] as () => unknown).call(map$));
  },
});

function optionsOf(self: Classic): Record<string, unknown> {
  const given = [...self.values$]
    .filter(([name]) => self.mapOptions$.has(name) as boolean)
    .map(([name, value]) => [optionName(name), toGoogle(value)] as const)
    .filter(([, value]) => value !== null);
  return { ...START, ...Object.fromEntries(given) };
}

function listen(self: Classic, map: GoogleObject): void {
  for (const event of PLAIN_EVENTS) map.addListener(event, () => dispatch(self, event));
  for (const event of [...MOUSE_EVENTS, ...Object.keys(RENAMED_EVENTS)]) {
    map.addListener(event, (given) => {
      const details: Record<string, PyObject> = given?.latLng
        ? { lat_lng: fromGoogle(given.latLng as GooglePosition), pixel: fromGoogle(given.pixel) }
        : {};
      dispatch(self, RENAMED_EVENTS[event] ?? event, details);
    });
  }
}

function showMessage(self: Classic, text: string): void {
  const message = self.parts$.message!;
  message.textContent = text;
  message.hidden = text === "";
  self.parts$.canvas!.hidden = text !== "";
}

async function showMap(self: GoogleMapObject): Promise<void> {
  const key = apiKey();
  if (key === null) {
    showMessage(self, NO_KEY);
    return;
  }
  if (self.map$ !== null || self.isLoading$) return;
  self.isLoading$ = true;
  try {
    const maps = await loadMaps(key);
    showMessage(self, "");
    const map = new maps.Map!(self.parts$.canvas, optionsOf(self));
    self.map$ = map;
    listen(self, map);
    for (const act of self.waiting$.splice(0)) act(maps, map);
  } catch (error) {
    showMessage(self, `${error instanceof Error ? error.message : String(error)}.`);
  } finally {
    self.isLoading$ = false;
  }
}

const OPTION_NAMES = new Set([...OPTIONS.map(([name]) => name), "center", "zoom", "map_type"]);

/** A method of Google's map; before there is a map it is kept for then. */
const mapMethod = (name: string, params: string[]): MethodDef<Classic> =>
  method<Classic>(params, function (...args) {
    const given = args.map(toGoogle);
    (this as GoogleMapObject).whenReady$((_maps, map) =>
      (map[name] as (...a: unknown[]) => void).call(map, ...given),
    );
    return pyNone;
  });

const markersOf = (self: Classic): PyObject =>
  pyList(self.state$.children.filter((child) => isInstance(child, overlayMembers.Marker!)));

const refuse = (): never => {
  throw pyError("AttributeError", "GoogleMap.markers is read-only: use add_component()");
};

const members = { ...valueMembers, ...overlayMembers };

export const GoogleMap: PyType = defineComponent({
  name: "GoogleMap",
  base: ClassicContainer,
  events: [...PLAIN_EVENTS, ...MOUSE_EVENTS, ...Object.values(RENAMED_EVENTS)],
  properties: [
    ...OPTIONS.map(([name, type, initial]) => option(name, type, initial)),
    liveOption("center", "object", "getCenter"),
    liveOption("zoom", "number", "getZoom"),
    liveOption("map_type", "string", "getMapTypeId"),
    property("markers", "object", null, undefined, { read: markersOf, take: refuse }),
    heightProperty(),
    visibleProperty(),
    ...marginGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    self.waiting$ = [];
    const root = document.createElement("div");
    root.className = "anvil-google-map";
    const canvas = document.createElement("div");
    const message = document.createElement("div");
    message.className = "anvil-media-message";
    message.hidden = true;
    root.append(canvas, message);
    Object.assign(self.parts$, { canvas, message });
    return root;
  },
  proto: {
    map$: null,
    mapOptions$: OPTION_NAMES,
    whenReady$(act: (maps: GoogleMaps, map: GoogleObject) => unknown) {
      if (this.map$ === null) (this as GoogleMapObject).waiting$.push(act);
      else act(window.google!.maps!, this.map$ as GoogleObject);
    },
    entersPage$() {
      showMap(this as GoogleMapObject).catch(reportError);
    },
  },
  methods: {
    add_component: variadic(function (this: Classic, args: PyObject[], kwargs?: Kwargs) {
      addArguments(args, kwargs);
      const child = args[0] as Component;
      if (!isOverlay(child)) {
        throw pyError(
          "TypeError",
          "GoogleMap.add_component() takes a GoogleMap.Marker, Polyline, Polygon, Rectangle or " +
            `Circle, not ${typeName(child)}`,
        );
      }
      const host = this as GoogleMapObject;
      const added = adopt(this, child, this.state$.children.length, () => undefined);
      child.state$.link?.onRemove.push(() => detach(child));
      attach(child, host);
      return added;
    }),
    fit_bounds: mapMethod("fitBounds", ["bounds"]),
    pan_to: mapMethod("panTo", ["position"]),
    pan_to_bounds: mapMethod("panToBounds", ["bounds"]),
    pan_by: mapMethod("panBy", ["x", "y"]),
  },
  members,
});
