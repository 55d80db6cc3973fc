"""Sending e-mail for an instance: which server, which sender, and the ``anvil.email`` natives."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app_server.email.delivery import SmtpServer, deliver_by_smtp, put_into_outbox
from app_server.email.message import Email, build_message, send_failure, sender_of

if TYPE_CHECKING:
    from app_server.instance import Instance

logger = logging.getLogger("app_server.email")

SERVICE = "/runtime/services/anvil/email.yml"


@dataclass(frozen=True, slots=True)
class CustomSmtp:
    """A mail server named by the app itself (``custom_smtp`` of the Email service)."""

    host: str
    port: int
    encryption: str | None
    username: str | None
    password: str | None


def find_smtp_server(instance: Instance) -> SmtpServer | None:
    """The operator's ``smtp-*`` options; else the app's ``custom_smtp``; else None (outbox).

    ``test_mode`` of the Email service keeps everything in the outbox: Anvil's hosted service sends
    such mail to the app's owner, whom a self-hosted server does not know.
    """
    service = instance.app.services.get(SERVICE)
    options = service.server_config if service else {}
    if options.get("test_mode"):
        return None
    if instance.config.smtp is not None:
        return instance.config.smtp
    if options.get("custom_smtp") and options.get("smtp_host"):
        return _read_custom_smtp(options)
    return None


def _read_custom_smtp(options: dict[str, Any]) -> CustomSmtp:
    encryption = options.get("smtp_encryption") or None
    password = options.get("smtp_password") or None
    if encryption not in (None, "ssl", "starttls"):
        raise send_failure(
            f"smtp_encryption of the Email service must be ssl, starttls or empty, not {encryption}"
        )
    if password is not None and not isinstance(password, str):
        raise send_failure(
            "smtp_password of the Email service was encrypted by Anvil's hosted platform; "
            "give it as the option smtp-password instead."
        )
    return CustomSmtp(
        host=str(options["smtp_host"]),
        port=int(options.get("smtp_port") or (587 if encryption else 25)),
        encryption=encryption,
        username=options.get("smtp_user") or None,
        password=password,
    )


def mail_domain(instance: Instance) -> str:
    """The domain of senders that name none: the host of the instance's address."""
    return urlsplit(instance.origin).hostname or "localhost"


async def send_email(instance: Instance, email: Email) -> str:
    """Send it, or put it into the outbox; its Message-ID. Raises SendFailure."""
    domain = mail_domain(instance)
    message = await asyncio.to_thread(build_message, email, domain)
    server = find_smtp_server(instance)
    if server is None:
        try:
            await asyncio.to_thread(
                put_into_outbox, instance.config.data_dir, message, email.recipients
            )
        except OSError as error:
            raise send_failure(f"The e-mail could not be kept: {error.strerror}") from error
    else:
        sender = sender_of(email, domain).addr_spec
        await deliver_by_smtp(server, message, sender, email.recipients)
        logger.info("E-mail %s was handed to %s", message["Message-ID"], server.host)
    return str(message["Message-ID"])
