"""The texts of the Users service's e-mails: the app's own (``email_content``), or these."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
from collections.abc import Awaitable, Callable
from html import escape, unescape

from app_server.email import Email, parse_addresses, send_email
from app_server.errors import AnvilError
from app_server.users.request import UsersRequest

logger = logging.getLogger("app_server.users")

_DEFAULTS = {
    "confirm_address": {
        "subject": "Confirm your email address",
        "html": "<p>Welcome to {{app_name}}.</p>\n"
        "<p>Please confirm that {{email}} is your address:</p>\n"
        "<p>{{confirm_link}}</p>\n"
        "<p>The link works once, within seven days. If you did not sign up, ignore this "
        "message.</p>",
    },
    "reset_password": {
        "subject": "Reset your password",
        "html": "<p>Someone, hopefully you, asked for a new password for {{email}} at "
        "{{app_name}}. Choose it here:</p>\n"
        "<p>{{reset_link}}</p>\n"
        "<p>The link works once, within one hour. If it was not you, ignore this message: your "
        "password stays as it is.</p>",
    },
    "token_login": {
        "subject": "Log in to {{app_name}}",
        "html": "<p>Here is your link to log in to {{app_name}} as {{email}}:</p>\n"
        "<p>{{login_link}}</p>\n"
        "<p>The link works once, within ten minutes. If you did not ask for it, ignore this "
        "message.</p>",
    },
    "mfa_reset": {
        "subject": "Reset your two-factor authentication",
        "html": "<p>Someone, hopefully you, asked to set up a new second factor for {{email}} at "
        "{{app_name}}. Your password will be asked for, and all other second factors end:</p>\n"
        "<p>{{login_link}}</p>\n"
        "<p>The link works once, within ten minutes. If it was not you, ignore this message.</p>",
    },
}

_sending: set[asyncio.Task[None]] = set()


def send_later(
    request: UsersRequest, what: str, send: Callable[[UsersRequest], Awaitable[None]]
) -> None:
    """Find a user and mail them something after the call is answered: neither the answer nor the
    time it takes tells a stranger who has an account. ``send`` gets a request of its own, outside
    of the call's transaction."""
    own = dataclasses.replace(request, users=request.users.detached())

    async def work() -> None:
        try:
            await send(own)
        except AnvilError as error:
            logger.warning("%s was not sent: %s", what, error.message)
        except Exception:
            # The edge of a task: nobody else would hear of it.
            logger.exception("%s was not sent", what)

    task = asyncio.create_task(work())
    _sending.add(task)
    task.add_done_callback(_sending.discard)


async def finish_sending() -> None:
    """Wait for the links that are being mailed, before the server stops."""
    while _sending:
        await asyncio.gather(*_sending)


async def send_users_email(
    request: UsersRequest, kind: str, to: str, link_name: str, url: str
) -> None:
    """Mail a link. In a text, ``{{<link_name>_link}}`` stands for the clickable link and
    ``{{<link_name>_url}}`` for its bare address, ``{{email}}`` and ``{{app_name}}`` for these.

    ``kind`` is a key of ``email_content``. Raises SendFailure. Where the app has a function of its
    own for these mails, that sends it, and this only if it fails.
    """
    if request.config.email_function and await _let_app_send(request, kind, to, url):
        return
    own = request.config.email_content.get(kind) or {}
    default = _DEFAULTS[kind]
    app_name = request.instance.app.name
    plain = {"email": to, "app_name": app_name, f"{link_name}_url": url}
    marked = {name: escape(value) for name, value in plain.items()}
    marked[f"{link_name}_link"] = f'<a href="{escape(url)}">{escape(url)}</a>'
    html = _fill(own.get("html") or default["html"], marked)
    subject = _fill(own.get("subject") or default["subject"], plain)
    await send_email(
        request.instance,
        Email(
            to=parse_addresses("to", [to]),
            from_address=request.config.email_from_address or "accounts",
            from_name=f"{app_name} Accounts",
            subject=" ".join(subject.split()),
            text=text_of(html),
            html=html,
        ),
    )


async def _let_app_send(request: UsersRequest, kind: str, to: str, url: str) -> bool:
    """Call the app's ``email_function`` with ``kind``, ``email`` and ``url``, as trusted as its own
    server code; give whether it took care of the mail. An envelope ``{"success": False}`` is a
    no."""
    from app_server.dispatch import dispatch_outermost  # which serves the Users service itself
    from app_server.request import Origin, Request
    from app_server.stack import CallStack
    from app_server.wire.codec import decode, encode

    name = str(request.config.email_function)
    arguments = {"kind": kind, "email": to, "url": url}
    reply = await dispatch_outermost(
        Request(
            instance=request.instance,
            session=request.instance.sessions.create(),
            stack=CallStack(),
            command=name,
            payload=encode({"args": [], "kwargs": arguments}),
            origin=Origin.SERVER,
            frames=({"type": "server_module"},),
            client={"type": "server_module", "ip": None, "location": None},
        )
    )
    answer = {} if reply.error else (await decode(reply.payload)).get("response")
    refusal = answer if isinstance(answer, dict) and answer.get("success") is False else None
    if reply.error or refusal:
        reason = (reply.error or {}).get("message") or (refusal or {}).get("code")
        logger.error(
            "[%s] The app's %s did not send a mail (%s); it goes out in the server's words",
            request.instance.name,
            name,
            reason,
        )
        return False
    return True


def _fill(template: str, values: dict[str, str]) -> str:
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: values.get(m[1], m[0]), template)


def text_of(html: str) -> str:
    """Plain text of a simple HTML message: paragraphs and line breaks stay, marks go."""
    text = re.sub(r"\s+", " ", html)
    text = re.sub(r"(?i)\s*<br\s*/?>\s*", "\n", text)
    text = re.sub(r"(?i)\s*</?(p|div|h[1-6]|ul|ol|table|tr)\b[^>]*>\s*", "\n\n", text)
    text = unescape(re.sub(r"<[^>]*>", "", text))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
