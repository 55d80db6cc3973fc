"""The theme of an app and its dependencies: colours as CSS variables, ``theme.css``, roles.

As on Anvil's server: dependencies come in order and the app last, so that later ones win; only
dependencies of runtime version 3 or later bring a ``theme.css``; ``%color:Name%`` in it stands for
a colour. Source: ``app->style`` in anvil.runtime.app-data. Beyond Anvil, a colour may have a
``dark`` value beside ``color``, used where the reader prefers a dark scheme.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app_server.apps import App, AppPackage

DEFAULT_PRIMARY = "#6750a4"
COLOR_RUNTIME_VERSION = 3
#: What may stand in a colour without ending the declaration that it stands in.
SAFE_COLOR = re.compile(r"[^;{}<>]*")


@dataclass(frozen=True, slots=True)
class PageTheme:
    """``colors`` and ``dark_colors`` are CSS colours by name, ``variables`` the CSS variable of
    each name, ``css`` the style sheet, ``primary`` the colour of the browser's own surfaces."""

    colors: dict[str, str]
    dark_colors: dict[str, str]
    variables: dict[str, str]
    roles: list[dict[str, Any]]
    css: str
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
            colors[name] = _checked(color)
            dark.pop(name, None)
            if entry.get("dark"):
                dark[name] = _checked(str(entry["dark"]))
        if scheme:
            primary_name = str(scheme[0]["name"])
        roles += [role for role in package.theme.roles or [] if isinstance(role, dict)]
    variables = {name: color_variable(name) for name in colors}
    primary = colors.get(primary_name or "", DEFAULT_PRIMARY)
    root_css = _root_css(colors, dark, variables, primary)
    css = "\n".join(part for part in (root_css, *_style_sheets(app, variables)) if part)
    return PageTheme(colors, dark, variables, roles, css, primary)


def _scheme_colors(package: AppPackage) -> list[dict[str, Any]]:
    scheme = package.theme.color_scheme
    entries = scheme.get("colors") if isinstance(scheme, dict) else None
    return [
        entry
        for entry in entries or []
        if isinstance(entry, dict) and entry.get("name") and entry.get("color")
    ]


def _checked(color: str) -> str:
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
