"""Sends what the ledger plans: a background task that may be killed anywhere and run several times
at once, and then neither loses a mail nor sends one twice.

A mail is leased, looked at once more (may they still get it? is the hour's limit reached?), and
gets ``started_at`` in a transaction of its own *before* the provider is asked. So whoever finds a
lease that has run out knows: without ``started_at`` nothing has gone out, and it goes back to the
others; with it nobody can tell, and the mail is ``unknown`` for good, unless the provider itself
promises to send a mail with the same id only once (``mail_senders.resolves_unknown``): then it is
asked again, with that id.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import TransactionConflict, app_tables
from anvil.tables import query as q

from ..server_customers import timeline_service
from ..server_emails import mail_senders, marketing_mail
from ..server_emails.mail_senders import Attempt, OutgoingMail
from ..server_shared import clock, outbox, schedule
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.errors import AppError
from ..server_shared.outbox_delivery import deliver_outbox
from ..server_shared.transactions import in_transaction
from . import ledger, mail_tallies, quota, recipients, unsubscribing
from .ledger import FAILED, PLANNED, SENDING, SENT, SKIPPED, UNKNOWN, finish
from .send_sweep import let_go, put_back, sweep

BATCH_ROWS = 10
# From leasing a batch to beginning with its last mail.
LEASE = timedelta(minutes=5)
# One attempt, with every time-out of the slowest way: SMTP has ten seconds for each of its steps.
ATTEMPT = timedelta(minutes=3)
FOLD_EVERY = 50  # batches
MAX_ATTEMPTS = 12  # with the pauses of the outbox, over some days
# How long to leave a provider alone that would refuse every mail, where it does not say.
PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(hours=6)
# Seconds between the tries to write down what became of a mail; ATTEMPT is far longer.
SETTLE_PAUSES = (0.1, 0.3, 1.0, 3.0, 10.0)

log = logging.getLogger("mybizz.sending")


@dataclass(frozen=True)
class Turn:
    """A mail whose turn it is. ``is_repeat``: it may have gone out already."""

    row: Any
    lease: str
    is_repeat: bool


@anvil.server.background_task
def send_mails() -> dict[str, int]:
    """Send all that is due and that the hour has room for; give how many rows came to which end."""
    done: dict[str, int] = {}
    try:
        sweep()
        for batch in itertools.count(1):
            if batch % FOLD_EVERY == 0:
                mail_tallies.fold()
            if outbox.count_entries()["due"]:
                deliver_outbox()  # what somebody waits for goes first
            turns = _lease_batch(secrets.token_hex(8))
            if not turns:
                return done
            for number, turn in enumerate(turns):
                state = _take_turn(turn)
                done[state] = done.get(state, 0) + 1
                if state == PLANNED and _must_wait():
                    _give_back(turns[number + 1 :])
                    return done
    except TransactionConflict:
        # Others are at the same mails, and go on until nothing is left.
        log.info("a run of sending leaves the rest to others")
    return done


@server_callable(needs=TRUSTED_ONLY)
def send_mails_now() -> dict[str, Any]:
    """Send what is due here and now, for scripts: ``{"done": {state: rows}}``."""
    return {"done": send_mails()}


@schedule.job(
    "send_mails",
    "Marketing mails",
    schedule.EveryMinutes(15),
    "Sends what campaigns and broadcasts have planned, as fast as the hour's limit lets it",
)
def start_sending(run: schedule.Run) -> dict[str, int]:
    """Start the task, which takes longer than a scheduled run may, and add up what came since."""
    mail_tallies.fold()
    waiting = len(_due_rows())
    if waiting:
        ledger.launch_sending()
    return {"waiting": waiting}


def _due_rows() -> Any:
    """What may go out now and is not held, what waits longest first."""
    held = {row["source"] for row in app_tables.mail_contents.search(held_at=q.not_(None))}
    query = {"source": q.none_of(*held)} if held else {}
    return app_tables.mail_sends.search(
        tables.order_by("due_at"),
        q.page_size(BATCH_ROWS),
        state=PLANNED,
        due_at=q.less_than_or_equal_to(clock.now()),
        **query,
    )


@in_transaction
def _lease_batch(lease: str) -> list[Turn]:
    """Take mails for this run alone, none while sending is paused or the hour is full."""
    now = clock.now()
    state = quota.read_row()
    room = quota.limit_of(state, quota.read_ceiling()) - quota.used_of(state, now)
    if room <= 0 or quota.is_paused(state, now):
        return []
    turns = []
    for row in islice(_due_rows(), min(room, BATCH_ROWS)):
        is_repeat = row["started_at"] is not None
        row.update(
            state=SENDING,
            lease=lease,
            leased_until=now + LEASE,
            attempts=int(row["attempts"]) + 1,
        )
        turns.append(Turn(row, lease, is_repeat))
    return turns


def _take_turn(turn: Turn) -> str:
    """Send one mail, unless it may not go; give its state after that."""
    try:
        mail = _compose(turn.row)
    except AppError as error:
        return _end_uncomposed(turn, error.message)
    except Exception as error:
        # The edge of the task: one mail that fails strangely must not hold up the others.
        log.exception("the mail %s could not be made", turn.row["send_key"])
        return _end_uncomposed(turn, f"It failed unexpectedly ({type(error).__name__}).")
    provider = _provider()
    state: str = _start(turn, provider)
    if state != SENDING or mail is None:
        return state
    return _insist_on_settling(turn, mail_senders.attempt(mail))


def _insist_on_settling(turn: Turn, attempt: Attempt) -> str:
    """Write down how an attempt went, however much others get in the way: what is known now nobody
    knows any more if it is not written down."""
    for pause in SETTLE_PAUSES:
        try:
            return str(_settle(turn, attempt))
        except TransactionConflict:
            time.sleep(pause)
    return str(_settle(turn, attempt))


def _provider() -> str:
    try:
        return mail_senders.choose_sender()[0]
    except AppError:
        return ""  # The attempt says what is wrong.


def _compose(row: Any) -> OutgoingMail | None:
    """The mail as it goes out; None where there is nobody to make it for, which ``_start`` sees."""
    contact, content = row["contact"], row["content"]
    if contact is None or content is None or not contact["email"]:
        return None
    return marketing_mail.compose(
        dict(content["content"]),
        contact,
        send_key=row["send_key"],
        unsubscribe_url=unsubscribing.unsubscribe_url(row),
    )


@in_transaction
def _end_uncomposed(turn: Turn, message: str) -> str:
    row = _own_row(turn)
    if row is None:
        return "lost"
    if turn.is_repeat:
        finish(row, UNKNOWN, "interrupted", detail=message)
    else:
        finish(row, SKIPPED, "not_composed", detail=message)
    return str(row["state"])


@in_transaction
def _start(turn: Turn, provider: str) -> str:
    """Write down that the provider is asked now, if it may be: SENDING. Else what becomes of the
    mail, and ``lost`` where it is someone else's by now."""
    row = _own_row(turn)
    now = clock.now()
    if row is None or row["leased_until"] <= now:
        return "lost"
    if turn.is_repeat:
        return _start_repeat(row, provider, now)
    reason = _reason_against(row)
    if reason:
        finish(row, SKIPPED, reason)
        return SKIPPED
    if int(row["attempts"]) > MAX_ATTEMPTS:
        finish(row, FAILED, "gave_up", detail=row["detail"])
        return FAILED
    state = quota.state_row()
    if (
        row["content"]["held_at"] is not None
        or quota.is_paused(state, now)
        or not quota.take(state, quota.limit_of(state, quota.read_ceiling()), now)
    ):
        put_back(row, now)
        return PLANNED
    row.update(
        started_at=now,
        provider=provider,
        recipient_email=row["contact"]["email"],
        leased_until=now + ATTEMPT,
    )
    return SENDING


