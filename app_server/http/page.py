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
from app_server.errors import AnvilError
from app_server.http.built import read_manifest
from app_server.http.bundle import bundle_name
from app_server.http.client_session import make_address_token
from app_server.http.code_graph import find_needed, module_name
from app_server.http.compiled import CodePlan, find_plan, imported_names
from app_server.http.extras import read_extras
from app_server.http.page_template import PAGE, SPLASH_CSS
from app_server.http.service_worker import wants_service_worker
from app_server.http.startup import PageStart
from app_server.http.theme import (
    PageTheme,
    pin_theme_addresses,
    read_theme,
    safe_color,
    theme_version,
)

if TYPE_CHECKING:
    from app_server.instance import Instance
    from app_server.sessions import Session

#: Meta fields that have a place of their own on the page.
KNOWN_META = {"title", "description", "logo_img", "lang", "content-security-policy"}

#: What any app can do without: no plug-in, and no <base> that turns every address elsewhere.
COMMON_POLICY = "object-src 'none'; base-uri 'self'"

#: What each page imports: see src/boot/main.ts.
START_MODULES = ("anvil.server", "anvil.tz", "sys", "datetime")


async def render_page(instance: Instance, session: Session, start: PageStart) -> Response:
    """The page of an instance for this session. ``start`` says what opens; nothing in it means the
    app's own startup form or module."""
    app = instance.app
    theme = read_theme(app)
    manifest = read_manifest()
    meta = {**_app_metadata(app), **start.meta}
    primary = safe_color(str(meta.get("theme-color") or theme.primary))
    files = {name: f"_/runtime/{file}" for name, file in manifest["files"].items()}
    extras = read_extras(app)
    legacy = {name: f"_/runtime/{file}" for name, file in manifest["legacy"].items()}
    plan = find_plan(app)
    app_url = f"_/app/{bundle_name(app, plan)}.json"
    opens = _what_opens(app, start)
    token = make_address_token(instance, session)
    boot = make_boot(instance, start, opens, app_url, token)
    page = PAGE.format(
        html_class=extras.html_class,
        extra_styles=extras.style_links(legacy),
        extra_scripts=extras.scripts(legacy),
        lang=escape(str(meta.get("lang") or "en"), quote=True),
        title=escape(str(meta.get("title") or app.name)),
        meta=_meta_tags(app, meta, theme),
        icon=escape(_icon_url(app, str(meta.get("logo_img") or ""))),
        import_map=_import_map(app),
        theme_css="\n".join(f"<style>{_safe_in_style(sheet)}</style>" for sheet in theme.sheets),
        splash_css=SPLASH_CSS.format(primary=primary),
        head_html=pin_theme_addresses(
            app,
            "\n".join(str(package.native_deps.get("head_html") or "") for package in app.packages),
        ),
        name=escape(str(meta.get("title") or app.name)),
        preloads=f'<link rel="preload" href="{app_url}" as="fetch" crossorigin>',
        code="\n".join(
            f'<script defer src="{escape(url)}"></script>'
            for url in _code_urls(app, plan, opens, manifest)
        ),
        boot=_json_for_script(boot),
        **files,
    )
    return HTMLResponse(page, headers=_headers(app, meta.get("content-security-policy")))


def make_boot(
    instance: Instance, start: PageStart, opens: dict[str, str], app_url: str, token: str = ""
) -> dict[str, Any]:
    """The boot data; its shape is ``BootData`` in app_server/browser/src/boot/boot_data.ts.
    ``token`` shows the session in the socket's address, where it has to."""
    return {
        "appName": instance.app.name,
        "app": instance.app_info,
        "origin": instance.origin,
        "appUrl": app_url,
        "socketUrl": f"_/ws?{token}" if token else "_/ws",
        "serviceWorker": wants_service_worker(instance.app),
        "engineHash": read_manifest()["hash"],
        "open": opens,
        "message": start.message,
    }


def _what_opens(app: App, start: PageStart) -> dict[str, str]:
    """``{"form": name}`` or ``{"module": full name}``; neither where the app has no start."""
    if start.form:
        return {"form": start.form}
    if start.module:
        return {"module": _qualified(app, start.module)}
    if not app.startup:
        return {}
    name = str(app.startup["module"])
    if app.startup.get("type") == "module":
        return {"module": _qualified(app, name)}
    return {"form": name}


def _code_urls(
    app: App, plan: CodePlan | None, opens: dict[str, str], manifest: dict[str, Any]
) -> list[str]:
    """The compiled code that what opens first needs; the rest is loaded when it is imported."""
    graph: dict[str, frozenset[str]] = {}
    urls: dict[str, str] = {}
    for group in manifest["code"].values():
        for path, needs in group["modules"].items():
            name = module_name(path)
            graph[name] = frozenset(needs)
            urls[name] = f"_/runtime/{group['file']}"
    names = [*START_MODULES]
    if plan is None:
        names += imported_names(app)
        return sorted({urls[name] for name in find_needed(graph, names)})
    graph |= plan.graph
    for file in plan.files:
        urls |= {module.name: f"_/code/{file.file}" for module in file.modules}
    names += opens.values()
    names += [f"{app.package_name}.{name}" for name in opens.values()]
    names += [
        f"{package.package_name}.{package.client_init_module}"
        for package in app.packages
        if package.client_init_module
    ]
    return sorted({urls[name] for name in find_needed(graph, names) if name in urls})


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


def _icon_url(app: App, logo: str) -> str:
    if logo.startswith("asset:"):
        return f"_/theme/@{theme_version(app)}/" + quote(logo.removeprefix("asset:"))
    return _asset_url(logo)


def _meta_tags(app: App, meta: dict[str, Any], theme: PageTheme) -> str:
    title = meta.get("title") or app.name
    fields = {
        "description": meta.get("description"),
        "theme-color": meta.get("theme-color") or theme.primary,
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


def _headers(app: App, own_policy: Any = None) -> dict[str, str]:
    """``own_policy``: the meta field ``content-security-policy`` of the app or of what opens. It
    is sent as a header, where it stands in place of COMMON_POLICY; who may frame the page stays
    with ``allow_embedding``. On Anvil's server such a field does nothing."""
    headers = {
        # The session's own data is in it.
        "Cache-Control": "private, no-cache",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    policy = " ".join(str(own_policy or COMMON_POLICY).split())
    if not policy.isascii() or not policy.isprintable():
        raise AnvilError("A content-security-policy holds characters that HTTP does not allow.")
    if not app.allow_embedding:
        headers["X-Frame-Options"] = "DENY"
        policy += "; frame-ancestors 'none'"
    headers["Content-Security-Policy"] = policy
    return headers
