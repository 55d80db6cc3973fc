"""Pictures for mails: what is uploaded is read, scaled and written anew, so that only a picture is
kept, and named by its content, so that a mail that was sent shows it for ever."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import Any

import anvil
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q
from PIL import Image, ImageOps, UnidentifiedImageError

from ..server_auth.rbac import current_actor
from ..server_emails.mail_blocks import IMAGE_NAME
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import InvalidError, NotFoundError
from ..server_shared.validators import Int, Rule, Text
from . import tracking_links

MAX_UPLOAD_BYTES = 10_000_000
MIN_PIXELS, MAX_PIXELS = 8, 12_000  # of a side
# Twice what a mail shows at most, for fine screens.
BOX = (1_200, 2_400)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
EXPECTED = "a picture in PNG, JPEG, WebP or GIF"
MAX_IMAGES = 2_000
PAGE_ROWS = 24
NAME = Text("Picture", max_chars=60, required=True)
ALT = Text("Description of the picture", max_chars=300, default="")


@dataclass(frozen=True)
class Picture:
    """A picture as mail programs can show it: JPEG, PNG, or GIF if it moves."""

    data: bytes
    content_type: str
    width: int
    height: int
    title: str

    @property
    def name(self) -> str:
        ending = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif"}[self.content_type]
        digest = hashlib.sha256(self.data).hexdigest()[:16]
        return f"{digest}-{self.width}x{self.height}.{ending}"


class PictureFile(Rule):
    """An uploaded picture, by its content: the name and the type it came with say nothing."""

    def check(self, value: Any) -> Picture:
        if not isinstance(value, anvil.Media):
            raise self.refuse(EXPECTED, value)
        data = b"" if (value.length or 0) > MAX_UPLOAD_BYTES else value.get_bytes()
        if not data or len(data) > MAX_UPLOAD_BYTES:
            limit = MAX_UPLOAD_BYTES // 1_000_000
            raise InvalidError(f"{self.label} must be {EXPECTED} of at most {limit} MB.")
        title = str(value.name or "").rsplit("/", 1)[-1].rpartition(".")[0]
        return self._read(data, title[:100])

    def _read(self, data: bytes, title: str) -> Picture:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                file = Image.open(io.BytesIO(data), formats=FORMATS)
                self._check_size(file.size)  # from its head, before anything is unpacked
                if file.format == "GIF" and getattr(file, "is_animated", False):
                    return self._moving(data, file, title)
                image = ImageOps.exif_transpose(file)
                image.load()
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Warning) as error:
            raise InvalidError(f"{self.label} must be {EXPECTED}, and whole.") from error
        except Image.DecompressionBombError as error:
            raise InvalidError(f"{self.label} has too many pixels.") from error
        return _still(image, title)

    def _check_size(self, size: tuple[int, int]) -> None:
        if min(size) < MIN_PIXELS or max(size) > MAX_PIXELS:
            raise InvalidError(
                f"{self.label} must have from {MIN_PIXELS} to {MAX_PIXELS} pixels a side, not "
                f"{size[0]} x {size[1]}."
            )

    def _moving(self, data: bytes, file: Image.Image, title: str) -> Picture:
        """Kept as it is, because writing it anew spoils it; large ones are refused."""
        if len(data) > 2_000_000 or file.width > BOX[0]:
            raise InvalidError(
                f"{self.label} moves, and may then have at most 2 MB and {BOX[0]} pixels in width."
            )
        return Picture(data, "image/gif", file.width, file.height, title)


def _still(image: Image.Image, title: str) -> Picture:
    """The picture and nothing else (no place, no camera): PNG where something shines through or
    it is smaller, as drawings are, else JPEG."""
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    made = image.convert("RGBA" if has_alpha else "RGB")
    made.thumbnail(BOX, Image.Resampling.LANCZOS)
    png, jpeg = io.BytesIO(), io.BytesIO()
    if has_alpha or made.getcolors(256) is not None:
        made.save(png, "PNG", optimize=True)
    if not has_alpha:
        made.save(jpeg, "JPEG", quality=84, optimize=True, progressive=True)
    if has_alpha or 0 < png.tell() <= jpeg.tell():
        return Picture(png.getvalue(), "image/png", *made.size, title)
    return Picture(jpeg.getvalue(), "image/jpeg", *made.size, title)


@server_callable(
    needs="marketing.manage",
    takes={"file": PictureFile("The picture", required=True), "alt": ALT},
    audit="mail_image.add",
)
def upload_mail_image(file: Any, alt: str = "") -> dict[str, Any]:
    """Add a picture to the library: ``{"image": {...}}``. The same picture twice is one."""
    row = app_tables.mail_images.get(name=file.name)
    if row is None:
        if len(app_tables.mail_images.search()) >= MAX_IMAGES:
            raise InvalidError(f"The library holds at most {MAX_IMAGES:,} pictures.", field="file")
        row = app_tables.mail_images.add_row(
            name=file.name,
            file=anvil.BlobMedia(file.content_type, file.data, name=file.name),
            title=file.title,
            alt=alt,
            width=file.width,
            height=file.height,
            size_bytes=len(file.data),
            created_by=current_actor().row,
            created_at=clock.now(),
        )
    else:
        row.update(hidden_at=None, alt=alt or row["alt"])
    audit.record("add", "mail_image", file.name, details={"title": file.title})
    return {"image": _shown(row)}


@server_callable(
    needs="marketing.view",
    takes={"page": Int("Page", minimum=1, maximum=100, default=1)},
)
def list_mail_images(page: int = 1) -> dict[str, Any]:
    """The library, the newest first: ``{"images": [...], "total", "page", "page_rows"}``; an image
    has ``name``, ``title``, ``alt``, ``width``, ``height``, ``size_bytes`` and ``url``."""
    rows = app_tables.mail_images.search(
        tables.order_by("created_at", ascending=False), q.page_size(PAGE_ROWS), hidden_at=None
    )
    start = (page - 1) * PAGE_ROWS
    return {
        "images": [_shown(row) for row in rows[start : start + PAGE_ROWS]],
        "total": len(rows),
        "page": page,
        "page_rows": PAGE_ROWS,
    }


@server_callable(needs="marketing.manage", takes={"name": NAME}, audit="mail_image.hide")
def delete_mail_image(name: str) -> dict[str, Any]:
    """Take a picture out of the library. Mails that have it go on showing it, also those that lie
    in people's mailboxes."""
    row = app_tables.mail_images.get(name=name, hidden_at=None)
    if row is None:
        raise NotFoundError("There is no such picture.")
    row["hidden_at"] = clock.now()
    audit.record("hide", "mail_image", name, details={"title": row["title"]})
    return {}


def find_image(name: str) -> Any:
    """The file of a picture, or None."""
    if not IMAGE_NAME.fullmatch(name):
        return None
    row = app_tables.mail_images.get(q.fetch_only("file"), name=name)
    return row["file"] if row is not None else None


def _shown(row: Any) -> dict[str, Any]:
    return {
        "name": row["name"],
        "title": row["title"] or "",
        "alt": row["alt"] or "",
        "width": int(row["width"]),
        "height": int(row["height"]),
        "size_bytes": int(row["size_bytes"]),
        "url": f"{tracking_links.origin()}/mail-images/{row['name']}",
    }
