/**
 * `_anvil_blob`: what the Python media classes (lib/anvil/_media.py) need of the browser.
 *
 * A media object made here carries its `Blob` as the JavaScript member `anvil$blob`.
 */

import { lookUp } from "../engine/lookup";
import { registerModule } from "../engine/files";
import {
  callSync,
  chain,
  findAttr,
  method,
  pyBytes,
  pyFunction,
  pyInt,
  pyNone,
  pyStr,
  suspend,
  toJs,
  toPy,
  type PyObject,
} from "../engine/skulpt";

/** An `anvil.FileMedia` (for a `File`) or `anvil.BlobMedia` around a `Blob`. */
export function makeBlobMedia(blob: Blob, name: string | null = null): PyObject {
  const isFile = blob instanceof File;
  const type = lookUp("anvil", isFile ? "FileMedia" : "BlobMedia");
  const media = callSync(findAttr(type, "__new__")!, [type]);
  const fileName = name ?? (isFile ? blob.name : null);
  callSync(findAttr(media, "_set_up")!, [
    pyStr(blob.type || "application/octet-stream"),
    pyNone,
    toPy(fileName),
  ]);
  media.anvil$blob = blob;
  return media;
}

/** The `Blob` of a media object whose bytes are in Python. */
function blobOf(media: PyObject): Blob {
  media.anvil$blob ??= new Blob([findAttr(media, "_bytes")!.v as BlobPart], {
    type: toJs(findAttr(media, "_content_type")) as string,
  });
  return media.anvil$blob as Blob;
}

const objectUrl = method(["media"], (media: PyObject) => {
  media.anvil$url ??= URL.createObjectURL(blobOf(media));
  return pyStr(media.anvil$url as string);
});

const read = method(["media"], (media: PyObject) =>
  chain(suspend(blobOf(media).arrayBuffer()), (buffer: ArrayBuffer) =>
    pyBytes(new Uint8Array(buffer)),
  ),
);

const length = method(["media"], (media: PyObject) => pyInt(blobOf(media).size));

const fetchUrl = method(["url"], (url: PyObject) =>
  chain(suspend(fetchBlob(toJs(url) as string)), (blob: Blob) => makeBlobMedia(blob)),
);

async function fetchBlob(url: string): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status} ${response.statusText}`);
  return response.blob();
}

/** Offer media for download; text of the file's name from the media itself. */
const download = method(["url", "name"], (url: PyObject, name: PyObject) => {
  const link = document.createElement("a");
  link.href = toJs(url) as string;
  link.download = (toJs(name) as string | null) ?? "";
  document.body.append(link);
  link.click();
  link.remove();
  return pyNone;
});

const revokeUrl = method(["url"], (url: PyObject) => {
  URL.revokeObjectURL(toJs(url) as string);
  return pyNone;
});

const printUrl = method(["url"], (url: PyObject) => {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.src = toJs(url) as string;
  frame.addEventListener("load", () => {
    frame.contentWindow?.addEventListener("afterprint", () => frame.remove());
    frame.contentWindow?.print();
  });
  document.body.append(frame);
  return pyNone;
});

export function registerBlobModule(): void {
  registerModule("_anvil_blob", (define) => {
    for (const [name, definition] of Object.entries({
      object_url: objectUrl,
      read,
      length,
      fetch_url: fetchUrl,
      download,
      revoke_url: revokeUrl,
      print_url: printUrl,
    })) {
      define(name, pyFunction(name, definition));
    }
  });
}
