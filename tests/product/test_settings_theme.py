"""Colours and logo: what is taken, what a preview shows, and what the pages wear afterwards."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import anvil
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Browser, expect

from master_template.server_settings.brand_images import (
    ICON_SIDE,
    LOGO_BOX,
    MAX_UPLOAD_BYTES,
    BrandImages,
    LogoFile,
)
from master_template.server_shared.errors import InvalidError
from master_template.server_site.previews import READABLE, contrast_notes, contrast_of
from tests.product.screens import tab
from tests.product.studio import Refused, Studio

pytestmark = pytest.mark.usefixtures("m3_assets")


def picture(size: tuple[int, int] = (900, 300), format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    mode = "RGB" if format == "JPEG" else "RGBA"
    Image.new(mode, size, "#aa5522").save(buffer, format, **options)
    return buffer.getvalue()


def read(data: bytes, content_type: str = "image/png", name: str = "logo.png") -> BrandImages:
    found = LogoFile("The logo").clean(anvil.BlobMedia(content_type, data, name=name))
    assert isinstance(found, BrandImages)
    return found


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_scaled_and_written_anew(format: str) -> None:
    images = read(picture(format=format), "text/html", "logo.exe")  # only the content counts
    logo, icon = (Image.open(io.BytesIO(data)) for data in (images.logo, images.icon))
    assert (logo.format, icon.format, icon.size) == ("PNG", "PNG", (ICON_SIDE, ICON_SIDE))
    assert logo.size == (384, LOGO_BOX[1])


def test_nothing_but_the_picture_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home, 33.9 S"
    hidden = picture(format="JPEG", exif=exif) + b"<script>alert(1)</script>"
    assert b"taken at home" in hidden
    images = read(hidden)
    assert b"taken at home" not in images.logo
    assert b"script" not in images.logo


def test_a_noisy_picture_stays_small() -> None:
    noise = Image.effect_noise((800, 256), 200).convert("RGBA")
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    assert len(read(buffer.getvalue()).logo) < 80_000


def png_head(width: int, height: int) -> bytes:
    """A file that says it is a picture of this size, and has little else."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunk = b"IHDR" + head
    body = struct.pack(">I", len(head)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + body + struct.pack(">I", 1_000) + b"IDATx"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "a picture in PNG, JPEG or WebP"),
        (b"GIF89a" + bytes(100), "a picture in PNG, JPEG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a picture in PNG"),
        (b"<html><script>alert(1)</script>", "a picture in PNG"),
        (picture()[:200], "and whole"),
        (picture((20, 20)), "from 32 to 6000 pixels a side, not 20 x 20"),
        (png_head(50_000, 50_000), "too many pixels"),
        (png_head(9_000, 100), "from 32 to 6000 pixels a side, not 9000 x 100"),
        (png_head(6_000, 6_000), "a picture in PNG"),
        (bytes(MAX_UPLOAD_BYTES + 1), "at most 2 MB"),
    ],
    ids=["empty", "gif", "svg", "html", "half", "tiny", "bomb", "wide", "hollow", "large"],
)
def test_what_is_no_logo_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read(data)
    assert words in refused.value.message


@pytest.mark.parametrize("value", ["logo.png", 7, {"a": 1}, ["x"]])
def test_a_logo_is_a_file(value: object) -> None:
    with pytest.raises(InvalidError):
        LogoFile("The logo").clean(value)


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_what_is_said_of_contrast_is_so(colour: str) -> None:
    assert min(contrast_of(colour, "#c46a3a").values()) >= READABLE
    notes = " ".join(contrast_notes(colour, "#c46a3a"))
    assert ("too light to read" in notes) == (contrast_of_plain(colour) < READABLE)


def contrast_of_plain(colour: str) -> float:
    from master_template.server_site.colours import contrast

    return contrast(colour, "#fbfaf7")


