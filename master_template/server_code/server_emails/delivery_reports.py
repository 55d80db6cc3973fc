"""What mail servers write when a mail comes back: delivery reports (RFC 3464), read.

A report names each recipient, what was done (``failed``, ``delayed`` …), a status (RFC 3463) and
what the other server said. Some servers bend that: Zoho gives an SMTP code as the status and calls
a mail ``failed`` that it tries again; Exim and qmail may say it in plain words only. Nothing here
trusts a report: it says what stands in it and which mail it might be about, and whoever knows our
mails decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import HeaderParser
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any

HARD, SOFT, DELAYED, COMPLAINT = "hard_bounce", "soft_bounce", "deferred", "complaint"
# What is looked at of each part: a status is short, and of the mail that came back the headers do.
MAX_PART_CHARS = 100_000
MAX_PARTS = 50
MAX_RECIPIENTS = 50
MAX_SAID_CHARS = 300

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_HEADER_TYPES = ("text/rfc822-headers", "message/global-headers")
_MAIL_TYPES = ("message/rfc822", "message/global", *_HEADER_TYPES)
_ABUSE_TYPE = "message/feedback-report"  # RFC 5965

# The address itself is at fault (RFC 3463 section 3, and the codes that Exchange and Postfix add):
# there is no such mailbox or domain, it is closed, or it takes no mail at all (RFC 7505).
_GONE = {"1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1", "4.4"}
# Status codes that say nothing by themselves; then the other server's words have to.
_VAGUE = {"0.0", "1.0", "2.0", "3.0", "4.0", "5.0", "7.0", "7.1", "4.1"}
_GONE_WORDS = re.compile(
    r"user unknown|unknown (user|recipient|mailbox)|unrouteable address|"
    r"no such (user|recipient|mailbox|person|address)|"
    r"(user|recipient|mailbox|account|address|domain)\b[^.]{0,40}"
    r"\b(does not exist|doesn.t exist|not exist|not found|no longer (exists|active|available))|"
    r"(account|mailbox|user)\b[^.]{0,30}\b(disabled|deactivated|inactive|closed)|"
    r"no mailbox here|not a valid (mailbox|recipient|address)|invalid (mailbox|recipient)|"
    r"recipient address rejected: access denied|domain not found|host or domain name not found",
    re.IGNORECASE,
)
_RETRY_WORDS = re.compile(
    r"warning message only|will be retried|will (keep|continue) trying|still being retried|"
    r"delivery (is|has been) delayed|do not need to resend",
    re.IGNORECASE,
)
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\d|\.\d)")
_REPLY_CODE = re.compile(r"(?<![\d.])([245]\d\d)(?![\d.])")
_STATUS_LINES = re.compile(
    r"^(?:Original-Recipient|Final-Recipient|Status|Action|Diagnostic-Code|Last-Attempt-Date|"
    r"Remote-MTA|Reporting-MTA|Arrival-Date):[^\n]*(?:\n[ \t]+[^\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
_QMAIL = re.compile(r"^Hi\. This is the qmail-send program", re.MULTILINE)


@dataclass(frozen=True)
class Recipient:
    """What a report says of one recipient. ``kind`` is HARD, SOFT, DELAYED or COMPLAINT, ``said``
    the reason in the other server's words, ``addresses`` what it calls the recipient."""

    kind: str
    addresses: tuple[str, ...]
    said: str
    occurred_at: datetime | None


@dataclass(frozen=True)
class DeliveryReport:
    """A report. ``headers`` are those of the mail that it is about, by lower-case name, as far as
    they came with it; ``texts`` is where else that mail may be named."""

    recipients: tuple[Recipient, ...]
    headers: Mapping[str, str]
    texts: tuple[str, ...]


def read_report(message: Any) -> DeliveryReport | None:
    """The report that an ``anvil.email.Message`` is, or None where it is something else: a reply,
    a notice of an absence, a success."""
    parts = _read_parts(message)
    text = (message.text or "")[:MAX_PART_CHARS]
    returned = next((_headers_of(body) for kind, body in parts if kind in _MAIL_TYPES), {})
    recipients = _recipients(message, parts, text)
    if not recipients:
        return None
    about = (message.get_header("In-Reply-To", ""), message.get_header("References", ""))
    return DeliveryReport(tuple(recipients), returned, (*about, text))


