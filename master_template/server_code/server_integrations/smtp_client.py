"""Speaking to a business's own mail server (RFC 5321), always encrypted."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage

import anvil.secrets
import anvil.server

from ..server_shared.errors import ProviderError
from .provider_addresses import find_public_address

TIMEOUT_SECONDS = 10.0
# PEM of further authorities that mail servers may be signed by: for an operator's own.
AUTHORITY_SECRET = "mail_certificate_authority"
# How mail servers say that an account may send no more for now, as enhanced codes: Gmail ("Daily
# user sending limit exceeded") and Zoho ("Unusual sending activity detected").
_OVER_LIMIT = ("5.4.5 ", "5.4.6 ")


class _Noting(smtplib.SMTP):
    """Knows whether it is handing over a message, and whether that was taken."""

    is_handing_over = False
    is_taken = False
    _is_asking = False

    def data(self, msg: bytes | str) -> tuple[int, bytes]:  # type: ignore[override]
        self._is_asking = True
        code, answer = super().data(msg)
        if code // 100 in (2, 4, 5):
            # Only such an answer ends the doubt (RFC 5321, sections 4.2.1 and 4.2.5).
            self.is_handing_over = False
        self.is_taken = code // 100 == 2
        return code, answer

    def getreply(self) -> tuple[int, bytes]:
        code, answer = super().getreply()
        if self._is_asking and code == 354:
            self.is_handing_over = True  # before that nothing of the message has left
        return code, answer

    def __exit__(self, *args: object) -> None:
        # Whatever becomes of the farewell, it changes nothing of what was said before.
        with suppress(smtplib.SMTPException, OSError):
            super().__exit__(*args)
        self.close()


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
    except (smtplib.SMTPException, OSError) as error:
        raise _failure(error, host, port) from error


def _failure(error: Exception, host: str, port: int) -> ProviderError:
    """What went wrong. Only what is wrong with this one mail is permanent; what would meet every
    mail (a password, a limit) says so by its code, and may be put right before it is given up."""
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code) if code >= 500:
            return _for_all("The mail server does not accept the user name and password.")
        case ssl.SSLCertVerificationError(verify_message=reason):
            return _for_all(f"The certificate of {host} is not valid: {reason}.")
        case ssl.SSLError():
            return _for_all(
                f"No encrypted connection to {host} could be made. Port 465 goes with TLS, port "
                "587 with STARTTLS.",
                "provider_unreachable",
            )
        case smtplib.SMTPNotSupportedError():
            return _for_all(
                f"The mail server {host} offers no encryption or no log-in on port {port}."
            )
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            code, text = next(iter(recipients.values()))
            what = f"The mail server refused the recipient: {_readable(text)}"
            return _for_one(what, code, text)
        case smtplib.SMTPDataError(smtp_code=code, smtp_error=text):
            return _for_one(f"The mail server answered: {_readable(text)}", code, text)
        case smtplib.SMTPSenderRefused(smtp_code=552, smtp_error=text):
            # RFC 1870: that this message is too long is said here already.
            return _for_one(f"The mail server answered: {_readable(text)}", 552, text)
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=text):
            busy_or_refused = "provider_refused" if code >= 500 else "provider_busy"
            return _for_all(f"The mail server answered: {_readable(text)}", busy_or_refused)
    return _for_all(
        f"The mail server {host} could not be reached on port {port}.", "provider_unreachable"
    )


def _for_all(message: str, code: str = "provider_refused") -> ProviderError:
    return ProviderError(message, code=code)


def _for_one(message: str, code: int, text: bytes | str) -> ProviderError:
    """An answer to a recipient or a message. 421 closes the connection whatever it answers (RFC
    5321, section 3.8), and some say here that the account has sent its share."""
    shown = _readable(text)
    if code == 421:
        return _for_all(message, "provider_busy")
    if shown.startswith(_OVER_LIMIT):
        return _for_all(message, "provider_busy")
    return ProviderError(message, permanent=code >= 500)


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
            return  # by an answer other than 250, which says the same
        error.is_uncertain = server is not None and server.is_handing_over
        raise


def _readable(text: bytes | str) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(shown.split())[:200]
