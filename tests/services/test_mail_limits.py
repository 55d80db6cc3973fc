"""What the mail server refuses, whoever asks."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app_server.email.incoming import listener
from app_server.email.incoming.delivery import DELIVERED, Outcome
from app_server.email.incoming.listener import MailServer
from app_server.errors import StartupError
from app_server.pdf.listener import make_certificate
from app_server.rates import RateLimits

Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Hosting:
    def find_for_mail(self, domain: str) -> Any:
        return SimpleNamespace(name=domain) if domain.endswith("studio.example") else None


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bytes]]:
    taken: list[tuple[str, str, bytes]] = []

    async def deliver(instance: Any, content: bytes, **about: Any) -> Outcome:
        taken.append((instance.name, about["recipient"], content))
        return DELIVERED

    monkeypatch.setattr(listener, "deliver", deliver)
    return taken


@pytest.fixture
async def server(delivered: Any) -> AsyncIterator[MailServer]:
    hosting: Any = Hosting()
    server = MailServer(hosting)
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()


async def connect(server: MailServer) -> Talk:
    return await asyncio.open_connection("127.0.0.1", server.port)


async def read_reply(talk: Talk) -> str:
    async with asyncio.timeout(20):
        line = (await talk[0].readline()).decode()
        while line[3:4] == "-":
            line = (await talk[0].readline()).decode()
    return line.strip()


async def say(talk: Talk, *lines: str) -> list[str]:
    replies = []
    for line in lines:
        talk[1].write(line.encode() + b"\r\n")
        replies.append(await read_reply(talk))
    return replies


async def greet(server: MailServer) -> Talk:
    talk = await connect(server)
    assert (await read_reply(talk)).startswith("220 ")
    await say(talk, "EHLO sender.example")
    return talk


async def test_it_relays_nothing(server: MailServer, delivered: list[Any]) -> None:
    talk = await greet(server)
    replies = await say(
        talk,
        "MAIL FROM:<zoe@example.org>",
        "RCPT TO:<x@elsewhere.example>",
        "RCPT TO:<postmaster>",
        "RCPT TO:<x@yoga.studio.example>",
        "DATA",
    )
    assert [reply[:3] for reply in replies] == ["250", "550", "550", "250", "354"]
    assert (await say(talk, "Subject: x\r\n\r\nx\r\n."))[0].startswith("250")
    assert [(name, to) for name, to, _ in delivered] == [
        ("yoga.studio.example", "x@yoga.studio.example")
    ]


async def test_a_message_for_nobody_to_answer(server: MailServer, delivered: list[Any]) -> None:
    """A report of failed delivery has no sender."""
    talk = await greet(server)
    await say(talk, "MAIL FROM:<>", "RCPT TO:<a@studio.example>", "DATA")
    assert (await say(talk, "Subject: x\r\n\r\nx\r\n."))[0].startswith("250")
    assert len(delivered) == 1


async def test_recipients(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_MAIL_RECIPIENTS", 2)
    talk = await greet(server)
    asked = [f"RCPT TO:<{name}@studio.example>" for name in ("a", "b", "c")]
    replies = await say(talk, "MAIL FROM:<zoe@example.org>", *asked)
    assert [reply[:3] for reply in replies] == ["250", "250", "250", "452"]


async def test_size(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, delivered: list[Any]
) -> None:
    monkeypatch.setattr(listener, "MAX_INCOMING_MAIL_BYTES", 1000)
    talk = await greet(server)
    assert (await say(talk, "MAIL FROM:<zoe@example.org> SIZE=1001"))[0].startswith("552")
    await say(talk, "MAIL FROM:<zoe@example.org>", "RCPT TO:<a@studio.example>", "DATA")
    large = "\r\n".join(["x" * 70] * 30)
    assert (await say(talk, f"Subject: x\r\n\r\n{large}\r\n."))[0].startswith("552")
    assert delivered == []


async def test_rate(server: MailServer, delivered: list[Any]) -> None:
    server.rates = RateLimits(0.001, 2)
    talk = await greet(server)
    replies = []
    for _ in range(3):
        await say(talk, "MAIL FROM:<zoe@example.org>", "RCPT TO:<a@studio.example>", "DATA")
        replies += await say(talk, "Subject: x\r\n\r\nx\r\n.")
    assert [reply[:3] for reply in replies] == ["250", "250", "451"]
    assert len(delivered) == 2


async def test_connections(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_MAIL_CONNECTIONS_PER_ADDRESS", 2)
    first, second = await greet(server), await greet(server)
    third = await connect(server)
    assert (await read_reply(third)).startswith("421")
    assert await third[0].read() == b""
    first[1].close()
    await first[1].wait_closed()
    for _ in range(100):
        again = await connect(server)
        if (await read_reply(again)).startswith("220"):
            break
    else:
        pytest.fail("a place that is free again was not given")
    assert (await say(second, "NOOP"))[0].startswith("250")


async def test_silence_and_endless_talk(delivered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("MAIL_COMMAND_SECONDS", "MAIL_CONNECTION_SECONDS"):
        with monkeypatch.context() as patch:
            patch.setattr(listener, limit, 0.2)
            hosting: Any = Hosting()
            server = MailServer(hosting)
            await server.start("127.0.0.1", 0)
            talk = await connect(server)
            await read_reply(talk)
            async with asyncio.timeout(20):
                await talk[0].read()  # until it hangs up
            await server.stop()


async def test_with_a_certificate_it_talks_in_private(delivered: list[Any], tmp_path: Path) -> None:
    key, certificate, _ = make_certificate()
    (tmp_path / "both.pem").write_bytes(key + certificate)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "both.pem")
    hosting: Any = Hosting()
    server = MailServer(hosting)
    await server.start("127.0.0.1", 0, tls)

    def talk() -> None:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=20) as client:
            trusting = ssl.create_default_context(cadata=certificate.decode())
            trusting.check_hostname = False
            client.starttls(context=trusting)
            client.sendmail("zoe@example.org", "a@studio.example", "Subject: x\r\n\r\nx\r\n")

    await asyncio.to_thread(talk)
    await server.stop()
    assert len(delivered) == 1


async def test_a_port_that_is_taken(server: MailServer) -> None:
    hosting: Any = Hosting()
    with pytest.raises(StartupError, match="Give another smtp-server-port"):
        await MailServer(hosting).start("127.0.0.1", server.port)


async def test_stopping_hangs_up(server: MailServer) -> None:
    talk = await greet(server)
    await server.stop()
    async with asyncio.timeout(20):
        assert await talk[0].read() == b""