def is_automatic(message: Any) -> bool:
    """Whether a machine wrote a message, which then wants no answer (RFC 3834 section 2)."""
    submitted = str(message.get_header("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    precedence = str(message.get_header("Precedence", "")).strip().lower()
    return (
        submitted != "no"
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or message.get_header("X-Autoreply") is not None
        or message.get_header("X-Auto-Response-Suppress") is not None
        or message.get_header("List-Id") is not None
        or _is_from_a_server(message)
    )


def _is_from_a_server(message: Any) -> bool:
    """Reports come from nobody (RFC 3464 section 2), and by the names of mail servers."""
    name = parseaddr(str(message.get_header("From", "")))[1].partition("@")[0].lower()
    envelope = (message.envelope.from_address or "").strip("<> ")
    return not envelope or name in ("mailer-daemon", "postmaster", "mail-daemon")


def _read_parts(message: Any) -> list[tuple[str, str]]:
    """Type and text of the parts that can belong to a report."""
    listed = [*(message.attachments or ()), *(message.inline_attachments or {}).values()]
    wanted = (*_STATUS_TYPES, *_MAIL_TYPES, _ABUSE_TYPE)
    found = []
    for media in listed[:MAX_PARTS]:
        kind = (media.content_type or "").partition(";")[0].strip().lower()
        if kind in wanted:
            body = media.get_bytes()[:MAX_PART_CHARS].decode("utf-8", "replace")
            found.append((kind, body.replace("\r\n", "\n")))
    return found


def _headers_of(body: str) -> dict[str, str]:
    """The headers with which a mail begins, the first of each, unfolded."""
    found: dict[str, str] = {}
    for name, value in _parse(body).items():
        found.setdefault(name.lower(), " ".join(str(value).split()))
    return found


def _parse(text: str) -> Message:
    return HeaderParser().parsestr(text.lstrip("\n"))


def _recipients(message: Any, parts: list[tuple[str, str]], text: str) -> list[Recipient]:
    statuses = [body for kind, body in parts if kind in _STATUS_TYPES]
    if statuses:
        return _read_statuses(statuses, f"{message.subject or ''}\n{text}")
    abuse = [body for kind, body in parts if kind == _ABUSE_TYPE]
    if abuse:
        return _read_abuse(abuse[0])
    if not _is_from_a_server(message):
        return []
    plain = text.replace("\r\n", "\n")
    written = _STATUS_LINES.findall(plain)
    if any(line.lower().startswith("final-recipient") for line in written):
        return _read_statuses(["\n".join(written)], f"{message.subject or ''}\n{plain}")
    failed = message.get_header("X-Failed-Recipients")  # Exim and Gmail add it
    if failed or _QMAIL.search(plain):
        return _read_words(plain, str(failed or ""))
    return []


def _read_statuses(bodies: Iterable[str], words: str) -> list[Recipient]:
    """The recipients of delivery-status parts: groups of fields with an empty line between."""
    groups = [group for body in bodies for group in re.split(r"\n[ \t]*\n+", body)]
    found = []
    for group in groups[: MAX_RECIPIENTS + 1]:
        fields = _parse(group)
        recipient = _read_group(fields, words)
        if recipient is not None:
            found.append(recipient)
    return found


def _read_group(fields: Message, words: str) -> Recipient | None:
    names = [fields.get("Final-Recipient"), fields.get("Original-Recipient")]
    if not any(names):
        return None  # what concerns the whole message
    said = _said(fields)
    kind = _kind(str(fields.get("Action") or ""), str(fields.get("Status") or ""), said, words)
    if kind is None:
        return None
    addresses = tuple(dict.fromkeys(_address(str(name)) for name in names if name))
    return Recipient(kind, addresses, said, _moment(str(fields.get("Last-Attempt-Date") or "")))


def _kind(action: str, status: str, said: str, words: str) -> str | None:
    """What a status means, or None for a success."""
    action = action.partition("(")[0].strip().lower()
    if action in ("delivered", "relayed", "expanded"):
        return None
    if action == "delayed":
        return DELAYED
    digit, code = _read_status(status, said)
    if digit == "4":
        return DELAYED if _RETRY_WORDS.search(words) else SOFT
    return HARD if digit == "5" and _is_gone(code, said) else SOFT


def _is_gone(code: str, said: str) -> bool:
    return code in _GONE or (code in _VAGUE and bool(_GONE_WORDS.search(said)))


def _read_status(status: str, said: str) -> tuple[str, str]:
    """Class and the two other numbers of a status. Where it is vague, or an SMTP code, what the
    other server said may be more exact."""
    own, told = _ENHANCED.search(status), _ENHANCED.search(said)
    digit = own[1] if own else ""
    code = f"{own[2]}.{own[3]}" if own else ""
    if not digit:
        plain = _REPLY_CODE.search(status) or _REPLY_CODE.search(said)
        digit, code = (plain[1][0], "0.0") if plain else ("", "0.0")
    if told and code in _VAGUE and (not digit or told[1] == digit):
        return told[1], f"{told[2]}.{told[3]}"
    return digit, code


def _read_abuse(body: str) -> list[Recipient]:
    """What a provider passes on when somebody calls a mail spam."""
    fields = _parse(body)
    if str(fields.get("Feedback-Type") or "").strip().lower() != "abuse":
        return []
    named = fields.get("Original-Rcpt-To")
    addresses = (_address(str(named)),) if named else ()
    at = _moment(str(fields.get("Arrival-Date") or fields.get("Received-Date") or ""))
    return [Recipient(COMPLAINT, addresses, "Reported as spam", at)]


def _read_words(text: str, failed: str) -> list[Recipient]:
    """A report in plain words (Exim, qmail), up to the mail that came back."""
    words = re.split(r"\n-{3,}[^\n]*(?:copy of|below this line)", text)[0]
    if _RETRY_WORDS.search(words):
        return []
    digit, code = _read_status("", words)
    # Without a code it has failed all the same, or there would be no such report.
    is_gone = digit != "4" and (_is_gone(code, words) or bool(_GONE_WORDS.search(words)))
    addresses = tuple(_address(part) for part in failed.split(",") if part.strip())
    return [Recipient(HARD if is_gone else SOFT, addresses, _reason_in(words), None)]


def _reason_in(words: str) -> str:
    """The line of a report in plain words that says why."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    telling = [line for line in lines if _ENHANCED.search(line) or _GONE_WORDS.search(line)]
    telling += [line for line in lines if _REPLY_CODE.search(line)]
    return (telling or lines or [""])[0][:MAX_SAID_CHARS]


def _said(fields: Message) -> str:
    """What the other server said, on one line: ``550 5.1.1 no such user``."""
    text = " ".join(str(fields.get("Diagnostic-Code") or "").split())
    kind, separator, rest = text.partition(";")
    said = rest.strip() if separator and " " not in kind.strip() else text
    return (said or f"Status {fields.get('Status') or 'unknown'}")[:MAX_SAID_CHARS]


def _address(text: str) -> str:
    """``rfc822; ann@example.com`` as an address."""
    named = text.partition(";")[2] or text
    return parseaddr(named.strip())[1].lower()


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
