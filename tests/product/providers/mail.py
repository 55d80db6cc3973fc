"""Brevo, and a mail server with TLS."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.product.providers.server import Provider, Reply, Request


class Brevo(Provider):
    """https://developers.brevo.com/reference/getaccount, .../getsenders-1, .../sendtransacemail,
    .../getwebhooks, .../createwebhook, .../updatewebhook, .../createcontact"""

    name = "brevo"
    key = "xkeysib-0f9d2c7b1a3e4d5f-YogaStudioKey1"
    sender = "hello@yogastudio.example"

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, dict[str, Any]] = {}
        self.webhooks: dict[int, dict[str, Any]] = {}
        self.blocked: set[str] = set()

    def answer(self, request: Request) -> Reply:
        if request.headers.get("api-key") != self.key:
            return Reply(401, {"code": "unauthorized", "message": "Key not found"})
        if (request.method, request.path) == ("GET", "/v3/account"):
            account = {"email": "olga@yogastudio.example", "companyName": "Sunrise Yoga"}
            return Reply(200, {**account, "plan": [{"type": "free", "credits": 300}]})
        if (request.method, request.path) == ("GET", "/v3/senders"):
            known = {"id": 1, "name": "Sunrise Yoga", "email": self.sender, "active": True}
            return Reply(200, {"senders": [known]})
        if request.path.startswith("/v3/webhooks"):
            return self._webhook(request)
        if (request.method, request.path) == ("POST", "/v3/contacts"):
            contact = request.json
            assert contact["emailBlacklisted"] is True and contact["updateEnabled"] is True
            self.blocked.add(contact["email"])
            return Reply(204, None, raw=b"")
        assert (request.method, request.path) == ("POST", "/v3/smtp/email")
        mail = request.json
        assert all(isinstance(value, str) for value in mail["headers"].values())
        assert all(isinstance(tag, str) and tag for tag in mail.get("tags", []))
        assert set(mail) >= {"sender", "to", "subject", "htmlContent", "textContent", "headers"}
        assert mail["sender"]["email"] == self.sender
        [recipient] = mail["to"]
        assert "@" in recipient["email"] and recipient.get("name", "x") != ""
        key = str(uuid.UUID(mail["headers"]["idempotencyKey"]))
        if key in self.sent:
            message = "Idempotency key already used"
            return Reply(400, {"code": "duplicate_parameter", "message": message})
        self.sent[key] = mail
        return Reply(201, {"messageId": f"<{key}@smtp-relay.mailin.fr>"})

    def _webhook(self, request: Request) -> Reply:
        if request.method == "GET":
            assert request.query == {"type": "transactional"}
            listed = [{"id": number, **hook} for number, hook in self.webhooks.items()]
            if not listed:
                return Reply(404, {"code": "document_not_found", "message": "Webhook not found"})
            return Reply(200, {"webhooks": listed})
        hook = request.json
        assert set(hook["events"]) <= {
            *("sent", "request", "delivered", "hardBounce", "softBounce", "blocked", "spam"),
            *("invalid", "deferred", "click", "opened", "uniqueOpened", "unsubscribed"),
        }
        assert hook["type"] == "transactional" and hook["url"].startswith("http")
        assert hook["auth"]["type"] == "bearer" and len(hook["auth"]["token"]) >= 32
        if request.method == "PUT":
            number = int(request.path.rpartition("/")[2])
            self.webhooks[number].update(hook)
            return Reply(204, None, raw=b"")
        number = len(self.webhooks) + 5
        self.webhooks[number] = hook
        return Reply(201, {"id": number})


@dataclass
class MailServer:
    """A mail server that speaks TLS only, and lets one user in."""

    host: str = "localhost"
    username: str = "hello@yogastudio.example"
    password: str = " app  password 123 "
    port: int = 0
    refused: set[str] = field(default_factory=set)
    messages: list[EmailMessage] = field(default_factory=list)
    return_paths: list[str] = field(default_factory=list)

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages.append(message_from_bytes(envelope.content, policy=default_policy))
        self.return_paths.append(envelope.mail_from)
        return "250 OK"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        given = (data.login, data.password) if isinstance(data, LoginPassword) else None
        wanted = (self.username.encode(), self.password.encode())
        return AuthResult(success=given == wanted, handled=False)


def make_authority(folder: Path) -> tuple[str, ssl.SSLContext]:
    """A certificate for localhost that signs itself, as PEM, and the context of its server."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "mail_server.pem"
    file.write_bytes(pem + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return pem.decode(), context


@contextmanager
def serve_mail(server: MailServer, context: ssl.SSLContext) -> Iterator[None]:
    """Serve with STARTTLS until the block ends."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    def make_protocol() -> SMTP:
        return SMTP(
            server,
            hostname="localhost",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=server.authenticate,
            loop=loop,
        )

    async def listen() -> None:
        listening = await loop.create_server(make_protocol, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(listen())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
