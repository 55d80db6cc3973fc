"""What leaves the server by e-mail, seen by a real SMTP receiver."""

from __future__ import annotations

import email
import errno
import logging
import ssl
import stat
from email.policy import default as modern
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app_server.email import Email, parse_addresses, send_email
from app_server.email.delivery import deliver_by_smtp
from app_server.email.message import build_message
from app_server.errors import AnvilError
from app_server.wire.values import Media
from tests.services.doubles import MailReceiver, Smtp, make_app, make_instance

SERVICE = "/runtime/services/anvil/email.yml"


def mail_to(to: Any = "carl@example.com", **values: Any) -> Email:
    addresses = {
        name: parse_addresses(name, values.pop(name, None)) for name in ("cc", "bcc", "reply_to")
    }
    return Email(to=parse_addresses("to", to), **addresses, **{"text": "Hello", **values})


def received(receiver: MailReceiver) -> Any:
    [envelope] = receiver.messages
    return email.message_from_bytes(envelope.content, policy=modern)


async def test_sends_every_part_of_a_message(tmp_path: Path, mail_receiver: MailReceiver) -> None:
    instance = make_instance(tmp_path, make_app({}), smtp=await mail_receiver.start())
    message_id = await send_email(
        instance,
        mail_to(
            ["Carl Müller <carl@example.com>", "zoe@bücher.example"],
            cc="mia@example.com, Sam <sam@example.com>",
            bcc="olga@example.com",
            reply_to="desk@example.com",
            from_address="desk",
            from_name="Front desk",
            subject="Grüße",
            text="plain ünï",
            html="<p>rich <img src='cid:logo'></p>",
            attachments=(Media("text/csv; charset=utf-8", b"a,b\n", "list.csv"),),
            inline={"logo": Media("image/png", b"\x89PNG", None)},
        ),
    )
    [envelope] = mail_receiver.messages
    assert envelope.mail_from == "desk@yogastudio.localhost"
    assert envelope.rcpt_tos == [
        "carl@example.com",
        "zoe@xn--bcher-kva.example",
        "mia@example.com",
        "sam@example.com",
        "olga@example.com",
    ]
    message = received(mail_receiver)
    assert message["Message-ID"] == message_id
    assert message["From"] == "Front desk <desk@yogastudio.localhost>"
    assert message["Subject"] == "Grüße"
    assert message["Reply-To"] == "desk@example.com"
    assert message["To"].addresses[0].display_name == "Carl Müller"
    assert "olga" not in envelope.content.decode("ascii")
    assert message.get_body(("plain",)).get_content().strip() == "plain ünï"
    assert "cid:logo" in message.get_body(("html",)).get_content()
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "list.csv"
    assert attachment.get_payload(decode=True) == b"a,b\n"
    images = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert [image["Content-ID"] for image in images] == ["<logo>"]
    assert not list((tmp_path).iterdir())


async def test_sends_to_nobody_when_one_recipient_is_refused(
    tmp_path: Path, mail_receiver: MailReceiver
) -> None:
    mail_receiver.refused = {"gone@example.com"}
    instance = make_instance(tmp_path, make_app({}), smtp=await mail_receiver.start())
    with pytest.raises(AnvilError, match="550.*no such mailbox") as caught:
        await send_email(instance, mail_to(["carl@example.com", "gone@example.com"]))
    assert caught.value.type_name == "anvil.email.SendFailure"
    assert mail_receiver.messages == []


async def test_logs_in_at_the_mail_server(tmp_path: Path, mail_receiver: MailReceiver) -> None:
    mail_receiver.login = ("studio", "right")
    server = await mail_receiver.start()
    instance = make_instance(tmp_path, make_app({}), smtp=server)
    server.username, server.password = "studio", "wrong"
    with pytest.raises(AnvilError, match="smtp-username and smtp-password"):
        await send_email(instance, mail_to())
    server.password = "right"
    await send_email(instance, mail_to())
    assert len(mail_receiver.messages) == 1


async def test_starttls_is_required_where_asked_for(
    mail_receiver: MailReceiver, tls: SimpleNamespace
) -> None:
    mail_receiver.tls_context = tls.server
    server = await mail_receiver.start()
    server.encryption = "starttls"
    message = build_message(mail_to(), "yogastudio.localhost")
    with pytest.raises(AnvilError, match="certificate"):
        await deliver_by_smtp(server, message, "a@x.example", ["carl@example.com"])
    await deliver_by_smtp(
        server, message, "a@x.example", ["carl@example.com"], tls_context=tls.client
    )
    assert len(mail_receiver.messages) == 1


async def test_refuses_a_server_without_the_tls_it_was_told_of(
    tmp_path: Path, mail_receiver: MailReceiver
) -> None:
    server = await mail_receiver.start()
    server.encryption = "starttls"
    instance = make_instance(tmp_path, make_app({}), smtp=server)
    with pytest.raises(AnvilError) as caught:
        await send_email(instance, mail_to())
    assert caught.value.type_name == "anvil.email.SendFailure"
    assert mail_receiver.messages == []


async def test_says_where_it_could_not_connect(tmp_path: Path, mail_receiver: MailReceiver) -> None:
    server = await mail_receiver.start()
    mail_receiver.stop()
    instance = make_instance(tmp_path, make_app({}), smtp=server)
    with pytest.raises(AnvilError, match=f"127.0.0.1:{server.port} could not be reached"):
        await send_email(instance, mail_to())


