"""Mails that came back, in the forms in which well-known mail servers write them.

The forms are those of the servers' documentation and of what they send: Postfix (bounce(5)), Exim
(its chapter 49), Exchange Online ("Non-delivery report codes"), Gmail, Zoho, qmail (QSBMF).
"""

from __future__ import annotations

import anvil
import anvil.email

from app_server.email.incoming.parse import parse_message, to_anvil

TO = "ann@example.com"
MAIL_ID = "0123456789abcdef01234567"

_REPORT = """\
From: {sender}
To: hello@yogastudio.example
Subject: {subject}
Message-ID: <report-1@mx.example>
Auto-Submitted: auto-replied
Date: Sat, 14 Mar 2026 09:30:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=b"

--=b
Content-Type: text/plain; charset=utf-8

{text}

--=b
Content-Type: message/delivery-status

{status}
--=b
Content-Type: {returned_type}

{returned}
--=b--
"""
_RETURNED = """\
From: Sunrise Yoga <hello@yogastudio.example>
To: Ann <{to}>
Subject: News for Ann
Message-ID: {message_id}
List-Unsubscribe:
 {way_out}

The words of the mail
"""


def report(
    status: str,
    *,
    sender: str = "MAILER-DAEMON@mx.example (Mail Delivery System)",
    subject: str = "Undelivered Mail Returned to Sender",
    text: str = "This is the mail system at host mx.example.",
    returned_type: str = "message/rfc822",
    to: str = TO,
    message_id: str = f"<{MAIL_ID}@yogastudio.example>",
    way_out: str = "<mailto:stop@yogastudio.example>",
) -> bytes:
    """A report by RFC 3464 with this delivery status."""
    returned = _RETURNED.format(to=to, message_id=message_id, way_out=way_out)
    return _REPORT.format(
        sender=sender,
        subject=subject,
        text=text,
        status=status,
        returned_type=returned_type,
        returned=returned,
    ).encode()


def status(
    action: str, code: str, said: str, *, to: str = TO, original: str = "", at: str = ""
) -> str:
    """The fields of a delivery status."""
    lines = ["Reporting-MTA: dns; mx.example", "Arrival-Date: Sat, 14 Mar 2026 09:29:00 +0000", ""]
    lines += [f"Final-Recipient: rfc822; {to}"]
    lines += [f"Original-Recipient: rfc822;{original}"] if original else []
    lines += [f"Action: {action}", f"Status: {code}", f"Diagnostic-Code: {said}"]
    lines += [f"Last-Attempt-Date: {at}"] if at else []
    return "\n".join(lines) + "\n"


