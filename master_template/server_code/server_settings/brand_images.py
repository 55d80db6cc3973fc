"""The logo: what was uploaded is read, scaled and written anew, so that only a picture is kept."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from typing import Any

import anvil
from PIL import Image, ImageOps, UnidentifiedImageError

from ..server_shared.config import settings_row
from ..server_shared.errors import InvalidError
from ..server_shared.validators import Rule

MAX_UPLOAD_BYTES = 2_000_000
MIN_PIXELS, MAX_PIXELS = 32, 6_000  # of a side
FORMATS = ("PNG", "JPEG", "WEBP")
# Shown at most half as large, so that it is sharp on a fine screen.
LOGO_BOX = (400, 128)
ICON_SIDE = 96
SMALL_BYTES = 60_000
EXPECTED = "a picture in PNG, JPEG or WebP"


@dataclass(frozen=True)
class BrandImages:
    """The logo and its small square, both PNG."""

    logo: bytes
    icon: bytes

    @property
    def key(self) -> str:
        """Changes with the logo."""
        return hashlib.sha256(self.logo).hexdigest()[:16]


class LogoFile(Rule):
    """An uploaded logo, by its content: the name and the type it came with say nothing."""

    def check(self, value: Any) -> BrandImages:
        if not isinstance(value, anvil.Media):
            raise self.refuse(EXPECTED, value)
        if (value.length or 0) > MAX_UPLOAD_BYTES:
            raise self._too_large()
        data = value.get_bytes()
        if len(data) > MAX_UPLOAD_BYTES:
            raise self._too_large()
        return self._read(data)

    def _too_large(self) -> InvalidError:
        return InvalidError(f"{self.label} may have at most {MAX_UPLOAD_BYTES // 1_000_000} MB.")

    def _read(self, data: bytes) -> BrandImages:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                file = Image.open(io.BytesIO(data), formats=FORMATS)
                self._check_size(file.size)  # from its head, before anything is unpacked
                image = ImageOps.exif_transpose(file).convert("RGBA")
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Warning) as error:
            raise InvalidError(f"{self.label} must be {EXPECTED}, and whole.") from error
        except Image.DecompressionBombError as error:
            raise InvalidError(f"{self.label} has too many pixels.") from error
        return BrandImages(_png(_fit(image, LOGO_BOX)), _png(_square(image)))

    def _check_size(self, size: tuple[int, int]) -> None:
        if min(size) < MIN_PIXELS or max(size) > MAX_PIXELS:
            raise InvalidError(
                f"{self.label} must have from {MIN_PIXELS} to {MAX_PIXELS} pixels a side, not "
                f"{size[0]} x {size[1]}."
            )


def _fit(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """The picture, at most as large as a box."""
    fitted = image.copy()
    fitted.thumbnail(box, Image.Resampling.LANCZOS)
    return fitted


def _square(image: Image.Image) -> Image.Image:
    small = _fit(image, (ICON_SIDE, ICON_SIDE))
    square = Image.new("RGBA", (ICON_SIDE, ICON_SIDE))
    square.paste(small, ((ICON_SIDE - small.width) // 2, (ICON_SIDE - small.height) // 2))
    return square


def _png(image: Image.Image) -> bytes:
    """The picture and nothing else (no place, no camera), in 256 colours where it is large."""
    for version in (image, image.quantize(256)):
        buffer = io.BytesIO()
        version.save(buffer, "PNG", optimize=True)
        if buffer.tell() <= SMALL_BYTES:
            break
    return buffer.getvalue()


def find_picture(name: str) -> Any:
    """The media behind ``<key>.png`` or ``<key>-icon.png``, or None."""
    found = re.fullmatch(r"([0-9a-f]{16})(-icon)?\.png", name)
    row = settings_row() if found else None
    if found is None or row is None or row["logo_key"] != found.group(1):
        return None
    return row["icon"] if found.group(2) else row["logo"]
