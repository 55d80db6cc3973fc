"""``/_/service-worker``: the script that keeps unchanging files on the visitor's device.

It is app_server/browser/src/service_worker/worker.ts with the page that it shows when the server
cannot be reached. An app whose ``runtime_options`` say ``service_worker: false`` does without: its
pages remove one that is there, and so does what is answered here.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from app_server.apps import App
from app_server.http.built import DIST, read_manifest
from app_server.http.extras import read_extras
from app_server.http.page_template import SPLASH_CSS
from app_server.http.theme import read_theme, safe_color

if TYPE_CHECKING:
    from app_server.instance import Instance

#: Browsers look for another one after this time at a visit; a page that does without removes it
#: at once.
CACHING = "public, max-age=3600"
SHORT_HASH = 20

REMOVED = """addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith("anvil-files-")) await caches.delete(name);
  }
  await registration.unregister();
})()));
"""

OFFLINE = """<!doctype html>
<html lang="en"{light}>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: no connection</title>
<style>{css}
#anvil-splash h1{{font:500 22px/28px system-ui,sans-serif;margin:0}}
#anvil-splash p{{font-weight:400;max-width:36em}}
#anvil-splash button{{font:inherit;margin-top:16px;padding:10px 24px;border:0;border-radius:20px;
cursor:pointer;color:#fff;background:{primary}}}
</style>
<div id="anvil-splash" role="status">
<h1>No connection</h1>
<p>{name} cannot be reached just now. Check your connection to the internet. This page comes back by
itself when it is there again.</p>
<button onclick="location.reload()">Try again</button>
</div>
<script>addEventListener("online", () => location.reload());</script>
</html>
"""


def wants_service_worker(app: App) -> bool:
    return app.runtime_options.get("service_worker") is not False


async def serve_service_worker(http: HttpRequest) -> Response:
    instance: Instance = http.state.instance
    script = make_script(instance.app) if wants_service_worker(instance.app) else REMOVED
    tag = '"' + hashlib.sha256(script.encode()).hexdigest()[:SHORT_HASH] + '"'
    headers = {"Cache-Control": CACHING, "ETag": tag, "Service-Worker-Allowed": "/"}
    if tag in http.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(script, headers=headers, media_type="text/javascript")


def make_script(app: App) -> str:
    theme = read_theme(app)
    primary = safe_color(theme.primary)
    name = escape(str((app.yaml.get("metadata") or {}).get("title") or app.name))
    css = SPLASH_CSS.format(primary=primary)
    page = OFFLINE.format(name=name, light=_html_class(app), css=css, primary=primary)
    return (
        f"const anvilOffline={json.dumps(page)};\n{_read_built(read_manifest()['serviceWorker'])}"
    )


def _html_class(app: App) -> str:
    html_class = read_extras(app).html_class
    return f' class="{escape(html_class)}"' if html_class else ""


@lru_cache(maxsize=2)
def _read_built(file: str) -> str:
    return (DIST / file).read_text("utf-8")


routes = [Route("/_/service-worker", serve_service_worker)]
