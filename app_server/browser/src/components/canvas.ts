/**
 * `anvil.Canvas`: a surface to draw on. Coming onto the page and a new size clear it, and raise
 * `reset`, in which an app draws again.
 */

import {
  chain,
  isNone,
  method,
  pyError,
  pyInt,
  suspend,
  toJs,
  pyNone,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { makeBlobMedia } from "../python/blob";
import { contextMethods, contextOf, contextProperties, GradientClass } from "./canvas_context";
import { defineComponent, type Classic } from "./classic/classic";
import {
  appearanceGroup,
  heightProperty,
  layoutGroup,
  marginGroup,
  tooltipProperty,
} from "./classic/groups";
import { isMedia, urlOf } from "./classic/media_url";
import { listenToMouse, MOUSE_EVENTS } from "./classic/mouse";
import { dispatch } from "./core/events";

const canvasOf = (self: Classic): HTMLCanvasElement => self.root$ as HTMLCanvasElement;

/** Give the drawing the size of the element. Clears it. */
function reset(self: Classic): void {
  const canvas = canvasOf(self);
  canvas.width = canvas.clientWidth;
  canvas.height = canvas.clientHeight;
  dispatch(self, "reset");
}

function resetIfResized(self: Classic): void {
  const canvas = canvasOf(self);
  const isSame = canvas.width === canvas.clientWidth && canvas.height === canvas.clientHeight;
  const isShown = canvas.clientWidth > 0 || canvas.clientHeight > 0;
  if (!isSame && isShown) reset(self);
}

/** The picture of a Media object, kept with it once it is loaded. */
function loadPicture(media: PyObject, url: string): Result<HTMLImageElement> {
  const known = media.picture$ as HTMLImageElement | undefined;
  if (known !== undefined) return known;
  const picture = new Image();
  picture.src = url;
  const loaded = picture.decode().then(
    () => (media.picture$ = picture),
    () => {
      throw pyError("ValueError", `Canvas.draw_image(): could not load the image ${url}`);
    },
  );
  return suspend(loaded);
}

/** Draw all of a picture or, given `source`, a part of it. May wait. */
function draw(self: Classic, media: PyObject, source: PyObject[], target: PyObject[]): Result {
  if (!isMedia(media)) {
    throw pyError("TypeError", "Must pass a Media object to draw_image() or draw_image_part()");
  }
  const numbers = (given: PyObject[]): number[] =>
    given.filter((one) => !isNone(one)).map((one) => Number(toJs(one)));
  return chain(
    urlOf(media, "Canvas.draw_image()"),
    (url: string) => loadPicture(media, url),
    (picture: HTMLImageElement) => {
      const from = numbers(source);
      const [x = 0, y = 0, width = picture.width, height = picture.height] = numbers(target);
      const context = contextOf(self);
      if (from.length === 4) {
        const [sx, sy, sWidth, sHeight] = from as [number, number, number, number];
        context.drawImage(picture, sx, sy, sWidth, sHeight, x, y, width, height);
      } else {
        context.drawImage(picture, x, y, width, height);
      }
      return pyNone;
    },
  );
}

const toBlob = (canvas: HTMLCanvasElement): Promise<PyObject> =>
  new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(pyError("RuntimeError", "the canvas has no size, hence no image"));
      else resolve(makeBlobMedia(blob));
    });
  });

export const Canvas = defineComponent({
  name: "Canvas",
  events: [...MOUSE_EVENTS, "reset"],
  properties: [
    ...contextProperties(),
    heightProperty(),
    ...appearanceGroup(),
    ...marginGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build() {
    const root = document.createElement("canvas");
    root.className = "anvil-canvas";
    return root;
  },
  ready(self) {
    listenToMouse(self, self.root$);
    const observer = new ResizeObserver(() => resetIfResized(self));
    self.observer$ = observer;
  },
  proto: {
    entersPage$() {
      reset(this);
      (this.observer$ as ResizeObserver).observe(this.root$);
    },
    leavesPage$() {
      (this.observer$ as ResizeObserver).disconnect();
    },
  },
  methods: {
    ...contextMethods,
    get_width: method<Classic>([], function () {
      return pyInt(canvasOf(this).clientWidth);
    }),
    get_height: method<Classic>([], function () {
      return pyInt(canvasOf(this).clientHeight);
    }),
    reset_context: method<Classic>([], function () {
      reset(this);
      return pyNone;
    }),
    draw_image: method<Classic>(
      ["media", "x", "y", "width", "height"],
      function (media, ...target) {
        return draw(this, media!, [], target);
      },
      { x: pyNone, y: pyNone, width: pyNone, height: pyNone },
    ),
    draw_image_part: method<Classic>(
      ["media", "sx", "sy", "s_width", "s_height", "dx", "dy", "d_width", "d_height"],
      function (media, ...numbers) {
        return draw(this, media!, numbers.slice(0, 4), numbers.slice(4));
      },
    ),
    get_image: method<Classic>([], function () {
      return suspend(toBlob(canvasOf(this)));
    }),
  },
  members: { Gradient: GradientClass },
});
