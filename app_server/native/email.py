"""``anvil.private.email.send.v2`` (and its older form, which answers nothing)."""

from __future__ import annotations

from typing import Any

from app_server.email.loops import HOPS
from app_server.email.message import Email, parse_addresses, send_failure
from app_server.email.service import SERVICE, send_email
from app_server.errors import AnvilError
from app_server.media import read_media
from app_server.native.registry import NativeCall, native
from app_server.wire.values import LazyMedia, Media, PortableValue


@native("anvil.private.email.send.v2")
async def send_v2(call: NativeCall, **arguments: Any) -> PortableValue:
    """Send one e-mail with the keyword arguments of ``anvil.email.send`` (also ``reply_to``).

    The answer is an ``anvil.email.SendReport``. From a browser or a client uplink it is refused.
    """
    message_id = await _send(call, arguments)
    return PortableValue("anvil.email.SendReport", {"message_id": message_id})


@native("anvil.private.email.send")
async def send_v1(call: NativeCall, **arguments: Any) -> None:
    """The same for uplinks that cannot receive a portable value."""
    await _send(call, arguments)


async def _send(call: NativeCall, arguments: dict[str, Any]) -> str:
    call.require_server("send email")
    if SERVICE not in call.instance.app.services:
        raise AnvilError(
            "Add the Email service to your app before calling this function",
            "anvil.server.ServiceNotAdded",
        )
    return await send_email(call.instance, await _read_arguments(call, arguments))


async def _read_arguments(call: NativeCall, given: dict[str, Any]) -> Email:
    for name in ("subject", "text", "html", "from_address", "from_name", "in_reply_to"):
        if given.get(name) is not None and not isinstance(given[name], str):
            raise send_failure(f"Keyword argument '{name}' must be a string.")
    return Email(
        to=parse_addresses("to", given.get("to")),
        cc=parse_addresses("cc", given.get("cc")),
        bcc=parse_addresses("bcc", given.get("bcc")),
        reply_to=parse_addresses("reply_to", given.get("reply_to")),
        from_address=given.get("from_address"),
        from_name=given.get("from_name"),
        subject=given.get("subject") or "",
        text=given.get("text"),
        html=given.get("html"),
        attachments=tuple(await _read_attachments(call, given.get("attachments"))),
        inline=await _read_inline(call, given.get("inline_attachments")),
        in_reply_to=given.get("in_reply_to"),
        references=given.get("references"),
        headers=_read_headers(given.get("headers")),
        hops=call.stack.resources.get(HOPS, 0),
    )


def _read_headers(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise send_failure("Keyword argument 'headers' must be a map of strings to strings.")
    return {str(name): each for name, each in value.items()}


async def _read_attachments(call: NativeCall, value: object) -> list[Media]:
    listed: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    if not all(entry is None or isinstance(entry, Media | LazyMedia) for entry in listed):
        raise send_failure("Keyword argument 'attachments' must be a list of Media objects.")
    return [await read_media(call, entry) for entry in listed if entry is not None]


async def _read_inline(call: NativeCall, value: object) -> dict[str, Media]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(
        entry is None or isinstance(entry, Media | LazyMedia) for entry in value.values()
    ):
        raise send_failure("Inline attachments must be a map of strings to Media objects")
    return {str(key): await read_media(call, entry) for key, entry in value.items() if entry}
