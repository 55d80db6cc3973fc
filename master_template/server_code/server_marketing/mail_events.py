"""What became of a mail after it was sent: delivered, opened, clicked, bounced, complained about.

Reports come from providers (Brevo's webhooks, bounce messages) and from our own links, at least
once, late and in any order. Each is written down once, by its ``event_key``; the ledger's row keeps
when each thing happened first. What ends marketing to an address goes to ``suppression`` in the
same transaction.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_customers import timeline_service
from ..server_emails.mail_service import FAILED
from ..server_shared import clock
from ..server_shared.happenings import tell
from ..server_shared.transactions import in_transaction
from . import ledger, mail_tallies, scanners, suppression, tracking_links

DELIVERED, OPENED, CLICKED = "delivered", "opened", "clicked"
HARD_BOUNCE, SOFT_BOUNCE, BLOCKED, INVALID = "hard_bounce", "soft_bounce", "blocked", "invalid"
COMPLAINT, UNSUBSCRIBED, DEFERRED, ERROR = "complaint", "unsubscribed", "deferred", "error"
KINDS = (
    *(DELIVERED, OPENED, CLICKED, HARD_BOUNCE, SOFT_BOUNCE, BLOCKED, INVALID),
    *(COMPLAINT, UNSUBSCRIBED, DEFERRED, ERROR),
)
# What ends marketing to an address at once.
_ENDS = (HARD_BOUNCE, BLOCKED, INVALID, COMPLAINT, UNSUBSCRIBED)
_BOUNCES = (HARD_BOUNCE, BLOCKED, INVALID)
# A mailbox that is full today may not be tomorrow; one that always is helps nobody.
SOFT_BOUNCES, SOFT_BOUNCE_DAYS = 5, 30
MAX_DETAIL_CHARS = 300
MAX_LINK_CHARS = 1_000
# A clock that is ahead of ours, or a report of a year ago, would spoil every figure.
_OLDEST, _AHEAD = timedelta(days=60), timedelta(minutes=10)

log = logging.getLogger("mybizz.mail")


@dataclass(frozen=True)
class Report:
    """One thing that was reported. ``send_key`` names the mail, '' where the reporter does not
    know; ``scanner`` is which machine it was, '' for a person; ``event_key`` is the same each time
    that this is reported."""

    kind: str
    event_key: str
    provider: str
    occurred_at: datetime
    send_key: str = ""
    email: str = ""
    link: str = ""
    scanner: str = ""
    detail: str = ""


@in_transaction
def record(report: Report) -> bool:
    """Write a report down with all that follows from it; give whether it was new."""
    if app_tables.mail_events.get(q.fetch_only("kind"), event_key=report.event_key) is not None:
        return False
    send = app_tables.mail_sends.get(send_key=report.send_key) if report.send_key else None
    if report.kind in (OPENED, CLICKED) and not _may_count(send):
        return False
    at = _sane(report.occurred_at)
    email = (report.email or (send["recipient_email"] if send else "") or "").lower()
    event = app_tables.mail_events.add_row(
        event_key=report.event_key,
        kind=report.kind,
        send_key=report.send_key or None,
        source=send["source"] if send else None,
        contact=send["contact"] if send else None,
        recipient_email=email or None,
        provider=report.provider,
        link=report.link[:MAX_LINK_CHARS] or None,
        is_scanner=bool(report.scanner),
        scanner=report.scanner or None,
        detail=report.detail[:MAX_DETAIL_CHARS] or None,
        occurred_at=at,
        received_at=clock.now(),
    )
    if send is not None:
        _note(send, report, at)
    else:
        _note_in_log(report)
    if email:
        _end_marketing(report, email, send)
    if send is not None:
        tell("mail_event", send=send, event=event)
    return True


def _may_count(send: Any) -> bool:
    """Whether opens and clicks of a mail may be kept: by whom it went to, and by the setting."""
    contact = send["contact"] if send is not None else None
    if contact is None or contact["erased_at"] is not None or not send["recipient_email"]:
        return False
    return tracking_links.may_track(send["recipient_email"], tracking_links.read_setting())


def _sane(at: datetime) -> datetime:
    now = clock.now()
    return at if now - _OLDEST <= at <= now + _AHEAD else now


def _note(send: Any, report: Report, at: datetime) -> None:
    """Write into the ledger when something happened first."""
    column = _column(report.kind, bool(report.scanner))
    is_first = column is not None and send[column] is None
    if column is not None and (is_first or send[column] > at):
        mail_tallies.change(send, **{column: at})
    if report.kind in _BOUNCES and is_first:
        send["bounce_text"] = report.detail[:MAX_DETAIL_CHARS] or report.kind.replace("_", " ")
    if send["state"] == ledger.UNKNOWN and report.kind not in (ERROR, BLOCKED, INVALID):
        # Nobody knew whether it had gone out; whoever reports this has had it.
        ledger.finish(send, ledger.SENT, provider=send["provider"] or report.provider)
    if is_first and column in _TIMELINE and send["contact"] is not None:
        event_type, words = _TIMELINE[column]
        timeline_service.add_event(
            send["contact"],
            event_type,
            f"{words}: {_subject_of(send)}",
            {"source": send["source"], "link": report.link[:MAX_LINK_CHARS]},
            related_id=send["source"],
            user_visible=False,
            event_date=at,
        )


# Column of the ledger -> type and words of the event in a contact's timeline.
_TIMELINE = {
    "opened_at": ("email_opened", "Opened an e-mail"),
    "clicked_at": ("email_clicked", "Clicked in an e-mail"),
}


def _subject_of(send: Any) -> str:
    content = send["content"]
    return (content["subject"] if content is not None else "") or "(no subject)"


def _column(kind: str, is_scanner: bool) -> str | None:
    if kind in (OPENED, CLICKED):
        return f"scanner_{kind}_at" if is_scanner else f"{kind}_at"
    if kind in _BOUNCES:
        return "bounced_at"
    return {
        DELIVERED: "delivered_at",
        COMPLAINT: "complained_at",
        UNSUBSCRIBED: "unsubscribed_at",
    }.get(kind)


def _note_in_log(report: Report) -> None:
    """A mail that is no marketing: its line in the log says that it came back."""
    row = app_tables.email_log.get(mail_id=report.send_key) if report.send_key else None
    if row is not None and report.kind in _BOUNCES:
        reason = report.detail or "the address does not work"
        row.update(status=FAILED, error=f"It came back: {reason}"[:MAX_DETAIL_CHARS])


def _end_marketing(report: Report, email: str, send: Any) -> None:
    reason = report.kind if report.kind in _ENDS else ""
    if report.kind == SOFT_BOUNCE and _soft_bounces(email) >= SOFT_BOUNCES:
        reason = HARD_BOUNCE
    if reason:
        source = send["source"] if send is not None else report.provider
        suppression.suppress(email, reason, source=source, detail=report.detail)


def _soft_bounces(email: str) -> int:
    """How often an address has bounced for a time since something last reached it."""
    since = clock.now() - timedelta(days=SOFT_BOUNCE_DAYS)
    reached = app_tables.mail_events.search(
        tables.order_by("occurred_at", ascending=False),
        q.fetch_only("occurred_at"),
        q.page_size(1),
        recipient_email=email,
        kind=DELIVERED,
        occurred_at=q.greater_than(since),
    )
    last = next(iter(reached), None)
    return len(
        app_tables.mail_events.search(
            recipient_email=email,
            kind=SOFT_BOUNCE,
            occurred_at=q.greater_than(last["occurred_at"] if last is not None else since),
        )
    )


@in_transaction
def mark_as_machine(send_key: str, scanner: str, since: datetime) -> int:
    """Say of everything that came from people since a moment that it was a machine; give how much.

    The ledger's first open and click by a person are looked for anew among what is left.
    """
    query: dict[str, Any] = {"send_key": send_key, "is_scanner": False}
    found = list(
        app_tables.mail_events.search(
            kind=q.any_of(OPENED, CLICKED), occurred_at=q.greater_than_or_equal_to(since), **query
        )
    )
    for event in found:
        event.update(is_scanner=True, scanner=scanner)
    send = app_tables.mail_sends.get(send_key=send_key) if found else None
    for kind in (OPENED, CLICKED) if send is not None else ():
        mine = [event["occurred_at"] for event in found if event["kind"] == kind]
        if not mine:
            continue
        left = app_tables.mail_events.search(
            tables.order_by("occurred_at"), q.page_size(1), kind=kind, **query
        )
        first = next(iter(left), None)
        before = send[f"scanner_{kind}_at"]
        columns = {
            f"{kind}_at": first["occurred_at"] if first is not None else None,
            f"scanner_{kind}_at": min([*mine, *([before] if before else [])]),
        }
        mail_tallies.change(send, **columns)
    return len(found)


def is_burst(send_key: str, link: str, now: datetime) -> bool:
    """Whether so many different links of a mail were followed just now that no person can."""
    recent = app_tables.mail_events.search(
        q.fetch_only("link"),
        send_key=send_key,
        kind=CLICKED,
        occurred_at=q.greater_than(now - scanners.BURST),
    )
    return len({link, *(event["link"] for event in recent)}) >= scanners.BURST_LINKS


def clicked_links(source: str, limit: int = 50) -> list[dict[str, Any]]:
    """Where people clicked in mails of a source, the most clicked first: ``{"link", "people"}``."""
    people: dict[str, set[str]] = {}
    for event in app_tables.mail_events.search(
        q.fetch_only("link", "send_key"), source=source, kind=CLICKED, is_scanner=False
    ):
        people.setdefault(event["link"] or "", set()).add(event["send_key"])
    ranked = sorted(people.items(), key=lambda item: (-len(item[1]), item[0]))
    return [{"link": link, "people": len(keys)} for link, keys in ranked[:limit]]
