"""Where e-mail goes: to an SMTP server, or into the outbox folder when none is configured."""

from __future__ import annotations

import logging
import os
import secrets
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app_server.email.message import send_failure

if TYPE_CHECKING:
    import aiosmtplib

logger = logging.getLogger("app_server.email")

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 20.0
"""Both together stay below the 30 s that a server call may take."""


class SmtpServer(Protocol):
    """``encryption`` is ``ssl`` (TLS from the start), ``starttls`` (required) or None."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def encryption(self) -> str | None: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...


async def deliver_by_smtp(
    server: SmtpServer,
    message: EmailMessage,
    sender: str,
    recipients: list[str],
    *,
    tls_context: ssl.SSLContext | None = None,
) -> None:
    """Hand the message over for all recipients, or for none.

    Raises SendFailure with the server's own words when it refuses, and with what to look at when
    it cannot be reached. Where it "broke off while it took the message", or "gave no clear answer",
    the message may have gone out; in any other case it has not.
    """
    import aiosmtplib  # loaded with the first message

    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.encryption == "ssl",
        start_tls=server.encryption == "starttls",
        timeout=CONNECT_SECONDS,
        tls_context=tls_context,
    )
    where = f"The mail server {server.host}:{server.port}"
    is_handing_over = False
    try:
        await client.connect()
        if server.password:
            await client.login(server.username or "apikey", server.password)
        await client.mail(sender, timeout=COMMAND_SECONDS)
        for recipient in recipients:
            await client.rcpt(recipient, timeout=COMMAND_SECONDS)
        is_handing_over = True
        await client.data(message.as_bytes(), timeout=COMMAND_SECONDS)
    except aiosmtplib.SMTPAuthenticationError as error:
        raise send_failure(
            f"{where} refused the log-in (check smtp-username and smtp-password): "
            f"{error.code} {error.message}"
        ) from error
    except aiosmtplib.SMTPResponseException as error:
        raise send_failure(
            f"{where} {_what_it_refused(error, is_handing_over)}: {error.code} {error.message}"
        ) from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        what = "broke off while it took the message" if is_handing_over else "could not be reached"
        raise send_failure(f"{where} {what}: {error} ({type(error).__name__})") from error
    finally:
        await _hang_up(client)


def _what_it_refused(error: aiosmtplib.SMTPResponseException, is_handing_over: bool) -> str:
    """In words that an app can tell apart: this message, any at all, or nobody knows. 552 to the
    sender's address means that this message is too long (RFC 1870)."""
    import aiosmtplib

    if is_handing_over and not 400 <= error.code < 600:
        return "gave no clear answer to the message"
    of_message = (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError)
    if isinstance(error, of_message) or error.code == 552:
        return "refused the message"
    return "refused to take mail"


async def _hang_up(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; a server that is gone already, or answers nonsense, changes nothing now."""
    import aiosmtplib

    try:
        if client.is_connected:
            await client.quit(timeout=CONNECT_SECONDS)
    except (aiosmtplib.SMTPException, OSError):
        client.close()


def put_into_outbox(
    data_dir: Path, message: EmailMessage, recipients: list[str], now: datetime | None = None
) -> Path:
    """Write the message as ``data_dir/outbox/<UTC time>-<random>.eml`` and log where it is.

    The file opens in any mail program; ``X-Envelope-To`` holds everyone it was meant for, blind
    copies included. Only its owner may read it.
    """
    folder = data_dir / "outbox"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S%f")
    path = folder / f"{stamp}-{secrets.token_hex(4)}.eml"
    headed = f"X-Envelope-To: {', '.join(recipients)}\r\n".encode() + message.as_bytes()
    # Whoever watches the folder never sees half a message, and a full disk leaves none.
    draft = path.with_suffix(".part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(headed)
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    logger.info("No mail server is configured: e-mail %r is in %s", str(message["Subject"]), path)
    return path
