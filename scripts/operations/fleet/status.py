"""How every instance is: what its folder tells, what its server answers, what its database holds.

Each source may be away: what it would tell is None then, and ``problem`` says what is wrong.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import psycopg

from app_server.tables.store import libpq_url
from scripts.operations.backups import MANIFEST_FILE, read_backup
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.inspection import CHANGING, READY, STOPPED, Summary, summarise
from scripts.operations.instances import InstanceFolder, list_instances

AT_ONCE = 8
"""Instances that are asked at the same time."""

ANSWER_SECONDS = 5
WELL, ILL, DOWN = "well", "ill", "down"
WANTED = (STOPPED, CHANGING)
"""States in which it is not served because somebody wants it so."""

USAGE = {
    "contacts": "SELECT count(*) FROM app.contacts WHERE deleted_at IS NULL",
    "bookings": "SELECT count(*) FROM app.bookings",
    "users": "SELECT count(*) FROM app.users WHERE enabled",
    "emails": "SELECT count(*) FROM app.email_log "
    "WHERE status = 'sent' AND sent_at > now() - interval '30 days'",
    "storage_bytes": "SELECT coalesce(sum(length), 0)::bigint FROM _mybizz.media",
    "last_seen_at": "SELECT max(last_login) FROM app.users",
}
"""What is told of an instance's data. A release that has no such table tells None."""

DATABASES = """
    SELECT datname, pg_database_size(datname),
           (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = d.datname)
    FROM pg_database d WHERE datname = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """One instance. ``health`` is ``well``, ``ill`` (it answers that something is missing),
    ``down`` (no answer), or its ``state`` where that is why it is not served.

    ``requests``, ``calls`` and those that failed are since its server started it; ``emails`` were
    sent in the last 30 days; ``cpu_seconds`` and ``memory_bytes`` are of its server code.
    """

    name: str
    title: str
    release: str
    state: str
    origin: str
    health: str
    is_served: bool
    created_at: datetime | None = None
    backed_up_at: datetime | None = None
    backup_age_seconds: int | None = None
    problem: str | None = None
    latency_ms: float | None = None
    requests: int | None = None
    requests_failed: int | None = None
    calls: int | None = None
    calls_failed: int | None = None
    sockets: int | None = None
    workers: int | None = None
    memory_bytes: int | None = None
    cpu_seconds: float | None = None
    connections: int | None = None
    database_bytes: int | None = None
    contacts: int | None = None
    bookings: int | None = None
    users: int | None = None
    emails: int | None = None
    storage_bytes: int | None = None
    last_seen_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }


_NAMES = {field.name for field in fields(InstanceStatus)}


def read_fleet(
    home: Home, server: DatabaseServer | None, instances: Sequence[InstanceFolder] | None = None
) -> list[InstanceStatus]:
    """All instances (or these), by name. ``server`` is None where none can be reached."""
    found = list_instances(home) if instances is None else list(instances)
    databases = _read_databases(server, found)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda each: read_status(home, server, each, databases), found))


def read_status(
    home: Home,
    server: DatabaseServer | None,
    instance: InstanceFolder,
    databases: Mapping[str, tuple[int, int]],
) -> InstanceStatus:
    """One instance; ``databases`` is size and connections of each that there is."""
    summary = summarise(home, instance)
    served = _ask_server(instance)
    told: dict[str, Any] = dict(served)
    usage: dict[str, Any] = {}
    if server is not None:
        known = databases.get(instance.database_name)
        if known is None:
            told.setdefault("problem", "Its database is missing.")
        else:
            told["database_bytes"], told["connections"] = known
            usage = _read_usage(server, instance)
    if told.get("sockets"):
        usage["last_seen_at"] = datetime.now(UTC)
    backed_up_at = _find_last_backup(instance, summary)
    if backed_up_at is not None:
        age = datetime.now(UTC) - backed_up_at
        told["backup_age_seconds"] = int(age.total_seconds())
    health = told.pop("health")
    if health != WELL and summary.state != READY:
        health = summary.state
        told["problem"] = None if health in WANTED else f"It is {health}."
    return InstanceStatus(
        **{**_of_summary(summary), "backed_up_at": backed_up_at},
        health=health,
        **told,
        **usage,
    )


def sum_up(fleet: Sequence[InstanceStatus]) -> dict[str, Any]:
    """The fleet as a whole."""

    def total(name: str) -> int:
        return sum(getattr(each, name) or 0 for each in fleet)

    return {
        "instances": len(fleet),
        "served": sum(each.is_served for each in fleet),
        "ill": sum(each.health in (ILL, DOWN) for each in fleet),
        "releases": dict(sorted(Counter(each.release for each in fleet).items())),
        **{
            name: total(name)
            for name in ("memory_bytes", "database_bytes", "storage_bytes", "connections")
        },
        **{name: total(name) for name in ("contacts", "bookings", "emails", "sockets", "workers")},
    }


def _of_summary(summary: Summary) -> dict[str, Any]:
    """What a list of instances tells; it may come to tell more than is shown here."""
    return {name: getattr(summary, name) for name in _NAMES if hasattr(summary, name)}


def _find_last_backup(instance: InstanceFolder, summary: Summary) -> datetime | None:
    """The newest that was asked for, or that lies in its folder; their names are in the order of
    time."""
    known = [summary.backed_up_at] if summary.backed_up_at else []
    folders = sorted(instance.backups.glob(f"[!.]*/{MANIFEST_FILE}"), reverse=True)
    with contextlib.suppress(OperationError):
        known += [read_backup(file.parent).at for file in folders[:1]]
    return max(known, default=None)


def _read_databases(
    server: DatabaseServer | None, instances: Sequence[InstanceFolder]
) -> dict[str, tuple[int, int]]:
    if server is None:
        return {}
    with server.connect() as connection:
        rows = connection.execute(DATABASES, ([each.database_name for each in instances],))
        return {str(name): (int(str(size)), int(str(count))) for name, size, count in rows}


def _read_usage(server: DatabaseServer, instance: InstanceFolder) -> dict[str, Any]:
    """By the instance's own log-in: an administrator of a foreign server may have no right to."""
    own = libpq_url(str(instance.read_config()["database"]))
    address = psycopg.conninfo.make_conninfo(own, host=server.host, port=server.port)
    usage: dict[str, Any] = {}
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=ANSWER_SECONDS) as database:
            for name, statement in USAGE.items():
                try:
                    row = database.execute(statement).fetchone()
                except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
                    continue
                usage[name] = row[0] if row else None
    except psycopg.OperationalError:
        return usage
    return usage


