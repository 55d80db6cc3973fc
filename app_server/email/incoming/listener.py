"""The SMTP server (option ``smtp-server-port``), with its limits.

It takes mail only for the apps that it serves and relays nothing. There is no log-in; TLS
is offered where the server has a certificate (RFC 3207).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
import time
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from app_server.email.incoming.delivery import TOO_BUSY, Outcome, deliver
from app_server.email.incoming.signatures import LookUp, look_up_txt
from app_server.errors import StartupError
from app_server.limits import (
    MAIL_BURST,
    MAIL_COMMAND_SECONDS,
    MAIL_CONNECTION_SECONDS,
    MAX_INCOMING_MAIL_BYTES,
    MAX_MAIL_CONNECTIONS,
    MAX_MAIL_CONNECTIONS_PER_ADDRESS,
    MAX_MAIL_RECIPIENTS,
    MAX_MAILS_PER_MINUTE,
)
from app_server.rates import RateLimits

if TYPE_CHECKING:
    from app_server.hosting import Hosting
    from app_server.instance import Instance

logger = logging.getLogger("app_server.email")

NAME = "Anvil App Server"
MAX_LINE_BYTES = 8192
"""RFC 5322, 2.1.1, allows 998 characters; more is seen."""

MAX_COMMANDS = 200
"""Of one kind in one connection."""

REMEMBERED_SECONDS = 24 * 3600
MAX_REMEMBERED = 10_000


class MailServer:
    """Receives mail for the instances of ``hosting``. ``look_up`` gets TXT records."""

    def __init__(self, hosting: Hosting, *, look_up: LookUp = look_up_txt):
        self._hosting = hosting
        self._look_up = look_up
        self._server: asyncio.Server | None = None
        self._connections: Counter[str] = Counter()
        self._protocols: set[_Connection] = set()
        self.rates = RateLimits(MAX_MAILS_PER_MINUTE / 60, MAIL_BURST)
        self._delivered: OrderedDict[bytes, float] = OrderedDict()
        self.port = 0
        self.tls: ssl.SSLContext | None = None

    async def start(self, ip: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen; with a certificate, senders may use STARTTLS. StartupError where that cannot
        be."""
        self.tls = tls
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), ip, port)
        except OSError as error:
            raise StartupError(
                f"Mail cannot be received on {ip} port {port}: {error.strerror}. Give another "
                "smtp-server-port, or leave it out."
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]
        logger.info("Receiving e-mail on %s port %d", ip, self.port)

    async def stop(self) -> None:
        """Listen no more; messages that are being delivered are finished by their sender's next
        try."""
        if self._server is not None:
            self._server.close()
        for protocol in list(self._protocols):
            protocol.hang_up()

    # Who is talking to us

    def admit(self, protocol: _Connection, ip: str) -> bool:
        """Whether one more connection may be had; ``leave`` when it ends."""
        self._protocols.add(protocol)
        self._connections[ip] += 1
        return (
            self._connections.total() <= MAX_MAIL_CONNECTIONS
            and self._connections[ip] <= MAX_MAIL_CONNECTIONS_PER_ADDRESS
        )

    def leave(self, protocol: _Connection, ip: str) -> None:
        if protocol in self._protocols:
            self._protocols.discard(protocol)
            self._connections[ip] -= 1
            if not self._connections[ip]:
                del self._connections[ip]

    # What aiosmtpd asks

    def find(self, address: str) -> Instance | None:
        """Whose mail it is. An instance that is served alone takes mail for every domain, as
        Anvil's server does; of several, each takes that for its host name."""
        return self._hosting.find_for_mail(address.rpartition("@")[2].lower())

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_MAIL_RECIPIENTS:
            return f"452 4.5.3 At most {MAX_MAIL_RECIPIENTS} recipients at a time"
        if "@" not in address or self.find(address) is None:
            return "550 5.1.2 Nobody here has this address, and nothing is relayed"
        if address not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        ip = str(session.peer[0]) if session.peer else ""
        if not self.rates.allows(ip):
            return str(TOO_BUSY)
        content = envelope.original_content or b""
        sender = envelope.mail_from or ""
        outcome = await self._deliver_to_all(content, sender, list(envelope.rcpt_tos), ip)
        return str(outcome)

    async def _deliver_to_all(
        self, content: bytes, sender: str, recipients: list[str], ip: str
    ) -> Outcome:
        """One reply has to do for all: the first refusal. The sender then tries all of them again,
        so those that have got the message already are remembered and left out."""
        digests = {one: _digest(content, sender, one) for one in recipients}
        got_it: list[bytes] = []
        refusal = None
        outcome = TOO_BUSY
        for recipient in recipients:
            instance = self.find(recipient)
            if instance is None:
                continue
            if self._has_delivered(digests[recipient]):
                outcome = Outcome(250, "2.0.0 Delivered before")
                continue
            outcome = await deliver(
                instance, content, sender=sender, recipient=recipient, ip=ip, look_up=self._look_up
            )
            if outcome.is_delivered:
                got_it.append(digests[recipient])
            else:
                refusal = refusal or outcome
        if refusal is not None:
            for digest in got_it:
                self._remember(digest)
        return refusal or outcome

    def _has_delivered(self, digest: bytes) -> bool:
        return self._delivered.get(digest, 0.0) > time.monotonic()

    def _remember(self, digest: bytes) -> None:
        self._delivered[digest] = time.monotonic() + REMEMBERED_SECONDS
        if len(self._delivered) > MAX_REMEMBERED:
            self._delivered.popitem(last=False)


def _digest(content: bytes, sender: str, recipient: str) -> bytes:
    return hashlib.sha256(f"{sender}\0{recipient}\0".encode() + content).digest()


class _Connection(SMTP):
    """One sender's connection."""

    line_length_limit = MAX_LINE_BYTES

    def __init__(self, owner: MailServer):
        super().__init__(
            owner,
            data_size_limit=MAX_INCOMING_MAIL_BYTES,
            enable_SMTPUTF8=True,
            decode_data=False,
            ident=NAME,
            tls_context=owner.tls,
            timeout=MAIL_COMMAND_SECONDS,
            command_call_limit={"*": MAX_COMMANDS},
        )
        self._owner = owner
        self._ip = ""
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._ip = str(peer[0]) if peer else ""
        if not self._owner.admit(self, self._ip):
            self._owner.leave(self, self._ip)
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"421 4.7.0 Too many connections. Please try again later.\r\n")
            transport.close()
            return
        loop = asyncio.get_running_loop()
        self._end = loop.call_later(MAIL_CONNECTION_SECONDS, self.hang_up)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.leave(self, self._ip)
        if self._end is None:
            return  # it was never let in
        self._end.cancel()
        super().connection_lost(error)

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()
