"""``mybizz fleet alerts set ...``: where alerts go, and what is too much."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import IO, Any, TypeVar

import click

from scripts.commands.mybizz.job import Answer, Job, dry_run, operation
from scripts.operations.home import OperationError
from scripts.operations.observing.rules import Severity
from scripts.operations.observing.settings import (
    Settings,
    check_channel,
    check_url,
    make_limits,
    read_settings,
    settings_file,
    write_settings,
)

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
minimum = click.option(
    "--minimum", type=click.Choice([*Severity]), help="Tell nothing that is less bad than this."
)
to_option = click.option(
    "--to", multiple=True, required=True, metavar="WHOM", help="Give it again for more people."
)


def secret_file(name: str, what: str, *, required: bool = True) -> Callable[[Decorated], Decorated]:
    """An option for a secret: never on the command line, which others on the machine can read."""
    return click.option(
        name,
        type=click.File(),
        required=required,
        metavar="FILE",
        help=f"A file with {what}; - for the standard input.",
    )


@click.group("set")
def set_group() -> None:
    """Say where alerts go (email, slack, whatsapp), what is too much, and who hears a heartbeat."""


@set_group.command("email")
@click.option("--host", required=True, help="The mail server.")
@click.option("--port", type=click.IntRange(1, 65535), help="587, or 465 with TLS.")
@click.option("--security", type=click.Choice(["starttls", "tls", "none"]), default="starttls")
@click.option("--username")
@secret_file("--password-file", "the password", required=False)
@click.option("--sender", required=True, metavar="EMAIL")
@to_option
@minimum
@dry_run
@operation()
def set_email(job: Job, password_file: IO[str] | None, to: tuple[str, ...], **given: Any) -> Answer:
    """Tell people by e-mail.

    \b
      scripts/mybizz fleet alerts set email --host mail.example.com --username alerts \\
          --password-file /root/mail-password --sender alerts@example.com --to you@example.com
    """
    return _set_channel(job, "email", {**given, "to": list(to), "password": _read(password_file)})


@set_group.command("slack")
@secret_file("--webhook-file", "the address of an incoming webhook, https://hooks.slack.com/...")
@minimum
@dry_run
@operation()
def set_slack(job: Job, webhook_file: IO[str], minimum: str | None) -> Answer:
    """Tell people in a channel of Slack, by an incoming webhook."""
    return _set_channel(job, "slack", {"webhook_url": _read(webhook_file), "minimum": minimum})


@set_group.command("whatsapp")
@click.option("--phone-number-id", required=True, help="Of the sender, as Meta shows it.")
@secret_file("--token-file", "a permanent access token of a system user")
@click.option("--template", required=True, help="An approved template with one variable.")
@click.option("--language", default="en", show_default=True)
@to_option
@minimum
@dry_run
@operation()
def set_whatsapp(job: Job, token_file: IO[str], to: tuple[str, ...], **given: Any) -> Answer:
    """Tell people by WhatsApp (Cloud API); only what is critical, unless --minimum warning.

    The template has one variable in its body, such as: "Mybizz: {{1}}".
    """
    token = _read(token_file)
    return _set_channel(job, "whatsapp", {**given, "to": list(to), "access_token": token})


@set_group.command("limits")
@click.argument("pairs", nargs=-1, required=True, metavar="NAME=NUMBER...")
@dry_run
@operation()
def set_limits(job: Job, pairs: tuple[str, ...]) -> Answer:
    """Change what is too much or too old; docs/alerts.md lists all limits.

    \b
      scripts/mybizz fleet alerts set limits backup_hours=26 disk_percent=80
    """
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise OperationError(f"NAME=NUMBER was expected, not {pair!r}.")
        given[name] = value
    checked = make_limits(given)
    changes = {name: getattr(checked, name) for name in given}

    def change(settings: Settings) -> Settings:
        return replace(settings, limits=replace(settings.limits, **changes))

    return change_settings(
        job, change, changes, "The limits are set; the monitor's next round goes by them."
    )


@set_group.command("watch")
@click.option("--interval", type=click.FloatRange(5, 60), help="Seconds between two rounds.")
@click.option("--server-url", metavar="URL", help="Where the instances' server is asked.")
@secret_file("--heartbeat-file", "an address to ask for after each round", required=False)
@dry_run
@operation()
def set_watch(
    job: Job, interval: float | None, server_url: str | None, heartbeat_file: IO[str] | None
) -> Answer:
    """Set the monitor itself: how often, where it asks, and who hears its heartbeat.

    The heartbeat goes to a service elsewhere (healthchecks.io, Better Stack, your own) that raises
    the alarm when it stops: only that tells of a machine that is gone.
    """
    heartbeat = _read(heartbeat_file)
    check_url("--server-url", server_url)
    check_url("--heartbeat-file", heartbeat)

    def change(settings: Settings) -> Settings:
        return replace(
            settings,
            interval_seconds=interval or settings.interval_seconds,
            server_url=server_url or settings.server_url,
            heartbeat_url=heartbeat or settings.heartbeat_url,
        )

    return change_settings(job, change, {"interval_seconds": interval}, "The monitor is set.")


def _set_channel(job: Job, kind: str, given: Mapping[str, Any]) -> Answer:
    channel = check_channel(kind, {name: value for name, value in given.items() if value})

    def change(settings: Settings) -> Settings:
        return replace(settings, channels={**settings.channels, kind: channel})

    facts = {"channel": kind, "to": channel.get("to")}
    said = f"Alerts go to {kind} now. Try it: `scripts/mybizz fleet alerts test {kind}`."
    return change_settings(job, change, facts, said)


def change_settings(
    job: Job, change: Callable[[Settings], Settings], facts: Mapping[str, Any], said: str
) -> Answer:
    settings = change(read_settings(job.home))
    if job.is_dry:
        return Answer(facts, f"Would write {settings_file(job.home)}.")
    write_settings(job.home, settings)
    return Answer(facts, said)


def _read(file: IO[str] | None) -> str | None:
    return (file.read().strip() or None) if file is not None else None
