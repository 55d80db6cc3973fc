/** Positions, icons and the like: what properties of maps and of things on them are set to. */

import {
  isDict,
  isInstance,
  isList,
  isNone,
  isTuple,
  kwargsToObject,
  nativeClass,
  pyDict,
  pyError,
  pyInt,
  pyList,
  pyNone,
  pyStr,
  repr,
  textOf,
  toJs,
  toPy,
  type Kwargs,
  type PyObject,
  type PyType,
} from "../../engine/skulpt";

interface Value extends PyObject {
  fields$: Map<string, PyObject>;
}

/** `stroke_color` is `strokeColor` in Google's API. */
export const googleName = (name: string): string =>
  name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());

const valueTypes = new Map<PyType, string[]>();

function readFields(type: string, names: string[], args: PyObject[], kwargs?: Kwargs) {
  if (args.length > names.length) {
    throw pyError("TypeError", `GoogleMap.${type}() takes ${names.join(", ")}`);
  }
  const fields = new Map(args.map((arg, index) => [names[index]!, arg]));
  for (const [name, value] of Object.entries(kwargsToObject(kwargs))) {
    if (!names.includes(name) || fields.has(name)) {
      throw pyError("TypeError", `GoogleMap.${type}() takes ${names.join(", ")}, not '${name}'`);
    }
    fields.set(name, value);
  }
  return fields;
}

/** A class whose instances hold a few named values. */
function valueClass(type: string, written: string): PyType {
  const names = written.split(" ");
  const made: PyType = nativeClass<Value>(`anvil.GoogleMap.${type}`, {
    constructor: function Value() {},
    slots: {
      tp$new(this: PyObject) {
        return new (this.constructor as unknown as { new (): Value })();
      },
      tp$init(this: Value, args: PyObject[], kwargs?: Kwargs) {
        this.fields$ = readFields(type, names, args, kwargs);
      },
      $r(this: Value) {
        const shown = [...this.fields$].map(([name, value]) => `${name}=${repr(value)}`);
        return pyStr(`GoogleMap.${type}(${shown.join(", ")})`);
      },
    },
    getsets: Object.fromEntries(
      names.map((name) => [
        name,
        {
          $get(this: Value) {
            return this.fields$.get(name) ?? pyNone;
          },
          $set(this: Value, value: PyObject | undefined) {
            this.fields$.set(name, value ?? pyNone);
          },
        },
      ]),
    ),
    flags: { sk$klass: true },
  });
  valueTypes.set(made, names);
  return made;
}

export const LatLng = valueClass("LatLng", "lat lng");
export const LatLngBounds = valueClass("LatLngBounds", "sw ne");

const VALUES: Record<string, PyType> = {
  LatLng,
  LatLngLiteral: valueClass("LatLngLiteral", "lat lng"),
  LatLngBounds,
  LatLngBoundsLiteral: valueClass("LatLngBoundsLiteral", "north east south west"),
  Point: valueClass("Point", "x y"),
  Size: valueClass("Size", "width height"),
  Icon: valueClass("Icon", "url anchor label_origin origin scaled_size size"),
  Symbol: valueClass(
    "Symbol",
    "path anchor fill_color fill_opacity label_origin rotation scale stroke_color stroke_opacity " +
      "stroke_weight",
  ),
  IconSequence: valueClass("IconSequence", "icon fixed_rotation offset repeat"),
  MarkerLabel: valueClass("MarkerLabel", "text color font_family font_size font_weight"),
};

/** Numbers and names of Google's: https://developers.google.com/maps/documentation/javascript/reference */
const CONSTANTS: Record<string, Record<string, number | string>> = {
  Animation: { BOUNCE: 1, DROP: 2 },
  SymbolPath: {
    CIRCLE: 0,
    FORWARD_CLOSED_ARROW: 1,
    FORWARD_OPEN_ARROW: 2,
    BACKWARD_CLOSED_ARROW: 3,
    BACKWARD_OPEN_ARROW: 4,
  },
  StrokePosition: { CENTER: 0, INSIDE: 1, OUTSIDE: 2 },
  MapTypeId: { ROADMAP: "roadmap", SATELLITE: "satellite", HYBRID: "hybrid", TERRAIN: "terrain" },
};

const constantClass = (name: string, values: Record<string, number | string>): PyType => {
  const made = nativeClass(`anvil.GoogleMap.${name}`, { constructor: function Constants() {} });
  for (const [key, value] of Object.entries(values)) {
    made.prototype[key] = typeof value === "number" ? pyInt(value) : pyStr(value);
  }
  return made;
};

/** Everything under `GoogleMap.` but the things on the map. */
export const valueMembers: Record<string, PyObject> = {
  ...VALUES,
  ...Object.fromEntries(
    Object.entries(CONSTANTS).map(([name, values]) => [name, constantClass(name, values)]),
  ),
};

/** A Python value as Google's API takes it: positions and the like as literals. */
export function toGoogle(value: PyObject | undefined): unknown {
  if (isNone(value)) return null;
  if (isList(value) || isTuple(value)) return value.v.map(toGoogle);
  if (isDict(value)) {
    return Object.fromEntries(value.$items().map(([key, one]) => [textOf(key), toGoogle(one)]));
  }
  const type = [...valueTypes.keys()].find((one) => isInstance(value!, one));
  if (type === undefined) return toJs(value);
  const { fields$ } = value as Value;
  if (type === LatLngBounds) {
    const [sw, ne] = ["sw", "ne"].map((name) => toGoogle(fields$.get(name))) as {
      lat: number;
      lng: number;
    }[];
    return { south: sw!.lat, west: sw!.lng, north: ne!.lat, east: ne!.lng };
  }
  return Object.fromEntries(
    [...fields$].map(([name, one]) => [googleName(name), toGoogle(one)] as const),
  );
}

/** A position of Google's: its coordinates are functions, in a literal they are numbers. */
export interface GooglePosition {
  lat(): number;
  lng(): number;
}

export function toLatLng(position: GooglePosition): PyObject {
  const made = new (LatLng as unknown as { new (): Value })();
  made.fields$ = new Map([
    ["lat", toPy(position.lat())],
    ["lng", toPy(position.lng())],
  ]);
  return made;
}

/** What Python gets of something that Google's API gave: positions, lists of them, plain values. */
export function fromGoogle(value: unknown): PyObject {
  if (typeof value !== "object" || value === null) return toPy(value);
  if (typeof (value as GooglePosition).lat === "function") return toLatLng(value as GooglePosition);
  const { getArray } = value as { getArray?: () => unknown[] };
  if (getArray !== undefined) return pyList(getArray.call(value).map(fromGoogle));
  if (Array.isArray(value)) return pyList(value.map(fromGoogle));
  return pyDict(
    Object.entries(value)
      .filter(([, one]) => typeof one !== "function")
      .map(([name, one]) => [name, fromGoogle(one)]),
  );
}
