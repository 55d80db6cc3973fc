"""Somebody else's website, on an origin of its own, with a lead form of ours on it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.product.studio import SEARCH_KEY

# Styles that would take any form apart, were it not in a shadow root.
HOSTILE = (
    "*{display:none!important}html,body,main,head~body{display:block!important}"
    "div{all:unset!important;display:none!important}input{visibility:hidden!important}"
    "[data-mybizz-form]{display:block!important}"
)
PAGE = """<!doctype html><html lang="en"><head><title>A blog</title>
<style nonce="of-the-blog">{styles}</style></head><body><main>
<h1>A blog</h1><p><a href="#top">A link before</a></p>
<div data-mybizz-form="{form_id}"></div>
<script src="{origin}/lead.js" data-form="{form_id}" async></script></main></body></html>"""


class Website:
    """Serves one page for whichever form is set; ``host`` and ``port`` are not the instance's."""

    def __init__(self, instance: str):
        self.instance = instance
        self.form_id = ""
        website = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = website.page().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                # What the settings tell the owner of a strict website to allow, and no more.
                self.send_header(
                    "Content-Security-Policy",
                    f"default-src 'none'; script-src {website.instance}; "
                    f"connect-src {website.instance}; style-src 'nonce-of-the-blog'",
                )
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def page(self) -> str:
        return PAGE.format(styles=HOSTILE, form_id=self.form_id, origin=self.instance)


@contextmanager
def serve_website(instance: str) -> Iterator[Website]:
    website = Website(instance)
    thread = threading.Thread(target=website.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield website
    finally:
        website.server.shutdown()
        website.server.server_close()
        thread.join()


def opened_ago(form_id: str, seconds: int, key: bytes | None = None) -> str:
    """The token of a form that was shown so many seconds ago, as the instance signs it."""
    return sign("lead form", f"{form_id}-{int(time.time()) - seconds}", key)


def sign(purpose: str, text: str, key: bytes | None = None) -> str:
    """A signed token as the instance makes them, by its own key or another."""
    key = key or base64.urlsafe_b64decode(SEARCH_KEY)
    message = f"signed token\0{purpose}\0{text}".encode()
    return f"{text}.{hmac.new(key, message, hashlib.sha256).hexdigest()[:32]}"
