"""Answers the addresses in a mail by which opens and clicks are counted.

Whatever goes wrong here, whoever clicked arrives: the address says where to, and its signature that
we wrote it. No cookie is set and no network address kept.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from datetime import timedelta
from typing import Any

import anvil
import anvil.server
from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_shared import clock, signed_tokens
from ..server_shared.errors import AppError
from . import mail_events, scanners, tracking_links
from .mail_events import CLICKED, OPENED, Report
from .mail_images import find_image

# A GIF of one transparent pixel.
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_NO_STORE = {
    "Cache-Control": "no-store, max-age=0",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_TRAP = "followed a hidden link"
OWN = "mybizz"

log = logging.getLogger("mybizz.mail")


@anvil.server.route("/mail-open/:token", methods=["GET", "HEAD"])
def mail_open(token: str, **_query: str) -> Any:
    """The picture in a mail: it was looked at."""
    send_key = signed_tokens.read(tracking_links.OPEN, token)
    if send_key:
        _record(OPENED, send_key)
    picture = anvil.BlobMedia("image/gif", _PIXEL)
    return _answer(200, picture, {"Content-Type": "image/gif"})


@anvil.server.route("/mail-click/:token", methods=["GET", "HEAD"])
def mail_click(token: str, to: str = "", **_query: str) -> Any:
    """A link in a mail: it goes on to where the mail said."""
    target = to if isinstance(to, str) else ""
    send_key = tracking_links.read_click(token, target)
    if send_key is None:
        return _answer(
            404,
            "This link is not complete. Please open the e-mail again and click the link there.",
            {"Content-Type": "text/plain; charset=utf-8"},
        )
    _record(CLICKED, send_key, target)
    return _answer(302, "", {"Location": target})


@anvil.server.route("/mail-link/:token", methods=["GET", "HEAD"])
def mail_trap(token: str, **_query: str) -> Any:
    """The link that no person sees: whoever comes this way is a machine, and so was what else it
    did with this mail."""
    send_key = signed_tokens.read(tracking_links.TRAP, token)
    if send_key:
        try:
            since = clock.now() - scanners.TRAP_WINDOW
            mail_events.mark_as_machine(send_key, _TRAP, since)
            _record(CLICKED, send_key, scanner=_TRAP)
        except (AppError, TableError) as error:
            log.error("a machine's visit was not noted: %s", error)
    return _answer(204, "", {})


@anvil.server.route("/mail-images/:name", methods=["GET", "HEAD"])
def mail_image(name: str, **_query: str) -> Any:
    """A picture of a mail, by a name that says its content."""
    file = find_image(name)
    if file is None:
        return anvil.server.HttpResponse(status=404, body="")
    headers = {
        "Content-Type": file.content_type,
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'",
        # Mail programs on the web show it on their own pages.
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return anvil.server.HttpResponse(body=file, headers=headers)


def _answer(status: int, body: Any, headers: dict[str, str]) -> Any:
    return anvil.server.HttpResponse(status=status, body=body, headers={**_NO_STORE, **headers})


def _record(kind: str, send_key: str, link: str = "", scanner: str = "") -> None:
    """Note a visit; nothing that goes wrong may keep anybody from their page."""
    try:
        _note(kind, send_key, link, scanner)
    except Exception:
        # The edge of the process: whoever clicked gets there whatever the database says.
        log.exception("a visit was not counted")


def _note(kind: str, send_key: str, link: str, scanner: str) -> None:
    request = anvil.server.request
    now = clock.now()
    who = scanner or scanners.find_scanner(
        method=request.method,
        headers={name.lower(): str(value) for name, value in request.headers.items()},
        address=str(request.remote_address or ""),
        sent_at=_sent_at(send_key),
        now=now,
    )
    if kind == CLICKED and not who and mail_events.is_burst(send_key, link, now):
        who = "clicked everything at once"
        mail_events.mark_as_machine(send_key, who, now - scanners.BURST)
    if kind == CLICKED and not who:
        # A person who clicks has seen the mail, also where pictures are not shown.
        mail_events.record(_report(OPENED, send_key, "", "", now))
    mail_events.record(_report(kind, send_key, link, who, now))


def _report(kind: str, send_key: str, link: str, who: str, now: Any) -> Report:
    """A visit. Each mail, link and visitor's kind counts once a minute, so that nobody fills the
    table by asking for the same address again and again."""
    what = hashlib.sha256(link.encode()).hexdigest()[:16]
    minute = now - timedelta(seconds=now.second, microseconds=now.microsecond)
    key = f"{OWN}:{kind}:{send_key}:{what}:{bool(who):d}:{minute:%Y%m%dT%H%M}"
    return Report(kind, key, OWN, now, send_key=send_key, link=link, scanner=who)


def _sent_at(send_key: str) -> Any:
    """When a mail was taken by its provider, or delivered as far as that is known."""
    row = app_tables.mail_sends.get(
        q.fetch_only("settled_at", "started_at", "delivered_at"), send_key=send_key
    )
    return (row["delivered_at"] or row["settled_at"] or row["started_at"]) if row else None