def _start_repeat(row: Any, provider: str, now: datetime) -> str:
    """A mail that may have gone out is asked for once more of the same provider only, and only for
    as long as that knows its id. It was counted when it started first."""
    if provider == row["provider"] and mail_senders.resolves_unknown(provider, row["started_at"]):
        row["leased_until"] = now + ATTEMPT
        return SENDING
    finish(row, UNKNOWN, "interrupted", detail=row["detail"])
    return UNKNOWN


def _reason_against(row: Any) -> str:
    """Why a mail may not go out after all, or ''."""
    contact = row["contact"]
    if row["content"]["cancelled_at"] is not None:
        return "cancelled"
    if contact is None:
        return "erased"
    (judgement,) = recipients.judge([contact])
    if judgement.reason:
        return judgement.reason
    if judgement.address_hash != row["address_hash"]:
        # The contact has another address by now: it may be one that has the mail.
        others = app_tables.mail_sends.search(
            q.page_size(1),
            source=row["source"],
            key=row["key"],
            address_hash=judgement.address_hash,
            state=q.not_(SKIPPED),
        )
        if next(iter(others), None) is not None:
            return "duplicate_address"
        row["address_hash"] = judgement.address_hash
    return ""


@in_transaction
def _settle(turn: Turn, attempt: Attempt) -> str:
    """Write down how an attempt went; give the mail's state after it."""
    row = _own_row(turn)
    if row is None:
        return _settle_late(turn, attempt)
    provider = attempt.provider or row["provider"]
    row["provider"] = provider
    if attempt.state == mail_senders.TAKEN:
        _end_sent(row, attempt)
    elif attempt.state == mail_senders.UNKNOWN:
        let_go(row, "timed_out", clock.now() + outbox.pause_after(1), attempt.message)
    elif attempt.state == mail_senders.REFUSED:
        finish(row, FAILED, "refused", detail=attempt.message)
    else:
        _postpone(row, turn, attempt)
    return str(row["state"])


