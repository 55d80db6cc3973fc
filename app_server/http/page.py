"""The page that starts an app: head, something to see at once, and what the runtime needs to boot.

No inline script runs on it (the boot data is a JSON block), so a content security policy can do
without ``'unsafe-inline'``; Skulpt needs ``'unsafe-eval'``.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import HTMLResponse, Response

from app_server.apps import App
from app_server.http.assets import read_manifest
from app_server.http.bundle import bundle_name
from app_server.http.compiled import are_ready, compiled_packages
from app_server.http.extras import read_extras
from app_server.http.page_template import PAGE, SPLASH_CSS
from app_server.http.startup import PageStart
from app_server.http.theme import PageTheme, read_theme

if TYPE_CHECKING:
    from app_server.instance import Instance
    from app_server.sessions import Session

#: Meta fields that have a place of their own on the page.
KNOWN_META = {"title", "description", "logo_img", "lang"}


async def render_page(instance: Instance, session: Session, start: PageStart) -> Response:
    """The page of an instance for this session. ``start`` says what opens; nothing in it means the
    app's own startup form or module."""
    app = instance.app
    theme = read_theme(app)
    manifest = read_manifest()
    meta = {**_app_metadata(app), **start.meta}
    files = {name: f"_/runtime/{file}" for name, file in manifest["files"].items()}
    extras = read_extras(app)
    legacy = {name: f"_/runtime/{file}" for name, file in manifest["legacy"].items()}
    is_compiled = are_ready(app)
    app_url = f"_/app/{bundle_name(app, is_compiled=is_compiled)}.json"
    code_urls = [f"_/code/{one.file}" for one in compiled_packages(app)] if is_compiled else []
    boot = make_boot(instance, start, app_url, code_urls, manifest)
    page = PAGE.format(
        html_class=extras.html_class,
        extra_styles=extras.style_links(legacy),
        extra_scripts=extras.scripts(legacy),
        lang=escape(str(meta.get("lang") or "en"), quote=True),
        title=escape(str(meta.get("title") or app.name)),
        meta=_meta_tags(app, meta, theme),
        icon=escape(_asset_url(str(meta.get("logo_img") or ""))),
        import_map=_import_map(app),
        theme_css=_safe_in_style(theme.css),
        splash_css=SPLASH_CSS.format(primary=theme.primary),
        head_html="\n".join(
            str(package.native_deps.get("head_html") or "") for package in app.packages
        ),
        name=escape(app.name),
        preloads="\n".join(
            f'<link rel="preload" href="{url}" as="fetch" crossorigin>'
            for url in (app_url, *code_urls)
        ),
        boot=_json_for_script(boot),
        **files,
    )
    return HTMLResponse(page, headers=_headers(app))


def make_boot(
    instance: Instance,
    start: PageStart,
    app_url: str,
    code_urls: list[str],
    manifest: dict[str, Any],
) -> dict[str, Any]:
    """The boot data; its shape is ``BootData`` in app_server/browser/src/boot/boot_data.ts."""
    app = instance.app
    opens: dict[str, str] = {}
    if start.form:
        opens["form"] = start.form
    elif start.module:
        opens["module"] = _qualified(app, start.module)
    elif app.startup:
        kind = "module" if app.startup.get("type") == "module" else "form"
        name = str(app.startup["module"])
        opens[kind] = _qualified(app, name) if kind == "module" else name
    return {
        "appName": app.name,
        "app": instance.app_info,
        "origin": instance.origin,
        "appUrl": app_url,
        "codeUrls": code_urls,
        "socketUrl": "_/ws",
        "engineHash": manifest["hash"],
        "lazy": [
            {"url": f"_/runtime/{group['file']}", "paths": group["paths"]}
            for group in manifest["lazy"].values()
        ],
        "open": opens,
        "message": start.message,
    }


def _qualified(app: App, name: str) -> str:
    """A module's full name; a dependency's module comes with its package already."""
    packages = {dependency.package_name for dependency in app.dependencies}
    is_full = name.split(".")[0] in {*packages, app.package_name}
    return name if is_full else f"{app.package_name}.{name}"


def _app_metadata(app: App) -> dict[str, Any]:
    metadata = app.yaml.get("metadata")
    return dict(metadata) if isinstance(metadata, dict) else {}


def _asset_url(value: str) -> str:
    """``asset:name`` is a theme asset; anything else is an address already."""
    if value.startswith("asset:"):
        return "_/theme/" + quote(value.removeprefix("asset:"))
    return value or "data:,"


def _meta_tags(app: App, meta: dict[str, Any], theme: PageTheme) -> str:
    title = meta.get("title") or app.name
    fields = {
        "description": meta.get("description"),
        "theme-color": theme.primary,
        "application-name": app.name,
    }
    social = {
        "og:title": meta.get("og:title") or title,
        "og:type": meta.get("og:type") or "website",
        "og:description": meta.get("og:description") or meta.get("description"),
        "og:image": meta.get("og:image") or meta.get("logo_img"),
    }
    others = {
        name: value
        for name, value in meta.items()
        if name not in KNOWN_META and name not in social and name not in fields
    }
    tags = [_meta_tag("name", name, value) for name, value in {**fields, **others}.items()]
    tags += [_meta_tag("property", name, value) for name, value in social.items()]
    return "\n".join(tag for tag in tags if tag)


def _meta_tag(attribute: str, name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    text = str(value)
    content = _asset_url(text) if text.startswith("asset:") else text
    return f'<meta {attribute}="{escape(name)}" content="{escape(content)}">'


def _import_map(app: App) -> str:
    """One import map of all (the app's own entries win): a page may have only one."""
    merged: dict[str, dict[str, Any]] = {}
    for package in app.packages:
        text = package.native_deps.get("import_map")
        given = json.loads(text) if isinstance(text, str) and text.strip() else text
        for kind, entries in (given or {}).items():
            merged.setdefault(kind, {}).update(entries)
    if not merged:
        return ""
    return f'<script type="importmap">{_json_for_script(merged)}</script>'


def _json_for_script(value: Any) -> str:
    """JSON that cannot end the script element that it stands in, nor open a comment there."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _safe_in_style(css: str) -> str:
    return css.replace("</", "<\\/")


def _headers(app: App) -> dict[str, str]:
    headers = {
        # The session's own data is in it.
        "Cache-Control": "private, no-cache",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if not app.allow_embedding:
        headers["X-Frame-Options"] = "DENY"
        headers["Content-Security-Policy"] = "frame-ancestors 'none'"
    return headers
