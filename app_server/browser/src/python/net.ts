/** `_anvil_net`: what `anvil.http` and `anvil.image` (src/python/lib/anvil) need of the browser. */

import { registerModule } from "../engine/files";
import {
  callMethod,
  chain,
  isDict,
  isInstance,
  isNone,
  isStr,
  method,
  pyError,
  pyFunction,
  pyInt,
  pyNone,
  pyStr,
  pyTuple,
  suspend,
  textOf,
  toJs,
  type PyObject,
  type Result,
} from "../engine/skulpt";
import { withLoading, isSuppressed } from "../dialogs/loading";
import { lookUp } from "../engine/lookup";
import { makeBlobMedia } from "./blob";

/** Anvil's own default. */
const DEFAULT_TIMEOUT_SECONDS = 60;

interface Fetched {
  status: number;
  blob: Blob | null;
  problem: string;
}

function authorization(username: PyObject, password: PyObject): string | null {
  if (isNone(username) && isNone(password)) return null;
  const pair = [username, password].map((part) => (isNone(part) ? "" : textOf(part))).join(":");
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}`;
}

/** The bytes of media, as a blob. May wait. */
function blobOfMedia(media: PyObject): Result<Blob> {
  if (media.anvil$blob instanceof Blob) return media.anvil$blob;
  return chain(callMethod(media, "get_bytes"), (bytes: PyObject) =>
    chain(
      callMethod(media, "get_content_type"),
      (type: PyObject) =>
        new Blob([bytes.v as BlobPart], { type: isNone(type) ? "" : textOf(type) }),
    ),
  );
}

/** What `data=` becomes as a body: text, bytes and media as they are, a dict as form fields. */
function bodyOf(data: PyObject): Result<BodyInit | undefined> {
  if (isNone(data)) return undefined;
  if (isStr(data)) return data.v;
  if (isDict(data)) return new URLSearchParams(toJs(data) as Record<string, string>);
  if (data instanceof (Sk.builtin.bytes as unknown as typeof Object)) {
    return (data as PyObject).v as BodyInit;
  }
  if (isInstance(data, lookUp("anvil", "Media"))) return blobOfMedia(data);
  return textOf(data);
}

async function send(url: string, request: RequestInit, seconds: number): Promise<Fetched> {
  try {
    const signal = AbortSignal.timeout(seconds * 1000);
    const response = await fetch(url, { ...request, signal });
    return { status: response.status, blob: await response.blob(), problem: "" };
  } catch (error) {
    const isLate = (error as Error).name === "TimeoutError";
    const problem = isLate ? `no answer within ${seconds} s` : (error as Error).message;
    return { status: 0, blob: null, problem };
  }
}

const fetchUrl = method(
  ["url", "method", "headers", "data", "username", "password", "timeout"],
  (url, verb, headers, data, username, password, timeout) => {
    const given = toJs(headers!) as Record<string, string>;
    const credentials = authorization(username!, password!);
    const all = credentials === null ? given : { ...given, Authorization: credentials };
    const seconds = isNone(timeout) ? DEFAULT_TIMEOUT_SECONDS : (toJs(timeout!) as number);
    return chain(
      bodyOf(data!),
      (body) => {
        const request: RequestInit = { method: textOf(verb!), headers: all };
        if (body !== undefined) request.body = body;
        const answer = send(textOf(url!), request, seconds);
        return suspend(isSuppressed() ? answer : withLoading(answer));
      },
      ({ status, blob, problem }: Fetched) =>
        pyTuple([pyInt(status), blob ? makeBlobMedia(blob) : pyNone, pyStr(problem)]),
    );
  },
);

const urlEncode = method(["text"], (text: PyObject) => pyStr(encodeURIComponent(textOf(text))));
const urlDecode = method(["text"], (text: PyObject) => {
  try {
    return pyStr(decodeURIComponent(textOf(text).replaceAll("+", " ")));
  } catch {
    throw pyError("ValueError", `not a URL-encoded text: ${textOf(text)}`);
  }
});

async function readImage(blob: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(blob);
  } catch {
    throw pyError("ValueError", `The browser cannot read this as an image (${blob.type})`);
  }
}

const imageSize = method(["media"], (media: PyObject) =>
  chain(
    blobOfMedia(media),
    (blob: Blob) => suspend(readImage(blob)),
    (image: ImageBitmap) => pyTuple([pyInt(image.width), pyInt(image.height)]),
  ),
);

async function draw(blob: Blob, maxSize: number | null, degrees: number): Promise<Blob> {
  const image = await readImage(blob);
  const longest = Math.max(image.width, image.height);
  const scale = maxSize === null ? 1 : Math.min(1, maxSize / longest);
  const [width, height] = [image.width * scale, image.height * scale];
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * cos + height * sin));
  canvas.height = Math.max(1, Math.round(width * sin + height * cos));
  const context = canvas.getContext("2d")!;
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate(angle);
  context.drawImage(image, -width / 2, -height / 2, width, height);
  const type = blob.type === "image/jpeg" || blob.type === "image/webp" ? blob.type : "image/png";
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (made) => (made ? resolve(made) : reject(pyError("ValueError", "The image is too large"))),
      type,
    ),
  );
}

const drawImage = method(["media", "max_size", "angle"], (media, maxSize, angle) =>
  chain(
    blobOfMedia(media!),
    (blob: Blob) => suspend(draw(blob, toJs(maxSize!) as number | null, toJs(angle!) as number)),
    (made: Blob) =>
      chain(callMethod(media!, "get_name"), (name: PyObject) =>
        makeBlobMedia(made, isNone(name) ? null : textOf(name)),
      ),
  ),
);

export function registerNetModule(): void {
  registerModule("_anvil_net", (define) => {
    for (const [name, definition] of Object.entries({
      fetch: fetchUrl,
      url_encode: urlEncode,
      url_decode: urlDecode,
      image_size: imageSize,
      draw_image: drawImage,
    })) {
      define(name, pyFunction(name, definition));
    }
  });
}