def _settle_late(turn: Turn, attempt: Attempt) -> str:
    """The answer has come after the lease ran out, and someone has noted that nobody knows."""
    row = app_tables.mail_sends.get_by_id(turn.row.get_id())
    if row is not None and row["state"] == UNKNOWN and row["decided_by"] is None:
        if attempt.state == mail_senders.TAKEN:
            _end_sent(row, attempt)
        elif attempt.state == mail_senders.REFUSED and not turn.is_repeat:
            finish(row, FAILED, "refused", detail=attempt.message)
    return "lost" if row is None else str(row["state"])


def _end_sent(row: Any, attempt: Attempt) -> None:
    finish(row, SENT, None, provider=attempt.provider, provider_id=attempt.reference or None)
    if row["contact"] is not None:
        content = row["content"]
        timeline_service.add_event(
            row["contact"],
            "email_sent",
            f"E-mail: {content['subject'] or content['title']}",
            {"source": row["source"], "send_key": row["send_key"]},
        )


def _postpone(row: Any, turn: Turn, attempt: Attempt) -> None:
    """It has surely not gone out this time: later. What is wrong for every mail pauses them all and
    is not counted against this one."""
    now = clock.now()
    asked = timedelta(seconds=attempt.retry_after_seconds)
    if attempt.is_for_all:
        until = now + min(max(asked, PAUSE), LONGEST_PAUSE)
        quota.pause(until, attempt.code, attempt.message)
        row["attempts"] = int(row["attempts"]) - 1
    else:
        until = now + max(asked, outbox.pause_after(int(row["attempts"])))
    if turn.is_repeat:
        let_go(row, "interrupted", now + PAUSE / 10, attempt.message)
        return
    row["started_at"] = None
    put_back(row, until, attempt.message)


@in_transaction
def _must_wait() -> bool:
    """Whether nothing can go out for now: paused, or the hour is full."""
    now = clock.now()
    state = quota.read_row()
    used = quota.used_of(state, now)
    return quota.is_paused(state, now) or used >= quota.limit_of(state, quota.read_ceiling())


@in_transaction
def _give_back(turns: list[Turn]) -> None:
    """Let others have what this run has leased and does not get to."""
    for turn in turns:
        row = _own_row(turn)
        if row is not None:
            row["attempts"] = int(row["attempts"]) - 1
            put_back(row, clock.now())


def _own_row(turn: Turn) -> Any:
    """The row as it is now, or None where the lease is no longer this run's."""
    row = app_tables.mail_sends.get_by_id(turn.row.get_id())
    return row if row is not None and row["lease"] == turn.lease else None
