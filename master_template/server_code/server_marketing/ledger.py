"""The ledger of marketing mails: a row for each recipient and mail, written before it goes out.

A campaign or a broadcast (a ``source``) plans mails here, and ``sending`` sends them. A contact
that may not get one has a row too, which says why. So at any time and for every source

    planned = waiting + sent + skipped + failed + unknown

to the last one: what is planned is counted by its rows, and each row is in one state. ``unknown``
is a mail that was handed to a provider and may or may not have gone out; it is never sent again by
itself.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import clock, outbox
from ..server_shared.happenings import tell
from ..server_shared.transactions import in_transaction
from . import mail_tallies, recipients
from .recipients import Judgement

PLANNED, SENDING, SENT, FAILED, SKIPPED, UNKNOWN = (
    "planned",
    "sending",
    "sent",
    "failed",
    "skipped",
    "unknown",
)
STATES = (PLANNED, SENDING, SENT, FAILED, SKIPPED, UNKNOWN)
ENDED = (SENT, FAILED, SKIPPED, UNKNOWN)
TASK = "send_mails"
BATCH_ROWS = 500
MAX_DETAIL_CHARS = 500
SUBJECT_CHARS = 200

log = logging.getLogger("mybizz.sending")


@dataclass(frozen=True)
class Planned:
    """What a batch of planning gave: how many rows are new and how many of them will be sent, and
    after which contact's number to go on; None where that was the last batch."""

    count: int
    waiting: int
    after: int | None


@in_transaction
def plan(
    contacts: Any,
    source: str,
    key: str,
    content: Mapping[str, Any],
    *,
    title: str = "",
    after: int = 0,
    limit: int = BATCH_ROWS,
    due_at: datetime | None = None,
) -> Planned:
    """Plan a mail to many, at most ``limit`` of them, in one transaction.

    ``contacts`` is a condition on ``contacts`` (``q.…``), walked by number beginning after
    ``after``, or a list of their rows. ``source`` is ``campaign:…`` or ``broadcast:…``, ``key``
    says which mail of it; whoever has a row with both gets no second one. ``content`` is the mail
    as ``mail_blocks`` has it, kept as it is now. None goes out before ``due_at``.
    """
    is_list = isinstance(contacts, Sequence)
    rows = list(contacts) if is_list else next_contacts(contacts, after, limit)
    last = None if is_list or len(rows) < limit else int(rows[-1]["number"])
    planned = (
        {
            row["contact_number"]
            for row in _search(source, key, contact_number=q.any_of(*_numbers(rows)))
        }
        if rows
        else set()
    )
    fresh = [row for row in rows if int(row["number"]) not in planned]
    added = _add_rows(fresh, source, key, _keep_content(source, content, title), due_at)
    waiting = sum(row["state"] == PLANNED for row in added)
    return Planned(len(added), waiting, last)


@in_transaction
def plan_one(
    contact: Any,
    source: str,
    key: str,
    content: Mapping[str, Any],
    *,
    title: str = "",
    due_at: datetime | None = None,
) -> Any:
    """Plan a mail to one contact; give its row of the ledger, also where there is one already."""
    number = int(contact["number"])
    row = next(iter(_search(source, key, contact_number=number)), None)
    if row is not None:
        return row
    kept = _keep_content(source, content, title)
    (added,) = _add_rows([contact], source, key, kept, due_at)
    return added


def planned_through(source: str, key: str) -> int:
    """The highest contact's number that has this mail: where planning goes on after a kill."""
    found = app_tables.mail_sends.search(
        tables.order_by("contact_number", ascending=False),
        q.fetch_only("contact_number"),
        q.page_size(1),
        source=source,
        key=key,
    )
    last = next(iter(found), None)
    return 0 if last is None else int(last["contact_number"])


def hold(source: str) -> None:
    """Let nothing of a source go out until :func:`release`. Call it inside a transaction."""
    for row in app_tables.mail_contents.search(source=source, held_at=None):
        row["held_at"] = clock.now()


