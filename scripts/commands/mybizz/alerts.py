"""``mybizz fleet alerts ...``: what is wrong, who is told of it, and what is quiet for a while."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from scripts.commands.mybizz.alert_settings import change_settings, set_group
from scripts.commands.mybizz.job import FAILED, Answer, Job, dry_run, operation
from scripts.commands.mybizz.tables import make_table
from scripts.operations.command_log import read_operator
from scripts.operations.home import OperationError
from scripts.operations.observing import channels
from scripts.operations.observing.rules import RULES
from scripts.operations.observing.settings import (
    CHANNEL_KEYS,
    Settings,
    hide_secrets,
    read_settings,
    settings_file,
)
from scripts.operations.observing.store import Silence, changing_state, read_alerts, read_state

SPAN = re.compile(r"(\d+)\s*(m|h|d)")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST_SILENCE = timedelta(days=30)


@click.group()
def alerts() -> None:
    """What is wrong now, who is told of it, and what is quiet for a while.

    \b
    Set up, once:
      scripts/mybizz fleet alerts set email --host mail.example.com --username alerts \\
          --password-file - --sender alerts@example.com --to you@example.com
      scripts/mybizz fleet alerts test
      scripts/mybizz fleet watch
    """


@alerts.command("list")
@click.option("--all", "is_all", is_flag=True, help="Also those over in the last 30 days.")
@operation(is_reading=True)
def list_command(job: Job, is_all: bool) -> Answer:
    """List what is wrong now, the worst first."""
    found = read_alerts(job.home, is_all=is_all)
    rows = [
        [
            each["severity"] if each["state"] == "open" else "over",
            str(each["began_at"])[:16].replace("T", " "),
            each["instance"],
            f"{each['text']}\n-> {each['next_step']}",
            f"{each['id']}{_tell_state(each)}",
        ]
        for each in found["alerts"]
    ]
    otherwise = "All is well." if found["monitor"]["is_alive"] else "Nothing is known."
    if not found["monitor"]["is_alive"]:
        job.say("  No monitor is at work: start `scripts/mybizz fleet watch`.")
    heads = ["", "since (UTC)", "instance", "what, and what next", "id"]
    return Answer(found, make_table(heads, rows, otherwise))


def _tell_state(alert: Mapping[str, Any]) -> str:
    told = "\n(silenced)" if alert["is_silenced"] else ""
    by = alert["acknowledged_by"]
    return (
        f"{told}\n({by} looks after it{': ' + alert['note'] if alert['note'] else ''})"
        if by
        else told
    )


@alerts.command("acknowledge")
@click.argument("alert_id", metavar="ID")
@click.option("--note", default="", help="What is being done.")
@operation()
def acknowledge_command(job: Job, alert_id: str, note: str) -> Answer:
    """Say that you look after an alert: no reminders come any more, only that it is over.

    \b
      scripts/mybizz fleet alerts acknowledge backup_old:yogastudio --note "new disk on Monday"
    """
    with changing_state(job.home) as state:
        alert = next((each for each in state.open if each.id == alert_id), None)
        if alert is None:
            known = ", ".join(each.id for each in state.open) or "none"
            raise OperationError(f"There is no open alert {alert_id!r}; there are: {known}.")
        alert.acknowledged_by, alert.note = read_operator(), note[:500]
        alert.acknowledged_at = datetime.now(UTC).isoformat()
    return Answer({"id": alert_id, "by": alert.acknowledged_by}, f"You look after {alert_id}.")


@alerts.command("silence")
@click.option("--rule", help="This rule only, such as disk_full.")
@click.option("--instance", help="This business only.")
@click.option("--for", "span", required=True, metavar="SPAN", help="30m, 2h or 3d.")
@click.option("--reason", default="")
@operation()
def silence_command(
    job: Job, rule: str | None, instance: str | None, span: str, reason: str
) -> Answer:
    """Tell nobody of a rule, of a business, or of both for a while; what is open then is told.

    \b
      scripts/mybizz fleet alerts silence --instance yogastudio --for 2h --reason "moving it"
    """
    if rule is None and instance is None:
        raise click.UsageError("Give --rule, --instance, or both.")
    if rule is not None and rule not in RULES:
        raise OperationError(f"There is no rule {rule!r}; there are {', '.join(RULES)}.")
    until = datetime.now(UTC) + read_span(span)
    made = Silence(
        secrets.token_hex(3), until.isoformat(), read_operator(), rule, instance, reason[:500]
    )
    with changing_state(job.home) as state:
        state.silences.append(made)
    what = " of ".join(each for each in (rule, instance) if each)
    return Answer(
        {"id": made.id, "until": made.until},
        f"Nobody is told of {what} until {until:%Y-%m-%d %H:%M} UTC. "
        f"Earlier: `fleet alerts unsilence {made.id}`.",
    )


@alerts.command("unsilence")
@click.argument("silence_id", metavar="ID")
@operation()
def unsilence_command(job: Job, silence_id: str) -> Answer:
    """End a silence before its time."""
    with changing_state(job.home) as state:
        kept = [each for each in state.silences if each.id != silence_id]
        if len(kept) == len(state.silences):
            known = ", ".join(each.id for each in kept) or "none"
            raise OperationError(f"There is no silence {silence_id!r}; there are: {known}.")
        state.silences = kept
    return Answer({"id": silence_id}, f"The silence {silence_id} is over.")


def _tell_value(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def read_span(text: str) -> timedelta:
    """``2h``. Raises ``OperationError``."""
    found = SPAN.fullmatch(text.strip())
    span = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < span <= LONGEST_SILENCE:
        raise OperationError(f"--for expects 30m, 2h or 3d, and at most 30d; this is {text!r}.")
    return span


@alerts.command("channels")
@operation(is_reading=True)
def channels_command(job: Job) -> Answer:
    """Show where alerts go, and the limits that are not as usual."""
    settings = read_settings(job.home)
    shown = hide_secrets(settings)
    rows = [
        [kind, ", ".join(f"{name}={_tell_value(value)}" for name, value in channel.items())]
        for kind, channel in shown.items()
    ]
    facts = {
        "channels": shown,
        "heartbeat_url": settings.heartbeat_url,
        "interval_seconds": settings.interval_seconds,
        "unsent": len(read_state(job.home).queue),
        "file": str(settings_file(job.home)),
    }
    return Answer(facts, make_table(["channel", "set to"], rows, "No channel is set yet."))


@alerts.command("remove")
@click.argument("channel", type=click.Choice([*CHANNEL_KEYS]))
@dry_run
@operation()
def remove_command(job: Job, channel: str) -> Answer:
    """Tell nobody by this channel any more."""

    def change(settings: Settings) -> Settings:
        kept = {kind: each for kind, each in settings.channels.items() if kind != channel}
        return replace(settings, channels=kept)

    return change_settings(
        job, change, {"channel": channel}, f"Nobody is told by {channel} any more."
    )


@alerts.command("test")
@click.argument("channel", required=False, type=click.Choice([*CHANNEL_KEYS]))
@operation()
def test_command(job: Job, channel: str | None) -> Answer:
    """Send a message by one channel, or by each, to see whether it arrives."""
    settings = read_settings(job.home)
    chosen = [channel] if channel else list(settings.channels)
    if not chosen or channel not in (None, *settings.channels):
        which = f"The channel {channel} is not set" if channel else "No channel is set"
        raise OperationError(f"{which} yet. See `scripts/mybizz fleet alerts set --help`.")
    now = datetime.now(UTC).isoformat()
    results: dict[str, str] = {}
    for kind in chosen:
        message = {
            "id": secrets.token_hex(8),
            "subject": "Mybizz: a test",
            "text": "This is a test of where alerts go. There is nothing to do.",
            "line": "This is a test of where alerts go. There is nothing to do.",
            "made_at": now,
        }
        try:
            channels.send(kind, settings.channels[kind], message)
            results[kind] = ""
        except channels.UnsentError as error:
            results[kind] = str(error)
    lines = [f"{kind}: {error or 'sent'}" for kind, error in results.items()]
    is_failed = any(results.values())
    return Answer({"channels": results}, "\n".join(lines), FAILED if is_failed else 0)


alerts.add_command(set_group)
