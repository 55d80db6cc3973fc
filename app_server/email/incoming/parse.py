"""A message as ``anvil.email.Message`` is made of it (``anvil/email.py`` of the server wheel).

Mail comes from strangers: whatever it is, something is made of it. Source of what goes where:
``deliver-mail!`` in anvil.runtime.email-server.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses
from typing import Any

from app_server.media import safe_content_type
from app_server.wire.values import Media

MAX_PARTS = 500
"""Parts of one message that are looked at; the rest is left out."""

ADDRESSEES = ("from", "to", "cc")


def parse_message(content: bytes) -> Message:
    return email.message_from_bytes(content, policy=compat32)


def to_anvil(
    message: Message, *, sender: str, recipient: str, dkim: dict[str, Any]
) -> dict[str, Any]:
    """The argument of the app's handler:

    ``envelope {from, recipient}``, ``addressees {from, to, cc}`` (lists of ``{address, name,
    raw}``, each only where there is such a header), ``headers`` (pairs, as they came but
    unfolded), ``subject``, ``text``, ``html`` (None where there is none), ``attachments`` (media),
    ``inline_attachments`` (media by Content-ID), ``dkim {valid, valid_from_sender, domains}``.
    """
    headers = [[name, _unfold(str(value))] for name, value in message.items()]
    found: dict[str, Any] = {
        "envelope": {"from": sender, "recipient": recipient},
        "addressees": _read_addressees(headers),
        "headers": headers,
        "subject": None if message["Subject"] is None else _decode(str(message["Subject"])),
        "text": None,
        "html": None,
        "attachments": [],
        "inline_attachments": {},
        "dkim": dkim,
    }
    for part in _list_parts(message):
        _take_part(found, part)
    return found


def _unfold(value: str) -> str:
    """One line of text (RFC 5322, 2.2.3)."""
    text = re.sub(r"\r?\n(?=[ \t])", "", value)
    return re.sub(r"[\r\n\0]+", " ", text).encode(errors="replace").decode().strip()


def _decode(value: str) -> str:
    """Encoded words (RFC 2047) as text; what cannot be decoded stays as it is."""
    text = _unfold(value)
    try:
        return str(make_header(decode_header(text)))
    except (LookupError, ValueError):
        return text


def _read_addressees(headers: list[list[str]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, value in headers:
        kind = name.lower()
        if kind in ADDRESSEES:
            found.setdefault(kind, []).extend(_read_addresses(value))
    # Anvil's Message takes the first of those that the header names.
    return {kind: listed for kind, listed in found.items() if listed}


def _read_addresses(value: str) -> Iterator[dict[str, Any]]:
    for name, address in getaddresses([value]):
        if not address:
            continue
        shown = _decode(name) if name else None
        raw = f"{_quote(shown)} <{address}>" if shown else address
        yield {"address": address, "name": shown, "raw": raw}


def _quote(name: str) -> str:
    """A display name as it may stand before an address (RFC 5322, 3.2.4)."""
    if re.fullmatch(r"[\w !#$%&'*+/=?^`{|}~-]*", name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _list_parts(message: Message) -> Iterator[Message]:
    """Parts that are no multipart, from left to right. A message within is one attachment."""
    waiting = [message]
    for _ in range(MAX_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting += [inner for inner in reversed(payload) if isinstance(inner, Message)]
        else:
            yield part


def _take_part(found: dict[str, Any], part: Message) -> None:
    kind = part.get_content_type()
    is_attachment = part.get_content_disposition() == "attachment"
    if kind == "text/plain" and not is_attachment:
        found["text"] = (found["text"] or "") + _text_of(part)
    elif kind == "text/html" and not is_attachment:
        found["html"] = _text_of(part)
    elif content_id := re.sub(r"[<>\s]", "", str(part.get("Content-ID") or "")):
        found["inline_attachments"][content_id] = _media_of(part)
    else:
        found["attachments"].append(_media_of(part))


def _bytes_of(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return payload
    inner = part.get_payload()
    if isinstance(inner, list):
        return b"\r\n".join(bytes(one) for one in inner if isinstance(one, Message))
    return str(inner or "").encode(errors="replace")


def _text_of(part: Message) -> str:
    """In the part's character set; in UTF-8, then Latin-1, where that is unknown or wrong."""
    content = _bytes_of(part)
    for charset in (str(part.get_content_charset() or "utf-8"), "utf-8"):
        try:
            return content.decode(charset).replace("\0", "")
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1").replace("\0", "")


def _media_of(part: Message) -> Media:
    charset = part.get_param("charset")
    kind = part.get_content_type()
    if isinstance(charset, str):
        kind = f"{kind}; charset={charset}"
    name = _decode(part.get_filename() or "") or "Attachment"
    return Media(safe_content_type(kind), _bytes_of(part), re.split(r"[/\\]", name)[-1])
