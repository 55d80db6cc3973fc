/** The drawing context of a Canvas, by the names that Python has for it. */

import {
  isInstance,
  isTrue,
  method,
  nativeClass,
  pyError,
  pyFloat,
  pyNone,
  toJs,
  toPy,
  type MethodDef,
  type PyObject,
  type PyType,
} from "../engine/skulpt";
import { property, type Classic, type Property } from "./classic/classic";
import { cssColor } from "./classic/theme";

/** Python name to the context's attribute. */
const ATTRIBUTES = {
  stroke_style: "strokeStyle",
  fill_style: "fillStyle",
  shadow_offset_x: "shadowOffsetX",
  shadow_offset_y: "shadowOffsetY",
  shadow_blur: "shadowBlur",
  shadow_color: "shadowColor",
  global_alpha: "globalAlpha",
  global_composite_operation: "globalCompositeOperation",
  line_width: "lineWidth",
  line_cap: "lineCap",
  line_join: "lineJoin",
  miter_limit: "miterLimit",
  font: "font",
  text_align: "textAlign",
  text_baseline: "textBaseline",
} as const;

const COLORS = ["stroke_style", "fill_style", "shadow_color"];

export const contextOf = (self: Classic): CanvasRenderingContext2D =>
  (self.context$ ??= (self.root$ as HTMLCanvasElement).getContext(
    "2d",
  )) as CanvasRenderingContext2D;

type Loose = Record<string, unknown>;

interface Gradient extends PyObject {
  gradient$: CanvasGradient;
}

export const GradientClass: PyType = nativeClass<Gradient>("anvil.Canvas.Gradient", {
  constructor: function CanvasGradient() {},
  slots: {
    tp$new() {
      throw pyError("RuntimeError", "Cannot construct Canvas.Gradient from python.");
    },
  },
  methods: {
    add_color_stop: method<Gradient>(["offset", "color"], function (offset, color) {
      this.gradient$.addColorStop(toJs(offset) as number, cssColor(toJs(color) as string));
      return pyNone;
    }),
  },
});

function makeGradient(gradient: CanvasGradient): PyObject {
  const made = new (GradientClass as unknown as { new (): Gradient })();
  made.gradient$ = gradient;
  return made;
}

function toContext(name: string, value: PyObject): unknown {
  if (isInstance(value, GradientClass)) return (value as Gradient).gradient$;
  const given = toJs(value);
  return COLORS.includes(name) && typeof given === "string" ? cssColor(given) : given;
}

/** Attributes of the context as properties: they last until the canvas is reset. */
export const contextProperties = (): Property[] =>
  Object.entries(ATTRIBUTES).map(([name, attribute]) =>
    property(
      name,
      "object",
      null,
      (self, value) => {
        (contextOf(self) as unknown as Loose)[attribute] = toContext(name, value);
      },
      {
        read(self) {
          const value = (contextOf(self) as unknown as Loose)[attribute];
          return value instanceof CanvasGradient ? self.values$.get(name)! : toPy(value);
        },
      },
    ),
  );

/** Python method to the context's, with the names of its numbers. */
const CALLS: Record<string, [call: string, params: string]> = {
  save: ["save", ""],
  restore: ["restore", ""],
  translate: ["translate", "x y"],
  rotate: ["rotate", "angle"],
  scale: ["scale", "x y"],
  transform: ["transform", "a b c d e f"],
  set_transform: ["setTransform", "a b c d e f"],
  reset_transform: ["resetTransform", ""],
  fill_text: ["fillText", "text x y"],
  stroke_text: ["strokeText", "text x y"],
  clear_rect: ["clearRect", "x y width height"],
  fill_rect: ["fillRect", "x y width height"],
  stroke_rect: ["strokeRect", "x y width height"],
  begin_path: ["beginPath", ""],
  close_path: ["closePath", ""],
  fill: ["fill", ""],
  stroke: ["stroke", ""],
  clip: ["clip", ""],
  move_to: ["moveTo", "x y"],
  line_to: ["lineTo", "x y"],
  quadratic_curve_to: ["quadraticCurveTo", "cpx cpy x y"],
  bezier_curve_to: ["bezierCurveTo", "cp1x cp1y cp2x cp2y x y"],
};

const GRADIENTS: Record<string, [call: string, params: string]> = {
  create_linear_gradient: ["createLinearGradient", "x0 y0 x1 y1"],
  create_radial_gradient: ["createRadialGradient", "x0 y0 r0 x1 y1 r1"],
};

/** Numbers for the context; what is none would be drawn nowhere, silently. */
function checked(name: string, params: string[], args: PyObject[]): unknown[] {
  return args.map((arg, index) => {
    const value = toJs(arg);
    if (params[index] === "text") return String(value);
    if (typeof value === "number") return value;
    throw pyError("TypeError", `Canvas.${name}(): ${params[index]} must be a number`);
  });
}

function callOf(
  name: string,
  [call, written]: [string, string],
  give: (value: unknown) => PyObject,
): MethodDef<Classic> {
  const params = written.split(" ").filter(Boolean);
  return method<Classic>(params, function (...args) {
    const context = contextOf(this) as unknown as Record<string, (...a: unknown[]) => unknown>;
    return give(context[call]!(...checked(name, params, args)));
  });
}

const arc = method<Classic>(
  ["x", "y", "radius", "start_angle", "end_angle", "anticlockwise"],
  function (x, y, radius, start, end, anticlockwise) {
    const names = ["x", "y", "radius", "start_angle", "end_angle"];
    const numbers = checked("arc", names, [x!, y!, radius!, start!, end!]) as number[];
    const [left, top, r, from, to] = numbers;
    contextOf(this).arc(left!, top!, r!, from!, to!, isTrue(anticlockwise!));
    return pyNone;
  },
  { start_angle: pyFloat(0), end_angle: pyFloat(Math.PI * 2), anticlockwise: pyNone },
);

const measureText = method<Classic>(["text"], function (text) {
  return toPy(contextOf(this).measureText(String(toJs(text))).width);
});

export const contextMethods: Record<string, MethodDef<Classic>> = {
  ...Object.fromEntries(
    Object.entries(CALLS).map(([name, call]) => [name, callOf(name, call, () => pyNone)]),
  ),
  ...Object.fromEntries(
    Object.entries(GRADIENTS).map(([name, call]) => [
      name,
      callOf(name, call, (value) => makeGradient(value as CanvasGradient)),
    ]),
  ),
  arc,
  measure_text: measureText,
};
