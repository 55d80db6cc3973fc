"""``<data>/alerts.yaml``: where alerts go, and what counts as too much. Mode 0600: it has secrets.

A commented sample stands in ``docs/alerts.md``; ``mybizz fleet alerts set`` writes it.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from app_server.files import replace_file
from scripts.operations.home import Home, OperationError
from scripts.operations.observing.rules import Severity

INTERVAL_SECONDS = 30
"""Between two rounds. What takes two rounds to be told is told within a minute."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too much, or too old. Change any by ``fleet alerts set limits NAME=NUMBER``."""

    window_minutes: float = 5
    error_percent: float = 5
    error_count: float = 5
    slow_seconds: float = 2
    slow_calls: float = 20
    restarts: float = 3
    restart_minutes: float = 15
    crashes: float = 3
    cut_off_calls: float = 5
    late_job_minutes: float = 5
    long_task_minutes: float = 60
    failed_tasks: float = 5
    outbox_late_minutes: float = 30
    provider_attempts: float = 3
    mail_failures: float = 5
    silent_payments: float = 3
    silent_minutes: float = 30
    lock_minutes: float = 2
    connection_percent: float = 85
    backup_hours: float = 2
    drill_days: float = 8
    unfinished_minutes: float = 15
    disk_percent: float = 90
    disk_free_mb: float = 1000
    memory_percent: float = 5
    clock_seconds: float = 10
    certificate_days: float = 14
    heartbeat_seconds: float = 120


CHANNEL_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "email": (("host", "sender", "to"), ("port", "security", "username", "password")),
    "slack": (("webhook_url",), ()),
    "whatsapp": (
        ("phone_number_id", "access_token", "to", "template"),
        ("language", "base_url"),
    ),
}
"""Of each kind of channel: the keys it must have, and those it may. All may have ``minimum``."""

SECRET_KEYS = ("password", "webhook_url", "access_token")


@dataclass(frozen=True, slots=True)
class Settings:
    """``channels`` by kind. ``server_url`` is where the instances' server is asked, if not on this
    machine at the port in ``instance.yaml``; ``heartbeat_url`` is asked for after each round, by
    which a service elsewhere knows that the monitor lives."""

    channels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    interval_seconds: float = INTERVAL_SECONDS
    server_url: str | None = None
    heartbeat_url: str | None = None

    def minimum(self, channel: str) -> Severity:
        """The least severity that a channel is told of; WhatsApp gets only what is critical."""
        usual = "critical" if channel == "whatsapp" else "warning"
        return Severity(str(self.channels[channel].get("minimum") or usual))


def settings_file(home: Home) -> Path:
    return home.data / "alerts.yaml"


def read_settings(home: Home) -> Settings:
    """Raises ``OperationError`` where the file is malformed, or others may read it."""
    path = settings_file(home)
    try:
        text, mode = path.read_text(), stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise OperationError(f"{path} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise OperationError(f"{path} holds secrets and others may read it: chmod 600 {path}")
    try:
        return parse_settings(yaml.safe_load(text) or {})
    except (OperationError, yaml.YAMLError) as error:
        raise OperationError(f"{path}: {error}") from error


def parse_settings(given: Any) -> Settings:
    """Check what the file holds. Raises ``OperationError``."""
    if not isinstance(given, dict):
        raise OperationError("a map of settings was expected.")
    known = {each.name for each in fields(Settings)}
    for name in given:
        if name not in known:
            raise OperationError(f"{name!r} is no setting; there are {', '.join(sorted(known))}.")
    channels = given.get("channels") or {}
    if not isinstance(channels, dict):
        raise OperationError("channels: a map by kind was expected.")
    return Settings(
        channels={kind: check_channel(kind, channel) for kind, channel in channels.items()},
        limits=make_limits(given.get("limits") or {}),
        interval_seconds=_number("interval_seconds", given.get("interval_seconds", 30), 5, 60),
        server_url=check_url("server_url", given.get("server_url")),
        heartbeat_url=check_url("heartbeat_url", given.get("heartbeat_url")),
    )


def make_limits(given: Mapping[str, Any]) -> Limits:
    known = {each.name for each in fields(Limits)}
    for name in given:
        if name not in known:
            raise OperationError(f"{name!r} is no limit; there are {', '.join(sorted(known))}.")
    return Limits(**{name: _number(name, value, 0, 1e9) for name, value in given.items()})


def check_channel(kind: str, channel: Any) -> dict[str, Any]:
    """One channel, complete. Raises ``OperationError`` naming what is wrong."""
    if kind not in CHANNEL_KEYS:
        raise OperationError(f"{kind!r} is no channel; there are {', '.join(CHANNEL_KEYS)}.")
    required, optional = CHANNEL_KEYS[kind]
    if not isinstance(channel, dict):
        raise OperationError(f"{kind}: a map was expected.")
    missing = [name for name in required if not channel.get(name)]
    if missing:
        raise OperationError(f"{kind}: {missing[0]} is missing.")
    unknown = set(channel) - {*required, *optional, "minimum"}
    if unknown:
        raise OperationError(f"{kind}: {sorted(unknown)[0]!r} is not known.")
    if channel.get("minimum") not in (None, *Severity):
        raise OperationError(f"{kind}: minimum is {' or '.join(Severity)}.")
    if "to" in required and not _is_list_of_text(channel["to"]):
        raise OperationError(f"{kind}: to is a list of addresses.")
    if channel.get("security") not in (None, "starttls", "tls", "none"):
        raise OperationError(f"{kind}: security is starttls, tls or none.")
    for name in ("webhook_url", "base_url"):
        check_url(f"{kind}: {name}", channel.get(name))
    return dict(channel)


def check_url(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise OperationError(f"{name}: an address such as https://example.com/... was expected.")
    return value


def write_settings(home: Home, settings: Settings) -> None:
    """Replace the file; what is as usual is left out."""
    limits, usual = asdict(settings.limits), asdict(Limits())
    content: dict[str, Any] = {
        "channels": {kind: dict(channel) for kind, channel in settings.channels.items()},
        "limits": {name: value for name, value in limits.items() if value != usual[name]},
        "server_url": settings.server_url,
        "heartbeat_url": settings.heartbeat_url,
    }
    if settings.interval_seconds != INTERVAL_SECONDS:
        content["interval_seconds"] = settings.interval_seconds
    parse_settings(content)
    home.data.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in content.items() if value}
    replace_file(settings_file(home), yaml.safe_dump(kept, sort_keys=False))


def hide_secrets(settings: Settings) -> dict[str, Any]:
    """The channels as they may be shown."""
    return {
        kind: {
            **{name: "***" if name in SECRET_KEYS else value for name, value in channel.items()},
            "minimum": settings.minimum(kind).value,
        }
        for kind, channel in settings.channels.items()
    }


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise OperationError(f"{name}: a number was expected, not {value!r}.") from error
    if not low <= number <= high:
        raise OperationError(f"{name}: a number from {low:g} to {high:g} was expected.")
    return number


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v for v in value)
