"""The monitor: look at everything, keep what is wrong, tell people; again and again."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import fasteners
import httpx

from scripts.operations.home import Home, OperationError
from scripts.operations.observing import channels
from scripts.operations.observing.checks_keeping import check_keeping
from scripts.operations.observing.checks_machine import check_machine
from scripts.operations.observing.checks_serving import check_serving
from scripts.operations.observing.checks_work import check_work
from scripts.operations.observing.guarding import find_dead_monitor
from scripts.operations.observing.heartbeat import Heartbeat, write_heartbeat
from scripts.operations.observing.looking import (
    Eyes,
    Look,
    data_folder,
    look,
    remember_counters,
    utc_now,
)
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.settings import Settings, read_settings
from scripts.operations.observing.store import (
    Change,
    State,
    changing_state,
    read_state,
    take_round,
)
from scripts.operations.observing.telling import is_given_up, put_off, queue_messages

logger = logging.getLogger("mybizz.watch")

CHECKS: tuple[Callable[[Look], Iterator[Finding]], ...] = (
    check_serving,
    check_work,
    check_keeping,
    check_machine,
)
PING_SECONDS = 5.0
UNSENT_ATTEMPTS = 3


def find_all(seen: Look) -> list[Finding]:
    """What is wrong by all rules. A check that fails on something unforeseen is no reason to miss
    what the others find."""
    found: list[Finding] = []
    for check in CHECKS:
        try:
            found += check(seen)
        except Exception:
            logger.exception("%s could not be done", check.__name__)
    return found


def examine(
    home: Home,
    settings: Settings,
    now: datetime,
    names: Sequence[str] = (),
    eyes: Eyes | None = None,
) -> tuple[Look, list[Finding]]:
    """All checks once, for ``fleet doctor``: nothing is kept, and nobody is told. Rates are over
    the time since the monitor's last rounds, where there were any."""
    seen = look(
        home,
        settings,
        read_state(home).memory,
        now,
        eyes=eyes,
        names=names,
        is_thorough=True,
    )
    found = find_all(seen)
    dead = find_dead_monitor(home, settings, now)
    return seen, [*found, *([dead] if dead else [])]


