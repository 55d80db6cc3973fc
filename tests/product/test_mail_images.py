"""Pictures for mails: what is taken, how it is kept, and that nothing but a picture is."""

from __future__ import annotations

import io
from typing import Any

import anvil
import pytest
from PIL import Image

from master_template.server_emails.mail_blocks import IMAGE_NAME
from master_template.server_marketing.mail_images import BOX, Picture, PictureFile
from master_template.server_shared.errors import InvalidError


def file(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def read(data: bytes, name: str = "C:/fakepath/Mats & more.png") -> Picture:
    found: Picture = PictureFile("The picture").clean(anvil.BlobMedia("image/png", data, name=name))
    return found


PHOTO = Image.effect_noise((1_600, 800), 80).convert("RGB")


def test_a_photo_is_scaled_and_named_by_what_it_shows() -> None:
    found = read(file(PHOTO, "JPEG"))
    assert (found.content_type, found.width, found.height) == ("image/jpeg", BOX[0], 600)
    assert IMAGE_NAME.fullmatch(found.name) and found.name.endswith("-1200x600.jpg")
    assert found.title == "Mats & more"
    assert read(file(PHOTO, "JPEG")).name == found.name


def test_what_a_camera_adds_is_left_out() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6  # lies on its side
    found = read(file(PHOTO.resize((300, 150)), "JPEG", exif=exif))
    assert b"taken at home" not in found.data
    assert (found.width, found.height) == (150, 300)


def test_what_shines_through_stays_so() -> None:
    found = read(file(Image.new("RGBA", (80, 40), (10, 20, 30, 0))))
    assert found.content_type == "image/png"
    assert Image.open(io.BytesIO(found.data)).getpixel((1, 1))[3] == 0


def test_a_gif_goes_on_moving() -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "green", "blue")]
    data = file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (read(data).content_type, read(data).data) == ("image/gif", data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"GIF89a" + b"\0" * 20,
        file(PHOTO)[:5_000],
        file(Image.new("RGB", (4, 400))),
        b"\0" * 10_000_001,
    ],
    ids=["empty", "svg", "broken gif", "half", "too thin", "too large"],
)
def test_what_is_no_picture_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(InvalidError, match="The picture must"):
        read(data)


@pytest.mark.parametrize("value", ["a.png", 7, ["x"]])
def test_a_picture_is_a_file(value: object) -> None:
    with pytest.raises(InvalidError, match="PNG, JPEG, WebP or GIF"):
        PictureFile("The picture").clean(value)