async def test_without_a_server_the_message_waits_in_the_outbox(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app_server.email")
    instance = make_instance(tmp_path / "data", make_app({}))
    await send_email(instance, mail_to(subject="Please confirm", bcc="olga@example.com"))
    [path] = (tmp_path / "data" / "outbox").iterdir()
    message = email.message_from_bytes(path.read_bytes(), policy=modern)
    assert message["X-Envelope-To"] == "carl@example.com, olga@example.com"
    assert message.get_content().strip() == "Hello"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Please confirm" in caplog.text
    assert str(path) in caplog.text


async def test_a_full_disk_is_a_failure_to_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "rename", rename)
    instance = make_instance(tmp_path, make_app({}))
    with pytest.raises(AnvilError, match="No space left") as caught:
        await send_email(instance, Email(to=parse_addresses("to", "carl@example.com"), text="x"))
    assert caught.value.type_name == "anvil.email.SendFailure"
    assert list((tmp_path / "outbox").iterdir()) == []


async def test_test_mode_keeps_mail_in_the_outbox(
    tmp_path: Path, mail_receiver: MailReceiver
) -> None:
    app = make_app({SERVICE: {"test_mode": True}})
    instance = make_instance(tmp_path, app, smtp=await mail_receiver.start())
    await send_email(instance, mail_to())
    assert mail_receiver.messages == []
    assert len(list((tmp_path / "outbox").iterdir())) == 1


async def test_the_apps_own_server_is_used_when_the_operator_names_none(
    tmp_path: Path, mail_receiver: MailReceiver
) -> None:
    server = await mail_receiver.start()
    options = {"custom_smtp": True, "smtp_host": server.host, "smtp_port": server.port}
    await send_email(make_instance(tmp_path, make_app({SERVICE: options})), mail_to())
    assert len(mail_receiver.messages) == 1
    elsewhere = Smtp("127.0.0.1", 9)
    with pytest.raises(AnvilError, match=":9 could not"):
        await send_email(
            make_instance(tmp_path, make_app({SERVICE: options}), smtp=elsewhere), mail_to()
        )


@pytest.mark.parametrize(
    "values",
    [
        {"subject": "Hi\r\nBcc: evil@example.com"},
        {"from_name": "Desk\nBcc: evil@example.com"},
        {"from_address": "desk@example.com\nBcc: evil@example.com"},
        {"in_reply_to": "<1@x>\nBcc: evil@example.com"},
        {"references": "<1@x>\rBcc: evil@example.com"},
        {"attachments": (Media("text/plain", b"", "a\nBcc: evil@example.com"),)},
        {"attachments": (Media("text/plain\nBcc: evil@example.com", b"", "a"),)},
        {"inline": {"x>\nBcc: e@example.com": Media("text/plain", b"")}, "html": "x"},
    ],
)
def test_refuses_values_that_would_start_a_header(values: dict[str, Any]) -> None:
    with pytest.raises(AnvilError, match="one line") as caught:
        build_message(mail_to(**values), "yogastudio.localhost")
    assert caught.value.type_name == "anvil.email.SendFailure"


@pytest.mark.parametrize(
    "to",
    [
        "carl@example.com\nBcc: evil@example.com",
        ["carl@example.com\nBcc: evil@example.com"],
        ["a@example.com, b@example.com"],
        "carl",
        "carl@",
        "@example.com",
        "carl example.com",
        ["a@example.com", ""],
        42,
        [42],
    ],
)
def test_refuses_what_is_no_address(to: object) -> None:
    with pytest.raises(AnvilError) as caught:
        parse_addresses("to", to)
    assert caught.value.type_name == "anvil.email.SendFailure"


def test_an_app_may_say_how_its_mail_is_left() -> None:
    headers = {"List-Unsubscribe": "<https://x.example/u>", "List-Id": "<news.x.example>"}
    message = build_message(mail_to(headers=headers), "yogastudio.localhost")
    assert {name: message[name] for name in headers} == headers
    for wrong in ({"From": "a@b.example"}, {"List-Id": "x\r\nBcc: a@b.example"}):
        with pytest.raises(AnvilError):
            build_message(mail_to(headers=wrong), "yogastudio.localhost")


def test_needs_a_recipient() -> None:
    with pytest.raises(AnvilError, match="at least one recipient"):
        build_message(mail_to(None), "yogastudio.localhost")


def test_refuses_a_message_too_large_to_arrive() -> None:
    huge = Media("application/zip", b"x" * (20 * 1024 * 1024), "all.zip")
    with pytest.raises(AnvilError, match="larger than 25 MB"):
        build_message(mail_to(attachments=(huge,)), "yogastudio.localhost")


@pytest.fixture
def tls(tmp_path: Path) -> SimpleNamespace:
    """Contexts of a server with a certificate of its own, and of a client that trusts it."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return SimpleNamespace(server=server, client=ssl.create_default_context(cafile=pem))


def test_what_is_sent_while_mail_is_handled_says_so() -> None:
    kinds = {None: "auto-generated", "<1@example.org>": "auto-replied"}
    for in_reply_to, kind in kinds.items():
        message = build_message(mail_to(in_reply_to=in_reply_to, hops=3), "studio.example")
        assert message["Auto-Submitted"] == kind
        assert message["X-Anvil-Automatic-Replies"] == "3"
    assert build_message(mail_to(), "studio.example")["Auto-Submitted"] is None