def test_colours_are_saved_with_their_history_and_only_once(empty_studio: Studio) -> None:
    colours = {"primary_color": "#1f6391", "accent_color": "#d98e2b"}
    with empty_studio.person("olga") as olga:
        version = olga.call("get_settings")["settings"]["version"]
        saved = olga.call("update_theme", colours, version)["settings"]
        assert saved["version"] == version + 1
        assert olga.call("update_theme", colours, version)["settings"]["version"] == version + 1
        with pytest.raises(Refused, match="edited_meanwhile"):
            olga.call("update_theme", {**colours, "primary_color": "#000000"}, version)
        with pytest.raises(Refused) as refused:
            olga.call("update_theme", {**colours, "primary_color": "blue"}, version)
        assert set(refused.value.fields) == {"primary_color"}
    with empty_studio.person("mia") as mia, pytest.raises(Refused, match="permission_denied"):
        mia.call("update_theme", colours, version)
    assert "--primary:#1f6391" in httpx.get(empty_studio.url + "/").text
    found = empty_studio.query(
        "SELECT changes FROM app.audit_log WHERE resource_id = 'theme' ORDER BY logged_at"
    )
    assert len(found) == 1
    assert dict(found[0][0])["primary_color"][1] == "#1f6391"


def test_an_owner_sees_the_look_before_saving_it(
    chromium: Browser, studio: Studio, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(picture())
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"<svg onload='alert(1)'/>")
    with tab(chromium, studio, "olga") as screen:
        page = screen.page
        screen.open("/app/settings/theme")
        site = page.frame_locator("iframe")
        expect(site.get_by_role("heading", level=1)).to_be_visible()
        page.get_by_role("button", name="Colours Ocean").click()
        expect(screen.field("Main colour")).to_have_value("#1f6391")
        button = site.get_by_role("link", name="Create account")
        expect(button).to_have_css("background-color", "rgb(31, 99, 145)")
        page.get_by_text("Dark", exact=True).click()
        expect(site.locator("body")).to_have_css("background-color", "rgb(20, 24, 22)")
        app = page.get_by_role("img", name="How the app will look")
        assert app.evaluate("node => getComputedStyle(node).colorScheme") == "dark"

        page.locator("input[type=file]").set_input_files(fake)
        screen.sees("The logo must be a picture in PNG, JPEG or WebP, and whole.")
        page.locator("input[type=file]").set_input_files(logo)
        expect(site.locator("img.logo")).to_be_visible()
        expect(page.get_by_text("must be a picture")).to_have_count(0)
        # Nothing of it is public yet.
        assert "/logo/" not in httpx.get(studio.url + "/").text
        screen.type("Main colour", "mauve")
        screen.sees("A colour is written like #2f6f5e.")
        screen.type("Main colour", "#ffe9a0")
        screen.sees("too light to read on a light page")
        screen.press("Save")
        screen.sees("Saved.")
        expect(page.get_by_role("navigation").first.locator(".mb-mark img")).to_be_visible()

    home = httpx.get(studio.url + "/")
    [(key,)] = studio.query("SELECT logo_key FROM app.settings")
    assert f'src="/logo/{key}.png"' in home.text
    for name, width in ((f"{key}.png", 384), (f"{key}-icon.png", ICON_SIDE)):
        answer = httpx.get(f"{studio.url}/logo/{name}")
        assert answer.headers["content-type"] == "image/png"
        assert "immutable" in answer.headers["cache-control"]
        assert Image.open(io.BytesIO(answer.content)).width == width
    for name in ("0123456789abcdef.png", "..%2F..%2Fetc", f"{key}.svg"):
        assert httpx.get(f"{studio.url}/logo/{name}").status_code == 404

    with tab(chromium, studio) as screen:
        screen.open("/app/login")
        mark = screen.page.locator(".mb-mark img")
        expect(mark).to_have_attribute("src", f"/logo/{key}-icon.png")
        expect(screen.page.locator("link[rel=icon]")).to_have_attribute(
            "href", f"/logo/{key}-icon.png"
        )
    with tab(chromium, studio, "olga") as screen:
        screen.open("/app/settings/theme")
        screen.press("Remove")
        screen.sees("No logo yet")
        screen.press("Save")
        screen.sees("Saved.")
    assert httpx.get(f"{studio.url}/logo/{key}.png").status_code == 404
    assert "/logo/" not in httpx.get(studio.url + "/").text
