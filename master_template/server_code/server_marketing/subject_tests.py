"""Two subjects for one broadcast: a part of the people gets one or the other, the rest the better.

Who tries which is decided by a digest of broadcast and contact, so that a walk that is killed and
begun again sorts everyone alike. Whatever they get, it is their one row of the ledger. Once the
last mail of the trial has gone out the wait begins; the winner is written down once, with the
figures that it was chosen by, in the transaction that lets the rest go out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_emails import mail_blocks
from ..server_shared import audit, clock
from ..server_shared.errors import InvalidError
from ..server_shared.validators import Choice, Int, Record, Text
from . import ledger

FIRST, SECOND = "a", "b"
OPENS, CLICKS = "opens", "clicks"
_COLUMNS = {OPENS: "opened_at", CLICKS: "clicked_at"}
MAX_HOURS = 48

RULE = Record(
    "The trial of two subjects",
    {
        "subject": Text("The other subject", max_chars=150, required=True),
        "percent": Int("The share that tries them", minimum=10, maximum=50, default=20),
        "hours": Int("The hours to wait", minimum=1, maximum=MAX_HOURS, default=4),
        "winner_by": Choice("What decides", (OPENS, CLICKS), default=OPENS),
    },
)


def check_ready(content: Mapping[str, Any], trial: Mapping[str, Any] | None) -> dict[str, str]:
    """What is wrong with the other subject, by field."""
    if not trial:
        return {}
    field = "subject_test.subject"
    if trial["subject"].strip() == str(content.get("subject") or "").strip():
        return {field: "Both subjects are the same. Please write another one."}
    try:
        mail_blocks.check_ready({**content, "subject": trial["subject"]})
    except InvalidError as error:
        text = error.fields.get("content.subject") or error.fields.get("subject")
        return {field: text} if text else {}
    return {}


def is_open(row: Any) -> bool:
    """Whether a broadcast tries two subjects and has not decided."""
    return bool(row["subject_test"]) and not row["resend_of"] and row["subject_winner"] is None


def contents(row: Any) -> dict[str, dict[str, Any]]:
    """The mail with each of the two subjects."""
    content = dict(row["content"])
    trial = row["subject_test"] or {}
    return {FIRST: content, SECOND: {**content, "subject": trial.get("subject", "")}}


def content_of_rest(row: Any) -> dict[str, Any]:
    """The mail as all get it who did not try the subjects."""
    return contents(row)[row["subject_winner"] or FIRST]


def variant_of(broadcast_id: str, number: int, percent: int) -> str | None:
    """Which subject a contact tries, or None for the rest."""
    digest = hashlib.sha256(f"{broadcast_id}:{number}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") % 10_000
    if place >= percent * 100:
        return None
    return FIRST if place < percent * 50 else SECOND


def next_groups(
    row: Any, condition: Any, after: int, limit: int
) -> tuple[dict[str, list[Any]], int | None]:
    """The next contacts that try a subject, by the subject, and after which number to go on; None
    where these were the last."""
    rows = ledger.next_contacts(condition, after, limit)
    percent = int(row["subject_test"]["percent"])
    groups: dict[str, list[Any]] = {FIRST: [], SECOND: []}
    for contact in rows:
        variant = variant_of(row["broadcast_id"], int(contact["number"]), percent)
        if variant is not None:
            groups[variant].append(contact)
    return groups, int(rows[-1]["number"]) if len(rows) == limit else None


def go_on(row: Any, source: str) -> bool:
    """Begin to wait once the trial's last mail is out, and decide when the wait is over; give
    whether it is decided. Call it inside a transaction."""
    if ledger.counts(source)["waiting"]:
        return False
    now = clock.now()
    if row["subject_test_until"] is None:
        row["subject_test_until"] = now + timedelta(hours=int(row["subject_test"]["hours"]))
        return False
    if row["subject_test_until"] > now:
        return False
    figures = read_figures(row, source)
    winner = choose(figures, row["subject_test"]["winner_by"])
    row.update(subject_winner=winner, subject_figures=figures, updated_at=now)
    audit.record(
        "update",
        "broadcast",
        row["broadcast_id"],
        {"subject": [None, contents(row)[winner]["subject"]]},
        figures,
    )
    return True


def choose(figures: Mapping[str, Mapping[str, int]], winner_by: str) -> str:
    """The subject with the higher share of people who opened or clicked; the first of equals."""

    def share(variant: str) -> float:
        sent = figures[variant]["sent"]
        return figures[variant][winner_by] / sent if sent else 0.0

    return SECOND if share(SECOND) > share(FIRST) else FIRST


def read_figures(row: Any, source: str) -> dict[str, dict[str, int]]:
    """``sent``, and by how many people ``opens`` and ``clicks``, with each subject by now."""
    found = {}
    for variant, content in contents(row).items():
        kept = list(app_tables.mail_contents.search(source=source, subject=content["subject"]))
        mine = {"content": q.any_of(*kept), "state": ledger.SENT}
        counted = {"sent": len(ledger.sends_of(source, **mine)) if kept else 0}
        for name, column in _COLUMNS.items():
            happened = {column: q.not_(None)}
            counted[name] = len(ledger.sends_of(source, **mine, **happened)) if kept else 0
        found[variant] = counted
    return found


def describe(row: Any, source: str) -> list[dict[str, Any]]:
    """The subjects with their figures as a report shows them: ``subject``, ``sent``, ``opens``,
    ``clicks`` by now, and ``is_winner``; nothing where there was no trial."""
    if not row["subject_test"] or row["resend_of"] or row["started_at"] is None:
        return []
    figures = read_figures(row, source)
    return [
        {
            "subject": content["subject"],
            **figures[variant],
            "is_winner": row["subject_winner"] == variant,
        }
        for variant, content in contents(row).items()
    ]
