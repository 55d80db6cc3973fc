"""What people are told of a round: one message a channel, with all that began and ended in it."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from scripts.operations.observing.rules import Severity
from scripts.operations.observing.settings import Settings
from scripts.operations.observing.store import Alert, Change, State
from scripts.operations.observing.wording import tell_names, tell_span

REMIND_AFTER = timedelta(days=1)
GIVE_UP_AFTER = timedelta(days=1)
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 1800.0
MAX_LISTED = 30


def queue_messages(state: State, change: Change, settings: Settings, now: datetime) -> None:
    """Put messages into the queue for what began and ended, and what has been open for a day
    since anybody was told of it. Nobody is told of what is silenced, or reminded of what is
    acknowledged."""
    if not settings.channels:
        return
    begun = [alert for alert in state.open if _has_to_be_told(state, alert, now)]
    ended = [alert for alert in change.ended if alert.told_at is not None]
    for channel in settings.channels:
        is_critical = settings.minimum(channel) is Severity.CRITICAL
        is_told = [Severity.CRITICAL] if is_critical else [*Severity]
        news = [alert for alert in begun if alert.severity in is_told]
        over = [alert for alert in ended if alert.severity in is_told]
        if news or over:
            state.queue.append(make_message(channel, news, over, now))
    for alert in begun:
        alert.told_at = now.isoformat()


def _has_to_be_told(state: State, alert: Alert, now: datetime) -> bool:
    if state.is_silenced(alert, now) or alert.clear_rounds:
        return False
    if alert.told_at is None:
        return True
    is_due = now - datetime.fromisoformat(alert.told_at) >= REMIND_AFTER
    return is_due and alert.acknowledged_by is None


def make_message(
    channel: str, begun: Sequence[Alert], ended: Sequence[Alert], now: datetime
) -> dict[str, Any]:
    """An entry of the queue: ``subject`` and ``text`` for people, ``line`` where only one fits;
    ``told``: who has got it already, where each gets one of their own."""
    return {
        "id": secrets.token_hex(8),
        "channel": channel,
        "subject": _tell_subject(begun, ended),
        "text": _tell_text(begun, ended, now),
        "line": _tell_line(begun, ended),
        "made_at": now.isoformat(),
        "due_at": now.isoformat(),
        "attempts": 0,
        "error": "",
        "told": [],
    }


def _tell_subject(begun: Sequence[Alert], ended: Sequence[Alert]) -> str:
    if not begun:
        return f"Mybizz: over: {_tell_titles(ended)}"
    worst = "CRITICAL" if any(a.severity == "critical" for a in begun) else "warning"
    return f"Mybizz {worst}: {_tell_titles(begun)}"


def _tell_titles(alerts: Sequence[Alert]) -> str:
    by_title: defaultdict[str, list[str]] = defaultdict(list)
    for alert in sorted(alerts, key=lambda each: each.severity):
        by_title[alert.title].append(alert.instance or "")
    told = [
        f"{title} ({tell_names(names)})" if all(names) else title
        for title, names in by_title.items()
    ]
    return "; ".join(told[:3]) + (f"; and {len(told) - 3} more" if len(told) > 3 else "")


def _tell_text(begun: Sequence[Alert], ended: Sequence[Alert], now: datetime) -> str:
    parts = []
    listed = sorted(begun, key=lambda each: (each.severity, each.rule, each.instance or ""))
    for alert in listed[:MAX_LISTED]:
        again = "" if alert.told_at is None else " STILL:"
        flapping = (
            f" It came and went {len(alert.began)} times today." if len(alert.began) > 2 else ""
        )
        parts.append(
            f"{alert.severity.upper()}:{again} {alert.text}{flapping}\n"
            f"  Next step: {alert.next_step}\n"
            f"  More: {alert.runbook}   Quiet it: scripts/mybizz fleet alerts acknowledge "
            f"{alert.id}"
        )
    if len(listed) > MAX_LISTED:
        more = len(listed) - MAX_LISTED
        parts.append(f"And {more} more: scripts/mybizz fleet alerts list")
    for alert in ended[:MAX_LISTED]:
        began = datetime.fromisoformat(alert.began_at)
        lasted = tell_span((now - began).total_seconds())
        parts.append(f"OVER: {alert.title}: {alert.instance or 'the installation'} ({lasted}).")
    return "\n\n".join(parts)


def _tell_line(begun: Sequence[Alert], ended: Sequence[Alert]) -> str:
    """For a template of WhatsApp: its variables take no line breaks."""
    if not begun:
        return f"Over: {_tell_titles(ended)}."
    first = sorted(begun, key=lambda each: each.severity)[0]
    more = f" And {len(begun) - 1} more." if len(begun) > 1 else ""
    return f"{first.text}{more} Next step: {first.next_step}"


def put_off(message: dict[str, Any], error: str, now: datetime) -> None:
    """It could not be sent: try again later, and later still."""
    message["attempts"] += 1
    message["error"] = error
    pause = min(FIRST_PAUSE_SECONDS * 2 ** (message["attempts"] - 1), LONGEST_PAUSE_SECONDS)
    message["due_at"] = (now + timedelta(seconds=pause)).isoformat()


def is_given_up(message: dict[str, Any], now: datetime) -> bool:
    return now - datetime.fromisoformat(message["made_at"]) > GIVE_UP_AFTER