POSTFIX = report(
    status(
        "failed",
        "5.1.1",
        "smtp; 550 5.1.1 <ann@example.com>: Recipient address\n    rejected: User unknown in "
        "virtual mailbox table",
        original=TO,
        at="Sat, 14 Mar 2026 09:29:30 +0000",
    )
)
POSTFIX_NO_DOMAIN = report(
    status(
        "failed",
        "5.4.4",
        "X-Postfix; Host or domain name not found. Name service error\n for name=exmaple.com "
        "type=A: Host not found",
    )
)
POSTFIX_DELAYED = report(
    status("delayed", "4.4.1", "X-Postfix; connect to mx.example[192.0.2.1]:25: timed out"),
    subject="Delayed Mail (still being retried)",
)
POSTFIX_EXPIRED = report(status("failed", "4.4.1", "X-Postfix; delivery temporarily suspended"))
POSTFIX_HEADERS_ONLY = POSTFIX.replace(b"message/rfc822", b"text/rfc822-headers")
FULL = report(status("failed", "5.2.2", "smtp; 552 5.2.2 The recipient's inbox is over quota"))
SPAM_REFUSED = report(status("failed", "5.7.1", "smtp; 550 5.7.1 Message rejected as spam"))
CRLF = POSTFIX.replace(b"\n", b"\r\n")
EXCHANGE = report(
    status("failed", "5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann"),
    sender="Microsoft Outlook <postmaster@example.com>",
    subject="Undeliverable: News for Ann",
)
EXCHANGE_EDGE = report(
    status("failed", "5.4.1", "smtp;550 5.4.1 Recipient address rejected: Access denied. AS(1)"),
    sender="postmaster@example.com",
)
EXCHANGE_DELAYED = report(
    status("delayed", "4.4.7", ""),
    sender="postmaster@example.com",
    subject="Delivery delayed: News for Ann",
)
GMAIL = report(
    status(
        "failed",
        "5.1.1",
        "smtp; 550-5.1.1 The email account that you tried to reach does not exist.\n 550-5.1.1 "
        "Please try double-checking 550 5.1.1 https://support.google.com/mail/?p=NoSuchUser",
    ),
    sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    subject="Delivery Status Notification (Failure)",
)
GMAIL_DELAYED = report(
    status("delayed", "4.4.1", "smtp; The recipient server did not accept our requests to connect"),
    sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    subject="Delivery Status Notification (Delay)",
)
# An alias that is passed on to two others, of which one is gone.
PASSED_ON = report(
    status("failed", "5.1.1", "smtp; 550 5.1.1 no such user", to="old@team.example")
    + "\nFinal-Recipient: rfc822; new@team.example\nAction: failed\nStatus: 4.2.2\n"
)
# Zoho calls everything "failed" and gives the code of SMTP as the status.
_ZOHO = """\
Reporting-MTA: dns; mx.zohomail.com
Arrival-Date: Sat, 14 Mar 2026 09:29:00 +0000

Original-Recipient: rfc822; ann@example.com
Final-Recipient: rfc822; ann@example.com
Status: {code}
Action: failed
Last-Attempt-Date: 14 Mar 2026 09:29:30 GMT
Diagnostic-Code: {said}
Remote-MTA: dns; mx.example.com
"""
_ZOHO_WORDS = (
    "This message was created automatically by mail delivery software.\nA message that you sent "
    "could not be delivered to one or more of its recipients. This is a permanent error."
)
_ZOHO_SENDER = "mailer-daemon@mail.zoho.com"
ZOHO = report(
    _ZOHO.format(code="550", said="5.1.1 User unknown"), sender=_ZOHO_SENDER, text=_ZOHO_WORDS
)
ZOHO_SPAM = report(
    _ZOHO.format(code="550", said="Message headers fail syntax check"), sender=_ZOHO_SENDER
)
ZOHO_DELAYED = report(
    _ZOHO.format(code="421", said="Host not reachable."),
    sender=_ZOHO_SENDER,
    subject="Mail Delivery Status Notification (Delay)",
    text="THIS IS A WARNING MESSAGE ONLY.\nMessage will be retried for 4 more day(s)",
)
ZOHO_TEXT = (
    f"From: {_ZOHO_SENDER}\nTo: hello@yogastudio.example\nSubject: Undelivered Mail Returned to "
    f"Sender\nContent-Type: text/plain\n\n{_ZOHO_WORDS}\n\n"
    + _ZOHO.format(code="550", said="5.4.4 DNS error:NXDOMAIN. Domain not found")
    + f"\nMessage-ID: <{MAIL_ID}@yogastudio.example>\n"
).encode()
_PLAIN = """\
From: Mail Delivery System <Mailer-Daemon@mx.example>
To: hello@yogastudio.example
Subject: Mail delivery failed: returning message to sender
Content-Type: text/plain
{header}
{text}
Message-ID: <0123456789abcdef01234567@yogastudio.example>
To: ann@example.com
"""
EXIM = _PLAIN.format(
    header="X-Failed-Recipients: ann@example.com\nAuto-Submitted: auto-replied\n",
    text="This message was created automatically by mail delivery software.\n\nA message that you "
    "sent could not be delivered to one or more of its\nrecipients. This is a permanent error. "
    "The following address(es) failed:\n\n  ann@example.com\n    host mx.example [192.0.2.1]\n"
    "    SMTP error from remote mail server after RCPT TO:<ann@example.com>:\n    550 No such user "
    "here\n\n------ This is a copy of the message, including all the headers. ------\n",
).encode()
EXIM_FULL = EXIM.replace(b"550 No such user here", b"552 mailbox is full")
QMAIL = _PLAIN.format(
    header="",
    text="Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver "
    "your message to the following addresses.\n\n<ann@example.com>:\nSorry, no mailbox here by "
    "that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n",
).encode()
COMPLAINT = (
    POSTFIX.replace(b"report-type=delivery-status", b"report-type=feedback-report")
    .replace(b"message/delivery-status", b"message/feedback-report")
    .replace(
        POSTFIX.partition(b"delivery-status\n\n")[2].partition(b"--=b")[0],
        b"Feedback-Type: abuse\nUser-Agent: Yahoo!-Mail-Feedback/2.0\nVersion: 0.1\n"
        b"Original-Rcpt-To: ann@example.com\n\n",
    )
)

SUCCESS = report(status("delivered", "2.0.0", "smtp; 250 2.0.0 Ok"))
AWAY = f"""\
From: Ann <ann@example.com>
To: hello@yogastudio.example
Subject: Automatic reply: News for Ann
Auto-Submitted: auto-replied
In-Reply-To: <{MAIL_ID}@yogastudio.example>
Content-Type: text/plain

I am away until Monday. My mailbox is full and user unknown; 550 5.1.1 ask Ben.
Final-Recipient: rfc822; ann@example.com
Action: failed
Status: 5.1.1
""".encode()
ANSWER = f"""\
From: Ann <ann@example.com>
To: hello@yogastudio.example
Subject: Re: News for Ann
In-Reply-To: <{MAIL_ID}@yogastudio.example>
Content-Type: text/plain

Lovely. Did you know that mails to Ben fail with 550 5.1.1 user unknown?
""".encode()


def as_anvil(content: bytes, sender: str = "") -> anvil.email.Message:
    """A mail as the app's handler gets it."""
    given = to_anvil(
        parse_message(content),
        sender=sender,
        recipient="bounces@yogastudio.example",
        dkim={"valid": False, "valid_from_sender": False, "domains": []},
    )
    given["attachments"] = [
        anvil.BlobMedia(each.content_type, each.data, name=each.name)
        for each in given["attachments"]
    ]
    return anvil.email.Message(given)
