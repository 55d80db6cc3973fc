"""What Anvil's page carries beside the runtime, given only to the apps that need it.

Anvil's own page brings jQuery and Font Awesome 4 to every app, and Bootstrap 3 to those of runtime
version 1 and 2 (or with ``legacy_features``). Source: ``legacy-runtime-templates`` in
anvil.runtime.serve-app.core and runner2.html of the public anvil-runtime. Here an app gets jQuery
and Font Awesome when its theme, its head or its forms mention them; a script that asks for ``$``,
``jQuery`` or ``moment`` at any later time finds them too (src/engine/globals.ts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app_server.apps import App, AppPackage

BOOTSTRAP_FREE_VERSION = 3
#: In HTML and in scripts; a minified script may well have a ``$`` of its own.
JQUERY = re.compile(r"\bjQuery\b|\$\((?:document|window|function\b|this|['\"][.#]?[\w-]+['\"]\)\.)")
FONT_AWESOME = re.compile(r"\bfa fa-|\bfa-[a-z]|FontAwesome")
DARK = re.compile(r"prefers-color-scheme|color-scheme\s*:\s*[\w\s]*dark")
SCANNED_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Extras:
    """Which of them an app needs. ``is_light_only``: nothing in it knows of a dark scheme, so
    that a reader who prefers one gets the light one, as on Anvil, and not half of each."""

    jquery: bool
    bootstrap: bool
    font_awesome: bool
    plain_class_names: bool
    is_light_only: bool

    @property
    def html_class(self) -> str:
        """The classes of the page's root element; themes ask for them."""
        classes = ["anvil-runner"]
        classes += ["runner"] if self.plain_class_names else []
        classes += ["anvil-light"] if self.is_light_only else []
        return " ".join(classes)

    def style_links(self, files: dict[str, str]) -> str:
        """Style sheets that come before the runtime's; ``files`` are addresses by name."""
        names = [("bootstrap", self.bootstrap), ("icons", self.font_awesome)]
        return "\n".join(
            f'<link rel="stylesheet" href="{files[name]}">' for name, wanted in names if wanted
        )

    def scripts(self, files: dict[str, str]) -> str:
        """Scripts that come before the app's ``head_html``, which may call them at once."""
        lines = [f'<script src="{files["jquery"]}"></script>'] if self.jquery else []
        if self.bootstrap:
            lines.append(f'<script defer src="{files["bootstrapScript"]}"></script>')
        return "\n".join(lines)


def read_extras(app: App) -> Extras:
    """What ``app`` needs; read once per version."""
    return _read_extras(_ByVersion(app))


class _ByVersion:
    """An app as a key of the cache: two of one version are the same."""

    def __init__(self, app: App):
        self.app = app

    def __hash__(self) -> int:
        return hash((self.app.app_id, self.app.version))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _ByVersion):
            return NotImplemented
        mine, others = self.app, other.app
        return (mine.app_id, mine.version) == (others.app_id, others.version)


@lru_cache(maxsize=32)
def _read_extras(key: _ByVersion) -> Extras:
    app = key.app
    options = app.runtime_options
    features: dict[str, Any] = dict(options.get("legacy_features") or {})
    is_old = int(options.get("version") or 0) < BOOTSTRAP_FREE_VERSION
    bootstrap = is_old or bool(features.get("bootstrap3"))
    texts = [text for package in app.packages for text in _texts(package)]
    return Extras(
        jquery=bootstrap or any(JQUERY.search(text) for text in texts),
        bootstrap=bootstrap,
        font_awesome=is_old or any(FONT_AWESOME.search(text) for text in texts),
        plain_class_names=is_old or bool(features.get("class_names")),
        is_light_only=_has_theme(app) and not _has_dark_scheme(app, texts),
    )


def _texts(package: AppPackage) -> Iterator[str]:
    yield str(package.native_deps.get("head_html") or "")
    for form in package.forms:
        yield form.template_text
    for name, path in package.theme.assets.items():
        if not name.endswith((".html", ".css", ".js")) or path.stat().st_size > SCANNED_BYTES:
            continue
        yield path.read_text("utf-8", errors="replace")


def _has_theme(app: App) -> bool:
    """Whether any style is the app's own: the runtime's knows both schemes."""
    assets = [name for package in app.packages for name in package.theme.assets]
    return any(name.endswith(".css") for name in assets) or bool(_colors(app))


def _colors(app: App) -> list[Any]:
    schemes = [package.theme.color_scheme for package in app.packages]
    return [
        color
        for scheme in schemes
        if isinstance(scheme, dict)
        for color in scheme.get("colors") or []
    ]


def _has_dark_scheme(app: App, texts: list[str]) -> bool:
    if any(DARK.search(text) for text in texts):
        return True
    return any(isinstance(color, dict) and color.get("dark") for color in _colors(app))
