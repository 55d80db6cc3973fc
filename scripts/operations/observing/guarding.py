"""Who watches the monitor: whoever else runs asks whether its sign of life is fresh.

``scripts/run`` asks each half minute while it serves, ``mybizz fleet guard`` by a timer, and
``fleet doctor`` each time. A machine that is gone altogether is told of by the service behind
``heartbeat_url``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from scripts.operations.home import Home
from scripts.operations.observing import channels
from scripts.operations.observing.heartbeat import read_heartbeat
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.settings import Settings, read_settings, settings_file
from scripts.operations.observing.store import changing_state, open_alert
from scripts.operations.observing.telling import make_message
from scripts.operations.observing.wording import tell_span

logger = logging.getLogger("mybizz.watch")


def find_dead_monitor(home: Home, settings: Settings, now: datetime) -> Finding | None:
    """The finding, where a monitor is wanted (it ran before, or alerts have a channel) and gives no
    sign of life."""
    beat = read_heartbeat(home)
    is_wanted = bool(settings.channels) or (beat.at is not None and not beat.is_over)
    if not is_wanted or beat.is_fresh(now, settings.limits) or _was_just_set(home, settings, now):
        return None
    age = beat.age_seconds(now)
    said = f"for {tell_span(age)}" if age is not None else "since it was set up"
    return Finding(
        RULES["monitor_dead"],
        f"The monitor has given no sign of life {said}: nobody would be told of anything.",
        "Start it: `systemctl restart mybizz-watch` (or `scripts/mybizz fleet watch`), and read "
        "the "
        "end of its log.",
        facts={"seen_at": beat.at},
    )


def _was_just_set(home: Home, settings: Settings, now: datetime) -> bool:
    """Whether a channel was set a moment ago, so that the monitor may be about to be started."""
    try:
        age = now.timestamp() - settings_file(home).stat().st_mtime
    except FileNotFoundError:
        return False
    return read_heartbeat(home).at is None and age < settings.limits.heartbeat_seconds


def guard_monitor(
    home: Home, now: datetime, *, send: Callable[..., None] = channels.send
) -> Finding | None:
    """Tell people, once, where the monitor is dead; its next round tells that it is back."""
    settings = read_settings(home)
    found = find_dead_monitor(home, settings, now)
    if found is None:
        return None
    with changing_state(home) as state:
        alert = open_alert(state, found, now)
        if alert is None or state.is_silenced(alert, now):
            return found
        alert.told_at = now.isoformat() if settings.channels else None
    for kind, channel in settings.channels.items():
        try:
            send(kind, channel, make_message(kind, [alert], [], now))
        except channels.UnsentError as error:
            logger.error("That the monitor is dead could not be sent by %s: %s", kind, error)
    return found