def release(source: str) -> None:
    """Let what was held go out."""
    for row in app_tables.mail_contents.search(source=source, held_at=q.not_(None)):
        row["held_at"] = None
    start_sending_afterwards()


def cancel(source: str, key: str | None = None) -> None:
    """Let nothing more of a source go out, or of one mail of it. Call it inside a transaction.

    Of a whole source it holds from this moment, and ``sending`` writes it into the rows soon; what
    has a key is little, and is written at once.
    """
    if key is None:
        for row in app_tables.mail_contents.search(source=source, cancelled_at=None):
            row["cancelled_at"] = clock.now()
        start_sending_afterwards()
        return
    for row in app_tables.mail_sends.search(source=source, key=key, state=PLANNED):
        if row["started_at"] is None:
            finish(row, SKIPPED, "cancelled")


def counts(source: str, key: str | None = None) -> dict[str, int]:
    """``planned``, and what it is the sum of: ``waiting``, ``sent``, ``skipped``, ``failed`` and
    ``unknown``."""
    query = {"source": source} if key is None else {"source": source, "key": key}
    return _count(query)


def counts_by_source(sources: Iterable[str]) -> dict[str, dict[str, int]]:
    """The :func:`counts` of each of these sources, from the tallies, in one query."""
    totals = mail_tallies.read_totals(sources)
    return {source: counted(figures) for source, figures in totals.items()}


def counted(figures: Mapping[str, int]) -> dict[str, int]:
    """Figures of the tallies as :func:`counts` gives them."""
    planned = figures.get("planned", 0)
    ended = {state: figures.get(state, 0) for state in ENDED}
    return {"planned": planned, "waiting": planned - sum(ended.values()), **ended}


def _count(query: Mapping[str, Any]) -> dict[str, int]:
    ended = {state: len(app_tables.mail_sends.search(**query, state=state)) for state in ENDED}
    waiting = len(app_tables.mail_sends.search(**query, state=q.any_of(PLANNED, SENDING)))
    return {"planned": waiting + sum(ended.values()), "waiting": waiting, **ended}


def reasons(source: str) -> list[dict[str, Any]]:
    """Why mails of a source did not go out, the most frequent first: ``state``, ``reason``,
    ``text`` and ``count`` of each."""
    listed = [
        (state, reason)
        for state, texts in (
            (SKIPPED, recipients.SKIPPED_TEXTS),
            (FAILED, recipients.FAILED_TEXTS),
            (UNKNOWN, recipients.UNKNOWN_TEXTS),
        )
        for reason in texts
    ]
    found = [
        {
            "state": state,
            "reason": reason,
            "text": recipients.REASON_TEXTS[reason],
            "count": len(app_tables.mail_sends.search(source=source, state=state, reason=reason)),
        }
        for state, reason in listed
    ]
    return sorted((each for each in found if each["count"]), key=lambda each: -each["count"])


def sends_of(source: str, *conditions: Any, **query: Any) -> Any:
    """The rows of a source that match."""
    return app_tables.mail_sends.search(*conditions, source=source, **query)


def finish(row: Any, state: str, reason: str | None = None, **more: Any) -> None:
    """Write down what became of a mail. Call it inside a transaction."""
    detail = more.pop("detail", None)
    if state == SKIPPED:
        more["started_at"] = None
    now = clock.now()
    mail_tallies.change(
        row,
        state=state,
        reason=reason,
        detail=detail[:MAX_DETAIL_CHARS] if detail else None,
        lease=None,
        leased_until=None,
        due_at=None,
        settled_at=now,
        settled_day=mail_tallies.day_at(now),
        **more,
    )
    tell("mail_settled", send=row)