class Monitor:
    """Runs rounds. One at a time watches an installation. ``clock`` gives the present moment."""

    def __init__(
        self,
        home: Home,
        *,
        clock: Callable[[], datetime] = utc_now,
        eyes: Eyes | None = None,
        send: Callable[..., None] = channels.send,
    ):
        self.home = home
        self.rounds = 0
        self._clock = clock
        self._eyes = eyes
        self._send = send
        self._state: State | None = None
        self._settings = Settings()

    def run(self, interval: float | None, stop: threading.Event) -> None:
        """Rounds until ``stop`` is set. OperationError where another monitor is at work."""
        folder = data_folder(self.home)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = fasteners.InterProcessLock(folder / "monitor.lock")
        if not lock.acquire(blocking=False):
            raise OperationError("Another monitor watches this installation already.")
        try:
            while not stop.is_set():
                started = time.monotonic()
                self.do_round(interval)
                rest = (interval or self._settings.interval_seconds) - (time.monotonic() - started)
                stop.wait(max(1.0, rest))
            self._beat(interval, 0.0, is_over=True)
        finally:
            lock.release()

    def do_round(self, interval: float | None = None) -> Change:
        """Look, keep, tell, and give a sign of life."""
        started, now = time.monotonic(), self._clock()
        settings = self._read_settings()
        memory = (self._state or read_state(self.home)).memory
        seen = look(self.home, settings, memory, now, eyes=self._eyes)
        found = [*find_all(seen), *self._find_unsent()]
        remember_counters(seen)
        change = self._keep(found, seen, settings)
        self._deliver(settings, now)
        for alert in change.begun:
            logger.warning("%s %s Next step: %s", alert.id, alert.text, alert.next_step)
        for alert in change.ended:
            logger.info("%s is over", alert.id)
        self.rounds += 1
        self._beat(interval, time.monotonic() - started)
        self._ping(settings)
        return change

    def _read_settings(self) -> Settings:
        """As they are now; as they were where the file is broken."""
        try:
            self._settings = read_settings(self.home)
        except OperationError as error:
            logger.error("What was set before goes on: %s", error)
        return self._settings

    def _keep(self, found: list[Finding], seen: Look, settings: Settings) -> Change:
        try:
            with changing_state(self.home) as state:
                if self._state is not None:
                    # It could not be written last time: what was known then counts.
                    state.alerts, state.ended = self._state.alerts, self._state.ended
                    state.queue = self._state.queue
                    self._state = None
                change = self._apply(state, found, seen, settings)
        except OSError as error:
            # A full disk is the very thing that people have to be told of.
            logger.error("What was found cannot be kept: %s", error)
            self._state = self._state or read_state(self.home)
            change = self._apply(self._state, found, seen, settings)
        return change

    def _apply(self, state: State, found: list[Finding], seen: Look, settings: Settings) -> Change:
        state.memory = seen.memory
        change = take_round(state, found, seen)
        queue_messages(state, change, settings, seen.at)
        return change

    def _find_unsent(self) -> list[Finding]:
        """Channels by which nothing gets through; the others tell of it."""
        found = {}
        for message in (self._state or read_state(self.home)).queue:
            if message["attempts"] >= UNSENT_ATTEMPTS:
                found[message["channel"]] = message["error"]
        return [
            Finding(
                RULES["alerts_unsent"],
                f"Alerts cannot be sent by {channel}: {error}.",
                f"Try it with `scripts/mybizz fleet alerts test {channel}`, and set it anew with "
                f"`fleet alerts set {channel}`.",
                part=channel,
            )
            for channel, error in found.items()
        ]

    def _deliver(self, settings: Settings, now: datetime) -> None:
        """Send what is in the queue. It is taken out when it is sent: killed in between, it is sent
        twice rather than never."""
        state = self._state or read_state(self.home)
        for message in list(state.queue):
            if datetime.fromisoformat(message["due_at"]) > now:
                continue
            kind = message["channel"]
            is_over = is_given_up(message, now) or kind not in settings.channels
            if not is_over:
                try:
                    self._send(kind, settings.channels[kind], message)
                    is_over = True
                except channels.UnsentError as error:
                    logger.error("An alert could not be sent by %s: %s", kind, error)
                    put_off(message, str(error), now)
            self._settle(message, is_over=is_over)

    def _settle(self, message: dict[str, Any], *, is_over: bool) -> None:
        def change(queue: list[dict[str, Any]]) -> list[dict[str, Any]]:
            kept = (message if each["id"] == message["id"] else each for each in queue)
            return [each for each in kept if not (is_over and each["id"] == message["id"])]

        if self._state is not None:
            self._state.queue = change(self._state.queue)
            return
        try:
            with changing_state(self.home) as state:
                state.queue = change(state.queue)
        except OSError as error:
            logger.error("What was sent cannot be kept: %s", error)
            self._state = read_state(self.home)
            self._state.queue = change(self._state.queue)

    def _beat(self, interval: float | None, seconds: float, *, is_over: bool = False) -> None:
        beat = Heartbeat(
            at=self._clock().isoformat(),
            pid=os.getpid(),
            interval_seconds=interval or self._settings.interval_seconds,
            rounds=self.rounds,
            seconds=round(seconds, 2),
            is_over=is_over,
        )
        try:
            write_heartbeat(self.home, beat)
        except OSError as error:
            logger.error("The sign of life cannot be written: %s", error)

    def _ping(self, settings: Settings) -> None:
        """Tell a service elsewhere that we live; it raises the alarm when we don't."""
        if settings.heartbeat_url is None:
            return
        try:
            httpx.get(settings.heartbeat_url, timeout=PING_SECONDS)
        except httpx.HTTPError as error:
            logger.error("The heartbeat's address does not answer: %s", type(error).__name__)
