"""Mail that comes in, through a real server to ``@anvil.email.handle_message`` and back."""

from __future__ import annotations

import email as email_library
import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest

from tests.app_server.running import RunningServer, serve_app
from tests.services.incoming import make_mail, send

ANVIL_YAML = """
package_name: shop
name: Yoga Studio
runtime_options: {version: 3, server_persist: true}
services:
- source: /runtime/services/tables.yml
  client_config: {enable_v2: true}
- source: /runtime/services/anvil/email.yml
db_schema:
  mails:
    title: Mails
    client: none
    server: full
    columns:
    - {name: subject, type: string}
    - {name: about, type: simpleObject}
    - {name: file, type: media}
"""

SERVER_CODE = """
import anvil.email
import anvil.server
from anvil.tables import app_tables


@anvil.email.handle_message
def take(message):
    print("Mail for", message.envelope.recipient)
    assert anvil.server.context.client.type == "email"
    if "refuse" in message.subject:
        raise anvil.email.DeliveryFailure("We take no such mail", 553)
    if "later" in message.envelope.recipient:
        raise anvil.email.DeliveryFailure("Come again", smtp_code=450)
    if "break" in message.subject:
        raise KeyError("a secret of ours")
    app_tables.mails.add_row(
        subject=message.subject,
        about={
            "from": message.addressees.from_address.name,
            "to": [one.address for one in message.addressees.to_addresses],
            "text": message.text,
            "message_id": message.get_header("message-id"),
            "received": len(message.list_header("Received")),
            "inline": {key: media.name for key, media in message.inline_attachments.items()},
            "recipient": message.envelope.recipient,
            "signed": message.dkim.valid_from_sender,
        },
        file=message.attachments[0] if message.attachments else None,
    )
    if "answer" in message.subject:
        message.reply(text="Yes, there is.")


@anvil.server.callable
def list_mails():
    return [
        {**row["about"], "subject": row["subject"], "file": row["file"] and row["file"].length}
        for row in app_tables.mails.search()
    ]
"""

SIGNED_ONLY = """
import anvil.email


@anvil.email.handle_message(require_dkim=True)
def take(message):
    pass
"""


def start(folder: Path, code: str, database_url: str = "") -> Any:
    return serve_app(
        folder,
        {"server_code/main.py": code},
        "--smtp-server-port=0",
        **({"database_url": database_url} if database_url else {}),
        anvil_yaml=ANVIL_YAML if database_url else ANVIL_YAML.split("db_schema")[0],
    )


def mail_port(server: RunningServer) -> int:
    match = re.search(r"Receiving e-mail on \S+ port (\d+)", "".join(server.log))
    assert match
    return int(match[1])


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[RunningServer]:
    with start(tmp_path, SERVER_CODE, database_url) as server:
        yield server


def answers(folder: Path) -> list[EmailMessage]:
    paths = sorted((folder / "data" / "outbox").glob("*.eml"))
    return [email_library.message_from_bytes(p.read_bytes(), policy=modern) for p in paths]


def test_a_message_reaches_the_app(server: RunningServer) -> None:
    message = make_mail(Received="from a by b; Sat, 1 Mar 2026 12:00:00 +0000")
    message.add_attachment(b"\x00" * 200_000, maintype="image", subtype="png", filename="a.png")
    assert send(mail_port(server), message, to=["desk@studio.example", "Bcc@Studio.example"]) == {}
    with server.browser() as browser:
        mails = browser.call("list_mails")
    assert [mail["recipient"] for mail in mails] == ["desk@studio.example", "Bcc@Studio.example"]
    expected = {
        "subject": "Grüße",
        "from": "Zoë",
        "to": ["desk@studio.example"],
        "message_id": "<1@example.org>",
        "received": 1,
        "inline": {},
        "signed": False,
        "file": 200_000,
    }
    assert mails[0].items() >= expected.items()
    assert mails[0]["text"].strip() == "Is there a place on Monday?"
    assert "Mail for desk@studio.example" in "".join(server.log)


def test_replies_and_loops(server: RunningServer, tmp_path: Path) -> None:
    message = make_mail(References="<0@example.org>")
    message.replace_header("Subject", "Please answer")
    send(mail_port(server), message)
    [answer] = answers(tmp_path)
    assert answer["To"] == "Zoë <zoe@example.org>"
    assert answer["From"].addresses[0].addr_spec == "desk@studio.example"
    assert answer["In-Reply-To"] == "<1@example.org>"
    assert answer["References"] == "<0@example.org> <1@example.org>"
    assert answer["Auto-Submitted"] == "auto-replied"
    # Another app that answers as well: it ends.
    del answer["X-Envelope-To"]
    count = 0
    while True:
        assert count < 20
        answer.replace_header("Subject", "An answer to your answer")
        try:
            send(mail_port(server), answer.as_bytes(policy=SMTP))
        except smtplib.SMTPDataError as error:
            assert (error.smtp_code, b"mail loop" in error.smtp_error) == (554, True)
            break
        count += 1
        answer = answers(tmp_path)[-1]
    assert count == 4


def test_refusals(server: RunningServer) -> None:
    def refused(subject: str) -> tuple[int, bytes]:
        message = make_mail()
        message.replace_header("Subject", subject)
        with pytest.raises(smtplib.SMTPDataError) as caught:
            send(mail_port(server), message)
        error = caught.value
        assert isinstance(error.smtp_error, bytes)
        return error.smtp_code, error.smtp_error

    assert refused("refuse this") == (553, b"We take no such mail")
    code, text = refused("break this")
    assert code == 451
    assert b"secret" not in text
    assert "a secret of ours" in "".join(server.log)
    assert refused("refuse this")[0] == 553  # it serves on


def test_who_got_it_gets_it_once(server: RunningServer) -> None:
    """One recipient's failure makes the sender try all of them again."""
    for _ in range(2):
        with pytest.raises(smtplib.SMTPDataError) as caught:
            send(mail_port(server), make_mail(), to=["desk@studio.example", "later@studio.example"])
        assert caught.value.smtp_code == 450
    with server.browser() as browser:
        assert len(browser.call("list_mails")) == 1


def test_unsigned_mail_where_a_signature_is_wanted(tmp_path: Path) -> None:
    with start(tmp_path, SIGNED_ONLY) as server, pytest.raises(smtplib.SMTPDataError) as caught:
        send(mail_port(server), make_mail())
    assert caught.value.smtp_code == 554
    assert b"No valid DKIM signature for zoe@example.org" in caught.value.smtp_error


def test_an_app_that_takes_no_mail(tmp_path: Path) -> None:
    with start(tmp_path, "") as server, pytest.raises(smtplib.SMTPDataError) as caught:
        send(mail_port(server), make_mail())
    assert caught.value.smtp_code == 551