def _ask_server(instance: InstanceFolder) -> dict[str, Any]:
    """``health``, ``is_served``, ``problem``, and what its metrics count."""
    port = instance.read_config().get("port")
    if not isinstance(port, int):
        return {"health": DOWN, "is_served": False, "problem": "Its configuration has no port."}
    started = time.perf_counter()
    try:
        status, text = _get(instance, port, "/_/health")
    except OSError as error:
        reason = getattr(error, "reason", error)
        return {"health": DOWN, "is_served": False, "problem": f"No answer: {reason}."}
    latency = round((time.perf_counter() - started) * 1000, 1)
    told: dict[str, Any] = {
        "health": WELL if status == 200 else ILL,
        "is_served": status == 200,
        "latency_ms": latency,
    }
    if status != 200:
        told["problem"] = _read_problem(text) or f"It answers with status {status}."
    try:
        status, text = _get(instance, port, "/_/metrics")
    except OSError:
        return told
    return {**told, **read_metrics(text)} if status == 200 else told


def _get(instance: InstanceFolder, port: int, path: str) -> tuple[int, str]:
    """Status and text. OSError where nobody answers."""
    host = str(instance.read_config().get("origin", "")).partition("://")[2].partition("/")[0]
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def _read_problem(text: str) -> str:
    try:
        return str(json.loads(text).get("message") or "")
    except (ValueError, AttributeError):
        return ""


def read_metrics(text: str) -> dict[str, Any]:
    """What is told of an instance from its ``/_/metrics``."""
    from prometheus_client.parser import text_string_to_metric_families

    totals: defaultdict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            totals[sample.name] += sample.value
            if sample.name == "mybizz_http_requests_total" and sample.labels["status"] >= "500":
                totals["requests_failed"] += sample.value
            if sample.name == "mybizz_calls_total" and sample.labels["outcome"] != "ok":
                totals["calls_failed"] += sample.value
    return {
        "requests": int(totals["mybizz_http_requests_total"]),
        "requests_failed": int(totals["requests_failed"]),
        "calls": int(totals["mybizz_calls_total"]),
        "calls_failed": int(totals["calls_failed"]),
        "sockets": int(totals["mybizz_browser_sockets"]),
        "workers": int(totals["mybizz_workers"]),
        "memory_bytes": int(totals["mybizz_worker_memory_bytes"]),
        "cpu_seconds": round(totals["mybizz_worker_cpu_seconds_total"], 2),
    }


def require_known(home: Home, names: Sequence[str]) -> list[InstanceFolder]:
    """These instances; all where none is named. OperationError for one that there is not."""
    known = {each.name: each for each in list_instances(home)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OperationError(
            f"There is no instance {unknown[0]!r}; there are {', '.join(known) or 'none'}."
        )
    return [known[name] for name in names] if names else list(known.values())
