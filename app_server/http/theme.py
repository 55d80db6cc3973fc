"""The theme of an app and its dependencies: colours as CSS variables, ``theme.css``, roles.

As on Anvil's server: dependencies come in order and the app last, so that later ones win; only
dependencies of runtime version 3 or later bring a ``theme.css``; ``%color:Name%`` in it stands for
a colour. Source: ``app->style`` in anvil.runtime.app-data. Beyond Anvil, a colour may have a
``dark`` value beside ``color``, used where the reader prefers a dark scheme.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from app_server.apps import App, AppPackage

DEFAULT_PRIMARY = "#6750a4"
COLOR_RUNTIME_VERSION = 3
#: What may stand in a colour without ending the declaration that it stands in.
SAFE_COLOR = re.compile(r"[^;{}<>]*")


SHORT_HASH = 16
KEPT_VERSIONS = 256
#: In HTML of an app: where an address of a theme asset begins.
THEME_ADDRESS = re.compile(r"""(?<=["'(=\s,])/?_/theme/(?!@)""")
TAG = re.compile(r"<(?:link|script|img|source|meta|video|audio)\b[^>]*>", re.IGNORECASE)
MODULE = re.compile(r"""\b(?:type|rel)\s*=\s*["']?(?:module|modulepreload)\b""", re.IGNORECASE)

_versions: OrderedDict[str, str] = OrderedDict()


def theme_version(app: App) -> str:
    """A hash of the theme assets that an app has, its dependencies' among them. Below
    ``_/theme/@<version>/`` an asset never changes, so browsers need not ask for it again; relative
    addresses in style sheets and scripts stay below it."""
    if app.version not in _versions:
        assets = {name: path for p in app.packages for name, path in p.theme.assets.items()}
        digest = hashlib.sha256()
        for name in sorted(assets):
            content = hashlib.sha256(assets[name].read_bytes()).hexdigest()
            digest.update(f"{name}\0{content}\0".encode())
        _versions[app.version] = digest.hexdigest()[:SHORT_HASH]
        while len(_versions) > KEPT_VERSIONS:
            _versions.popitem(last=False)
    return _versions[app.version]


def pin_theme_addresses(app: App, html: str) -> str:
    """HTML whose tags ask for theme assets at addresses of this version. JavaScript modules keep
    theirs, since Python or another module may import them by it, and one module must not run twice;
    a script with the attribute ``data-pinned`` says that nobody does."""
    pinned = f"_/theme/@{theme_version(app)}/"

    def pin(tag: re.Match[str]) -> str:
        text = tag.group()
        if MODULE.search(text) and "data-pinned" not in text:
            return text
        return THEME_ADDRESS.sub(pinned, text)

    return TAG.sub(pin, html)


@dataclass(frozen=True, slots=True)
class PageTheme:
    """``colors`` and ``dark_colors`` are CSS colours by name, ``variables`` the CSS variable of
    each name, ``sheets`` the style sheets in their order (each begins anew, so that its ``@import``
    counts), ``primary`` the colour of the browser's own surfaces."""

    colors: dict[str, str]
    dark_colors: dict[str, str]
    variables: dict[str, str]
    roles: list[dict[str, Any]]
    sheets: list[str]
    primary: str

    def to_json(self) -> dict[str, Any]:
        references = {name: f"var({variable})" for name, variable in self.variables.items()}
        return {"colors": references, "values": self.colors, "roles": self.roles}


def color_variable(name: str) -> str:
    return "--anvil-color-" + re.sub(r"[^A-Za-z0-9]", "-", name)


def read_theme(app: App) -> PageTheme:
    colors: dict[str, str] = {}
    dark: dict[str, str] = {}
    roles: list[dict[str, Any]] = []
    primary_name: str | None = None
    for package in app.packages:
        scheme = _scheme_colors(package)
        for entry in scheme:
            name, color = str(entry["name"]), str(entry["color"])
            colors[name] = safe_color(color)
            dark.pop(name, None)
            if entry.get("dark"):
                dark[name] = safe_color(str(entry["dark"]))
        if scheme:
            primary_name = str(scheme[0]["name"])
        roles += [role for role in package.theme.roles or [] if isinstance(role, dict)]
    variables = {name: color_variable(name) for name in colors}
    primary = colors.get(primary_name or "", DEFAULT_PRIMARY)
    root_css = _root_css(colors, dark, variables, primary)
    sheets = [sheet for sheet in (root_css, *_style_sheets(app, variables)) if sheet]
    return PageTheme(colors, dark, variables, roles, sheets, primary)


def _scheme_colors(package: AppPackage) -> list[dict[str, Any]]:
    scheme = package.theme.color_scheme
    entries = scheme.get("colors") if isinstance(scheme, dict) else None
    return [
        entry
        for entry in entries or []
        if isinstance(entry, dict) and entry.get("name") and entry.get("color")
    ]


def safe_color(color: str) -> str:
    """The colour, without what could end the declaration that it stands in."""
    match = SAFE_COLOR.match(color)
    return match.group().strip() if match else ""


def _root_css(
    colors: dict[str, str], dark: dict[str, str], variables: dict[str, str], primary: str
) -> str:
    def declare(values: dict[str, str]) -> str:
        return "".join(f"{variables[name]}:{value};" for name, value in values.items())

    if not colors:
        return ""
    css = f":root{{{declare(colors)}--anvil-app-primary:{primary};}}"
    if dark:
        css += f"@media (prefers-color-scheme:dark){{:root{{{declare(dark)}}}}}"
    return css


def _style_sheets(app: App, variables: dict[str, str]) -> list[str]:
    sheets = []
    for package in app.packages:
        path = package.theme.assets.get("theme.css")
        version = int(package.runtime_options.get("version") or 0)
        if path is None or (package is not app and version < COLOR_RUNTIME_VERSION):
            continue
        css = path.read_text("utf-8").replace("%anvil-banner-height%", "0px")
        for name, variable in variables.items():
            css = css.replace(f"%color:{name}%", f"var({variable})")
        sheets.append(css)
    return sheets
