"""Files that a page loads: the browser runtime, the app's code, theme assets, the web manifest."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app_server.http.built import DIST
from app_server.http.bundle import bundle_name, get_bundle
from app_server.http.compiled import find_plan
from app_server.http.service_worker import routes as service_worker_routes
from app_server.http.theme import read_theme, theme_version

if TYPE_CHECKING:
    from app_server.instance import Instance

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
SHORT_HASH = 20
#: What build.mjs calls its files.
BUILT_NAME = re.compile(r"[\w-]+-[0-9a-f]{12}\.\w+")

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("image/webp", ".webp")
mimetypes.add_type("image/avif", ".avif")


async def serve_runtime(http: HttpRequest) -> Response:
    """``/_/runtime/<name>-<hash>.<ext>``: never changes under its name."""
    name = http.path_params["name"]
    path = DIST / name
    if not BUILT_NAME.fullmatch(name) or not path.is_file():
        return _not_found()
    return _serve_built(http, path)


async def serve_app_bundle(http: HttpRequest) -> Response:
    """``/_/app/<name>.json``: what the browser needs of the app; see bundle.py."""
    instance = _instance(http)
    name = http.path_params["name"]
    try:
        app = instance.find_version(name.partition("-")[0])
    except LookupError:
        return _not_found()
    for plan in (find_plan(app), None):
        if bundle_name(app, plan) == name:
            bundle = await get_bundle(app, plan)
            break
    else:
        return _not_found()
    accepted = _accepted_encodings(http)
    headers = {"Cache-Control": IMMUTABLE, "Vary": "Accept-Encoding"}
    for encoding, data in (("br", bundle.brotli), ("gzip", bundle.gzipped)):
        if encoding in accepted:
            headers["Content-Encoding"] = encoding
            return Response(data, headers=headers, media_type="application/json")
    return Response(bundle.data, headers=headers, media_type="application/json")


async def serve_code(http: HttpRequest) -> Response:
    """``/_/code/<package>-<number>-<hash>.js``: compiled modules of this app; see compiled.py."""
    name = http.path_params["name"]
    for app in _instance(http).recent_versions():
        plan = find_plan(app)
        for file in plan.files if plan else ():
            if file.file == name:
                return _serve_built(http, file.path)
    return _not_found()


def _serve_built(http: HttpRequest, path: Path) -> Response:
    """A file that never changes under its name, in the best of its encodings."""
    accepted = _accepted_encodings(http)
    headers = {"Cache-Control": IMMUTABLE, "Vary": "Accept-Encoding"}
    for encoding, suffix in ENCODINGS:
        variant = path.with_name(path.name + suffix)
        if encoding in accepted and variant.is_file():
            headers["Content-Encoding"] = encoding
            data = variant.read_bytes()
            return Response(data, headers=headers, media_type=_media_type(path.name))
    return Response(path.read_bytes(), headers=headers, media_type=_media_type(path.name))


async def serve_theme_asset(http: HttpRequest) -> Response:
    """``/_/theme/<path>``: an asset of the app, or of the last dependency that has it. Only names
    that the app was loaded with are found, so no path leads out of the theme folders. Below
    ``/_/theme/@<version>/`` (see theme.py) it never changes; a page of a version before gets what
    is there now."""
    app = _instance(http).app
    name = http.path_params["path"]
    version = ""
    if name.startswith("@"):
        version, _, name = name[1:].partition("/")
    path = app.find_asset(name)
    if path is None or not path.is_file():
        return _not_found()
    status = path.stat()
    tag = f"{name}:{status.st_mtime_ns}:{status.st_size}"
    etag = '"' + hashlib.sha256(tag.encode()).hexdigest()[:SHORT_HASH] + '"'
    is_pinned = version == theme_version(app)
    caching = IMMUTABLE if is_pinned else REVALIDATE
    headers = {"Cache-Control": caching, "ETag": etag, "X-Content-Type-Options": "nosniff"}
    if etag in http.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    headers["Accept-Ranges"] = "bytes"
    if "range" in http.headers:
        # A player winds through a film (RFC 9110, section 14).
        return FileResponse(path, headers=headers, media_type=_media_type(name))
    return Response(path.read_bytes(), headers=headers, media_type=_media_type(name))


async def serve_web_manifest(http: HttpRequest) -> Response:
    """``/_/manifest.json``, so that the app can be installed on a phone."""
    app = _instance(http).app
    theme = read_theme(app)
    metadata = app.yaml.get("metadata") or {}
    logo = str(metadata.get("logo_img") or "")
    icons = []
    if logo.startswith("asset:"):
        name = logo.removeprefix("asset:")
        icons.append({"src": f"/_/theme/{name}", "sizes": "any", "type": _media_type(name)})
    return JSONResponse(
        {
            "name": metadata.get("title") or app.name,
            "short_name": metadata.get("title") or app.name,
            "start_url": "/",
            "display": "standalone",
            "theme_color": theme.primary,
            "icons": icons,
        },
        headers={"Cache-Control": "public, max-age=3600"},
        media_type="application/manifest+json",
    )


def _instance(http: HttpRequest) -> Instance:
    instance: Instance = http.state.instance
    return instance


def _accepted_encodings(http: HttpRequest) -> set[str]:
    """What the browser takes; a coding with ``q=0`` is refused (RFC 9110, section 12.5.3)."""
    accepted = set()
    for part in http.headers.get("accept-encoding", "").split(","):
        coding, _, quality = part.strip().partition(";")
        if quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            accepted.add(coding.strip().lower())
    return accepted


def _media_type(name: str) -> str:
    guessed, encoding = mimetypes.guess_type(name)
    return guessed if guessed and encoding is None else "application/octet-stream"


def _not_found() -> Response:
    return PlainTextResponse("Not found", 404)


routes = [
    *service_worker_routes,
    Route("/_/runtime/{name}", serve_runtime),
    Route("/_/app/{name}.json", serve_app_bundle),
    Route("/_/code/{name}", serve_code),
    Route("/_/theme/{path:path}", serve_theme_asset),
    Route("/_/manifest.json", serve_web_manifest),
]
