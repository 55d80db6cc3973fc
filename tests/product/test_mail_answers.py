"""What the answers of mail servers mean, at each step of the dialogue and by both ways to send:
surely not gone, for this mail or for all, or perhaps gone (RFC 5321, sections 3 and 4.2)."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from types import SimpleNamespace

import pytest

from app_server.email import delivery
from app_server.errors import AnvilError
from master_template.server_emails import mail_senders
from master_template.server_emails.mail_senders import LATER, REFUSED, TAKEN, UNKNOWN, OutgoingMail
from master_template.server_integrations import smtp_client
from tests.product.scripted_mail_server import DROP, HANG, ScriptedMailServer, serve

MAIL = OutgoingMail("m1", "a@x.example", "A", "Hello", "Hello", "<p>Hello</p>", "Studio", "")
PATIENCE_SECONDS = 0.4
ALL = ["provider_refused", "provider_busy", "provider_unreachable"]
NOT_ALLOWED, BUSY, AWAY = ALL
NOBODY = ""  # it is about this mail alone

# The step, its answer, what becomes of the mail, and by what code every mail waits.
ANSWERS = [
    ("greeting", "554 5.7.1 no service for you", LATER, NOT_ALLOWED),
    ("greeting", "421 4.3.2 too many connections", LATER, BUSY),
    ("greeting", DROP, LATER, AWAY),
    ("greeting", HANG, LATER, AWAY),
    ("AUTH", "535 5.7.8 wrong password", LATER, NOT_ALLOWED),
    ("AUTH", "454 4.7.0 temporary failure", LATER, BUSY),
    ("AUTH", DROP, LATER, AWAY),
    ("MAIL", "553 5.7.1 not your address", LATER, NOT_ALLOWED),
    ("MAIL", "451 4.3.0 try later", LATER, BUSY),
    ("MAIL", "552 5.3.4 message too long", REFUSED, NOBODY),
    ("RCPT", "550 5.1.1 no such mailbox", REFUSED, NOBODY),
    ("RCPT", "553 5.1.3 bad address", REFUSED, NOBODY),
    ("RCPT", "450 4.2.0 greylisted", LATER, NOBODY),
    ("RCPT", "452 4.2.2 mailbox full", LATER, NOBODY),
    ("RCPT", "421 4.7.0 closing", LATER, BUSY),
    ("RCPT", DROP, LATER, AWAY),
    ("RCPT", HANG, LATER, AWAY),
    ("DATA", "554 5.5.1 no valid recipients", REFUSED, NOBODY),
    ("DATA", "451 4.3.0 disk full", LATER, NOBODY),
    ("message", "554 5.7.1 spam", REFUSED, NOBODY),
    ("message", "552 5.3.4 too long", REFUSED, NOBODY),
    ("message", "451 4.7.1 greylisted", LATER, NOBODY),
    ("message", "421 4.3.0 closing", LATER, BUSY),
    # From here on the message has been read: only a clear answer says what became of it.
    ("message", DROP, UNKNOWN, NOBODY),
    ("message", HANG, UNKNOWN, NOBODY),
    ("message", "what was that?", UNKNOWN, NOBODY),
    ("message", "354 go ahead", UNKNOWN, NOBODY),
    ("QUIT", DROP, TAKEN, NOBODY),
    ("QUIT", HANG, TAKEN, NOBODY),
    ("QUIT", "500 5.5.1 what?", TAKEN, NOBODY),
    ("QUIT", "421 4.4.2 bye", TAKEN, NOBODY),
]
# Where the two ways differ: what the instance's own server hears before it may hand over, and
# other words for a yes, it takes for a doubt, which is the safe side.
OF_OWN_MAIL_SERVER = [
    ("DATA", DROP, LATER, AWAY),
    ("DATA", HANG, LATER, AWAY),
    ("message", "251 forwarded", TAKEN, NOBODY),
    ("message", "550 5.4.5 Daily user sending limit exceeded", LATER, BUSY),
    ("RCPT", "550 5.4.6 Unusual sending activity detected", LATER, BUSY),
]
OF_INSTANCE = [
    ("DATA", DROP, UNKNOWN, NOBODY),
    ("DATA", HANG, UNKNOWN, NOBODY),
    ("message", "251 forwarded", UNKNOWN, NOBODY),
]


def by_own_mail_server(server: ScriptedMailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send as a business does that has its own mail server; here without encryption."""
    monkeypatch.setattr(smtp_client, "TIMEOUT_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(smtp_client, "_tls_context", lambda: None)
    monkeypatch.setattr(smtp_client, "find_public_address", lambda host, port: "127.0.0.1")
    values = {"host": "localhost", "port": str(server.port), "security": "none"}
    values |= {"username": "u", "password": "p"}

    def send(mail: OutgoingMail) -> str:
        smtp_client.send(values, message(), mail.to, "studio@x.example")
        return "reference"

    monkeypatch.setattr(mail_senders, "choose_sender", lambda: ("smtp", send))


def by_instance(server: ScriptedMailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send as the instance does, and read its words as the product does."""
    monkeypatch.setattr(delivery, "CONNECT_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(delivery, "COMMAND_SECONDS", PATIENCE_SECONDS)
    options = {"encryption": None, "username": "u", "password": "p"}
    smtp = SimpleNamespace(host="127.0.0.1", port=server.port, **options)

    def send(mail: OutgoingMail) -> str:
        try:
            asyncio.run(delivery.deliver_by_smtp(smtp, message(), "studio@x.example", [mail.to]))
        except AnvilError as error:
            raise mail_senders.server_failure(str(error)) from error
        return ""

    monkeypatch.setattr(mail_senders, "choose_sender", lambda: ("server", send))


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "studio@x.example", MAIL.to, MAIL.subject
    made.set_content(MAIL.text)
    return made


@pytest.mark.parametrize(
    ("way", "step", "answer", "state", "code"),
    [(way, *row) for way in (by_own_mail_server, by_instance) for row in ANSWERS]
    + [(by_own_mail_server, *row) for row in OF_OWN_MAIL_SERVER]
    + [(by_instance, *row) for row in OF_INSTANCE],
)
def test_an_answer_says_whether_a_mail_has_gone(
    monkeypatch: pytest.MonkeyPatch, way: object, step: str, answer: str, state: str, code: str
) -> None:
    with serve(**{step: answer}) as server:
        way(server, monkeypatch)  # type: ignore[operator]
        attempt = mail_senders.attempt(MAIL)
    assert (attempt.state, attempt.is_for_all) == (state, code in ALL), attempt.message
    assert not code or attempt.code == code
    if answer[0].isdigit() and state != TAKEN and step != "AUTH":
        assert answer[4:] in attempt.message, "in the server's own words"
    # Whatever is said to be surely not gone is not at the server, and what is taken is.
    assert server.received <= (state in (TAKEN, UNKNOWN))
    assert server.received == 1 or state != TAKEN


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("Invalid email address: a b@x.example", REFUSED),
        ("An e-mail may have at most 100 recipients.", REFUSED),
        # Of other servers nobody knows the words, and a mail server may say anything.
        ("Failed to send: timeout", UNKNOWN),
        ("Oops. The mail server x:25 could not be reached", UNKNOWN),
        ("The mail server x:25 broke off while it took the message: Invalid email", UNKNOWN),
    ],
)
def test_only_known_words_say_that_nothing_has_gone(said: str, state: str) -> None:
    failure = mail_senders.server_failure(said)
    assert failure.is_uncertain == (state == UNKNOWN)
    assert failure.permanent == (state == REFUSED)
