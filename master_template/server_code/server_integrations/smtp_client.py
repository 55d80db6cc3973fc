"""Speaking to a business's own mail server (RFC 5321), always encrypted."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage

import anvil.secrets
import anvil.server

from ..server_shared.errors import ProviderError
from .provider_addresses import find_public_address

TIMEOUT_SECONDS = 10.0
# PEM of further authorities that mail servers may be signed by: for an operator's own.
AUTHORITY_SECRET = "mail_certificate_authority"


class _Noting(smtplib.SMTP):
    """Knows whether it has begun to hand over a message, and whether that was taken."""

    is_handing_over = False
    is_taken = False

    def data(self, msg: bytes | str) -> tuple[int, bytes]:  # type: ignore[override]
        self.is_handing_over = True
        try:
            code, answer = super().data(msg)
        except smtplib.SMTPDataError:
            self.is_handing_over = False  # it was refused before it began
            raise
        # An answer, whatever it says, ends the doubt (RFC 5321 section 4.5.3.2.6).
        self.is_handing_over = False
        self.is_taken = code == 250
        return code, answer


class _Pinned(_Noting):
    """Connects to an address that has been looked at, and checks the certificate by the name."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((find_public_address(host, port), port), timeout)


class _PinnedTls(_Noting, smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((find_public_address(host, port), port), timeout)
        return self.context.wrap_socket(plain, server_hostname=host)


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        authority = anvil.secrets.get_secret(AUTHORITY_SECRET)
    except anvil.server.AnvilWrappedError:
        authority = None
    if authority:
        context.load_verify_locations(cadata=authority)
    return context


@contextmanager
def logged_in(values: Mapping[str, str]) -> Iterator[_Noting]:
    """A connection on which mail can be sent. Raises :class:`ProviderError` with what is wrong."""
    host, port = values["host"], int(values["port"])
    context = _tls_context()
    try:
        if values["security"] == "tls":
            server: _Noting = _PinnedTls(host, port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = _Pinned(host, port, timeout=TIMEOUT_SECONDS)
        with server:
            if values["security"] == "starttls":
                server.starttls(context=context)
            server.login(values["username"], values["password"])
            yield server
    except smtplib.SMTPAuthenticationError as error:
        raise ProviderError(
            "The mail server does not accept the user name and password.",
            permanent=True,
            code="provider_refused",
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise ProviderError(
            f"The certificate of {host} is not valid: {error.verify_message}.", permanent=True
        ) from error
    except ssl.SSLError as error:
        raise ProviderError(
            f"No encrypted connection to {host} could be made. Port 465 goes with TLS, port 587 "
            "with STARTTLS.",
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise ProviderError(
            f"The mail server {host} offers no encryption or no log-in on port {port}.",
            permanent=True,
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise ProviderError(
            f"The mail server refused the recipient: {_readable(text)}", permanent=code >= 500
        ) from error
    except smtplib.SMTPResponseException as error:
        raise ProviderError(
            f"The mail server answered: {_readable(error.smtp_error)}",
            permanent=error.smtp_code >= 500,
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise ProviderError(
            f"The mail server {host} could not be reached on port {port}.",
            code="provider_unreachable",
        ) from error


def send(
    values: Mapping[str, str], message: EmailMessage, recipient: str, return_path: str
) -> None:
    """Hand a message over; what cannot be delivered goes back to ``return_path``.

    Raises :class:`ProviderError`, which is uncertain where the message was on its way and no answer
    came.
    """
    server: _Noting | None = None
    try:
        with logged_in(values) as server:
            server.send_message(message, from_addr=return_path, to_addrs=[recipient])
    except ProviderError as error:
        if server is not None and server.is_taken:
            return  # only the farewell failed
        error.is_uncertain = server is not None and server.is_handing_over
        raise


def _readable(text: bytes | str) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(shown.split())[:200]
