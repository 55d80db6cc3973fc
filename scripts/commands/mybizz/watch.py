"""``mybizz fleet doctor|watch|guard``: find what is wrong, and tell people."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import UTC, datetime
from typing import Any

import click

from app_server.logs import choose_format, set_up_logging
from scripts.commands.mybizz.job import NOT_PROVEN, Answer, Job, operation
from scripts.operations.fleet.status import require_known
from scripts.operations.observing.asking import Reach
from scripts.operations.observing.guarding import guard_monitor
from scripts.operations.observing.looking import Look
from scripts.operations.observing.monitor import Monitor, examine
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.settings import read_settings


@click.command("doctor")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@operation(is_reading=True)
def doctor_command(job: Job, names: tuple[str, ...]) -> Answer:
    """Check everything once: businesses, server, databases, backups, machine, monitor.

    Each thing that is wrong comes with the business it is about and what to do next; docs/alerts.md
    tells more of each. Every newest backup is read whole. Exit code 3 where something is found, 0
    where all is well. Error rates and speed are judged over the monitor's last rounds: without
    `fleet watch` they are not.

    \b
      scripts/mybizz fleet doctor
      scripts/mybizz fleet doctor yogastudio --json
    """
    chosen = require_known(job.home, names) if names else []
    settings = read_settings(job.home)
    job.say("Looking at everything ...")
    now = datetime.now(UTC)
    seen, found = examine(job.home, settings, now, [each.name for each in chosen])
    facts = {
        "at": now.isoformat(timespec="seconds"),
        "instances": len(seen.instances),
        "rules": len(RULES),
        "findings": [each.to_json() for each in _sorted(found)],
        "unchecked": _list_unchecked(seen),
    }
    return Answer(facts, _tell(seen, found), NOT_PROVEN if found else 0)


def _sorted(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda each: (each.rule.severity, each.rule.name, each.id))


def _list_unchecked(seen: Look) -> list[str]:
    """What could not be judged, and why."""
    unchecked = []
    for each in seen.instances:
        if each.pause is not None:
            unchecked.append(f"{each.name}: it is {each.pause.mode.value}, so it is not served.")
        elif each.answer and each.answer.reach is Reach.WELL and not each.answer.counters:
            unchecked.append(f"{each.name}: errors and speed; its /_/metrics are refused to us.")
        elif each.answer and each.answer.counters and not seen.memory.counters.get(each.name):
            unchecked.append(f"{each.name}: errors and speed; no monitor has watched it lately.")
    return unchecked


def _tell(seen: Look, found: list[Finding]) -> str:
    lines = []
    for each in _sorted(found):
        lines.append(f"{each.rule.severity.upper()}  {each.text}")
        lines.append(f"  Next step: {each.next_step}")
        lines.append(f"  More: {each.rule.runbook}\n")
    lines += [f"Not checked: {line}" for line in _list_unchecked(seen)]
    count = len(seen.instances)
    what = f"{count} instance{'s' if count != 1 else ''}, {len(RULES)} rules"
    lines.append(f"{what}: {f'{len(found)} found' if found else 'all is well'}.")
    return "\n".join(lines)


@click.command("watch")
@click.option(
    "--interval",
    type=click.FloatRange(5, 60),
    help="Seconds between two rounds (30); a fault is told after two at the latest.",
)
@click.option("--once", is_flag=True, help="One round, and its end: for a timer.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text")
@operation()
def watch_command(job: Job, interval: float | None, once: bool, log_format: str) -> Answer:
    """Watch everything until Ctrl-C, and tell people what begins and what is over.

    Where alerts go is set by `fleet alerts set`; without a channel they are only kept (`fleet
    alerts list`) and logged. One message when something begins and one when it is over, all of a
    round in one; a reminder once a day until somebody acknowledges it. Restarting the monitor
    repeats nothing.

    \b
      scripts/mybizz fleet watch
      scripts/mybizz fleet watch --interval 15 --log-format json
    """
    settings = read_settings(job.home)
    set_up_logging()
    choose_format(log_format)
    # It names each request with its address: of Slack's that is a secret.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    job.home.make()
    monitor = Monitor(job.home)
    if once:
        change = monitor.do_round(interval)
        facts = {"begun": len(change.begun), "ended": len(change.ended)}
        return Answer(facts, f"{len(change.begun)} began, {len(change.ended)} are over.")
    stop = threading.Event()
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, lambda _signal, _frame: stop.set())
    where = ", ".join(settings.channels) or "nowhere: set a channel with `fleet alerts set`"
    job.say(f"Watching every {interval or settings.interval_seconds:g} s. Alerts go to {where}.")
    monitor.run(interval, stop)
    return Answer({"rounds": monitor.rounds}, "Stopped.")


@click.command("guard")
@operation(is_reading=True, is_noted=False)
def guard_command(job: Job) -> Answer:
    """Check that the monitor lives, and tell people where it does not: for a timer.

    Exit code 3 where it is dead. `scripts/run` does the same while it serves.

    \b
      scripts/mybizz fleet guard          # each minute, by a systemd timer
    """
    found = guard_monitor(job.home, datetime.now(UTC))
    facts: dict[str, Any] = {"finding": found.to_json() if found else None}
    if found is None:
        return Answer(facts, "The monitor lives, or none is wanted.")
    return Answer(facts, f"{found.text}\n  Next step: {found.next_step}", NOT_PROVEN)
