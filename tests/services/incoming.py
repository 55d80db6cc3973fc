"""Mail that strangers send, signed or not, and the DNS that knows their keys."""

from __future__ import annotations

import base64
import smtplib
from email.message import EmailMessage
from email.policy import SMTP

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class Domain:
    """A domain with a DKIM key."""

    def __init__(self, name: str):
        self.name = name
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}".encode()

    def sign(self, content: bytes, *, has_length: bool = False) -> bytes:
        signature: bytes = dkim.sign(
            content,
            b"mail",
            self.name.encode(),
            self._private,
            include_headers=[b"From", b"Subject"],
            length=has_length,
        )
        return signature + content


class Dns:
    """TXT records."""

    def __init__(self, *domains: Domain):
        self._records = {f"mail._domainkey.{one.name}.": one.record for one in domains}
        self.asked: list[str] = []

    def __call__(self, name: str, _seconds: int) -> bytes | None:
        self.asked.append(name)
        return self._records.get(name)


def make_mail(
    *, sender: str = "Zoë <zoe@example.org>", to: str = "desk@studio.example", **headers: str
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = "Grüße"
    message["Message-ID"] = "<1@example.org>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Is there a place on Monday?\n")
    return message


def send(
    port: int,
    message: EmailMessage | bytes,
    *,
    sender: str = "zoe@example.org",
    to: str | list[str] = "desk@studio.example",
) -> dict[str, tuple[int, bytes]]:
    """Give it to the server at this port as another mail server would; what was refused."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        content = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
        return client.sendmail(sender, to, content)