def launch_sending() -> None:
    """Start a task that sends, unless one is at work that will look again when it is done. Call it
    after the commit. Where that fails nothing is lost: the schedule comes along."""
    try:
        if not _is_being_sent():
            anvil.server.launch_background_task(TASK)
    except Exception:
        # What this call was about is committed; its caller must not hear that it failed.
        log.exception("the sending of mails could not be started")


def _is_being_sent() -> bool:
    at_work = app_tables.mail_sends.search(
        q.fetch_only("state"),
        q.page_size(1),
        state=SENDING,
        leased_until=q.greater_than(clock.now()),
    )
    return next(iter(at_work), None) is not None


def start_sending_afterwards() -> None:
    """Have :func:`launch_sending` called when the call that runs now has ended."""
    outbox.follow_up(launch_sending)


def next_contacts(condition: Any, after: int, limit: int) -> list[Any]:
    """The next contacts that match, by their numbers, with what is judged about them."""
    found = app_tables.contacts.search(
        condition,
        tables.order_by("number"),
        q.fetch_only(*recipients.COLUMNS),
        q.page_size(limit),
        number=q.greater_than(after),
        deleted_at=None,
    )
    return list(islice(found, limit))


def _numbers(rows: Iterable[Any]) -> list[int]:
    return [int(row["number"]) for row in rows]


def _search(source: str, key: str, **query: Any) -> Any:
    return app_tables.mail_sends.search(q.page_size(BATCH_ROWS), source=source, key=key, **query)


def _keep_content(source: str, content: Mapping[str, Any], title: str) -> Any:
    """The row of a source's mail as it is now."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()
    row = app_tables.mail_contents.get(source=source, content_hash=digest)
    if row is not None:
        return row
    subject = str(content.get("subject") or "")[:SUBJECT_CHARS]
    return app_tables.mail_contents.add_row(
        content_id=secrets.token_hex(12),
        source=source,
        content_hash=digest,
        title=title or subject,
        subject=subject,
        content=dict(content),
        created_at=clock.now(),
    )


def _add_rows(
    contacts: Sequence[Any], source: str, key: str, content: Any, due_at: datetime | None
) -> list[Any]:
    if not contacts:
        return []
    judgements = recipients.judge(contacts)
    taken = _taken_addresses(source, key, judgements)
    now = clock.now()
    today = mail_tallies.day_at(now)
    columns = []
    for contact, judgement in zip(contacts, judgements, strict=True):
        reason = judgement.reason
        if not reason and judgement.address_hash in taken:
            reason = "duplicate_address"
        if not reason and judgement.address_hash:
            taken.add(judgement.address_hash)
        columns.append(
            {
                "send_key": secrets.token_hex(12),
                "source": source,
                "key": key,
                "content": content,
                "contact": contact,
                "contact_number": int(contact["number"]),
                "recipient_email": contact["email"],
                "address_hash": judgement.address_hash,
                "state": SKIPPED if reason else PLANNED,
                "reason": reason or None,
                "attempts": 0,
                "planned_at": now,
                "due_at": None if reason else due_at or now,
                "settled_at": now if reason else None,
                "settled_day": today if reason else None,
            }
        )
    added = list(app_tables.mail_sends.add_rows(columns))
    skipped = sum(each["state"] == SKIPPED for each in columns)
    part = mail_tallies.part_of(key)
    mail_tallies.add(source, {"planned": len(columns)}, part)
    mail_tallies.add(source, {SKIPPED: skipped}, part, today)
    for row in added:
        if row["state"] == SKIPPED:
            tell("mail_settled", send=row)
    start_sending_afterwards()
    return added


def _taken_addresses(source: str, key: str, judgements: Sequence[Judgement]) -> set[str]:
    """The addresses that have this mail already, by whichever contact."""
    hashes = {each.address_hash for each in judgements if not each.reason and each.address_hash}
    if not hashes:
        return set()
    found = _search(source, key, address_hash=q.any_of(*hashes), state=q.not_(SKIPPED))
    return {row["address_hash"] for row in found}
