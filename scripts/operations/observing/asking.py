"""What an instance's server answers: its health, and what it has counted."""

from __future__ import annotations

import socket
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography import x509

ANSWER_SECONDS = 5.0
CERTIFICATE_SECONDS = 5.0

# What a caller did wrong, or somebody else wrote first: no fault of the business's.
NOT_OUR_FAULT = (
    "ok",
    "anvil.server.NoServerFunctionError",
    "anvil.server.PermissionDenied",
    "anvil.server.SessionExpiredError",
    "anvil.server.InvalidResponseError",
    "anvil.users.",
)


class Reach(StrEnum):
    """How far a question came. ``REFUSED``: nobody listens there."""

    WELL = "well"
    ILL = "ill"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Counters:
    """What an instance has counted since it was started. ``slow``: calls by the upper end of their
    bucket in seconds; ``ends``: processes of server code that ended by themselves, by reason."""

    at: float
    started_at: float
    requests: int = 0
    requests_failed: int = 0
    calls: int = 0
    calls_failed: int = 0
    durations: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
    cut_off: int = 0
    server_started_at: float = 0.0
    scheduler_seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Counters:
        return cls(**facts)


@dataclass(frozen=True, slots=True)
class Answer:
    """``message``: what is wrong, in the server's words. ``at``: the clock of the server."""

    reach: Reach
    message: str = ""
    reasons: tuple[str, ...] = ()
    is_database_up: bool = True
    counters: Counters | None = None
    at: datetime | None = None


def make_client() -> httpx.Client:
    """For all questions of a look, which come from several threads."""
    # Nobody checks the name: a server is asked on its own machine.
    return httpx.Client(timeout=ANSWER_SECONDS, verify=False)


def ask_server(client: httpx.Client, base_url: str, host: str, token: str | None) -> Answer:
    """Ask an instance for its readiness and its metrics. Never raises."""
    headers = {"host": host, **({"authorization": f"Bearer {token}"} if token else {})}
    try:
        return _read(lambda path: client.get(base_url + path, headers=headers))
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return Answer(Reach.REFUSED, str(error) or "no connection")
    except httpx.HTTPError as error:
        return Answer(Reach.SILENT, f"no answer within {ANSWER_SECONDS:.0f} s ({error})")


def _read(get: Callable[[str], httpx.Response]) -> Answer:
    health, ready = get("/_/health"), get("/_/ready")
    body = _read_json(health)
    at = _read_date(health.headers.get("date"))
    if "database" not in body:
        # Not the instance, but what stands in for it.
        said = f"the server answers for it with status {health.status_code}"
        if health.status_code == 200:
            said = "the server does not know its name, so it could not read its instance.yaml"
        return Answer(Reach.ILL, said, at=at)
    reasons = tuple(str(each) for each in _read_json(ready).get("reasons") or ())
    is_up = bool(body["database"].get("ok"))
    counters = None
    if health.status_code < 500 or not is_up:
        metrics = get("/_/metrics")
        if metrics.status_code == 200:
            counters = read_counters(metrics.text)
    is_well = health.status_code == 200 and ready.status_code == 200
    message = str(body["database"].get("message") or body.get("message") or "")
    return Answer(
        Reach.WELL if is_well else Reach.ILL, message, reasons, is_up, counters=counters, at=at
    )


def _read_json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _read_date(value: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def read_counters(text: str) -> Counters:
    """What ``/_/metrics`` says (see docs/operating.md)."""
    from prometheus_client.parser import text_string_to_metric_families

    totals: defaultdict[str, float] = defaultdict(float)
    durations: defaultdict[str, int] = defaultdict(int)
    ends: defaultdict[str, int] = defaultdict(int)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name, labels, value = sample.name.removeprefix("mybizz_"), sample.labels, sample.value
            totals[name] += value
            if name == "http_requests_total" and labels["status"] >= "500":
                totals["requests_failed"] += value
            elif name == "calls_total" and not labels["outcome"].startswith(NOT_OUR_FAULT):
                totals["calls_failed"] += value
                if labels["outcome"] == "anvil.server.TimeoutError":
                    totals["cut_off"] += value
            elif name == "call_seconds_bucket":
                durations[labels["le"]] += int(value)
            elif name == "worker_ends_total":
                ends[labels["reason"]] += int(value)
    now = datetime.now(UTC).timestamp()
    return Counters(
        at=now,
        started_at=totals["started_timestamp_seconds"],
        requests=int(totals["http_requests_total"]),
        requests_failed=int(totals["requests_failed"]),
        calls=int(totals["calls_total"]),
        calls_failed=int(totals["calls_failed"]),
        durations=dict(durations),
        ends=dict(ends),
        cut_off=int(totals["cut_off"]),
        server_started_at=totals["server_started_timestamp_seconds"],
        scheduler_seconds=totals.get("scheduler_age_seconds"),
    )


def read_certificate_end(origin: str) -> datetime | None:
    """When the certificate ends that visitors of an address are shown; None where it is not https,
    or nobody answers there."""
    parts = urlsplit(origin)
    if parts.scheme != "https" or not parts.hostname:
        return None
    context = ssl.create_default_context()
    # One that has ended is read, too.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = (parts.hostname, parts.port or 443)
    try:
        with (
            socket.create_connection(address, CERTIFICATE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as wrapped,
        ):
            found = wrapped.getpeercert(binary_form=True)
    except (OSError, ssl.SSLError):
        return None
    return x509.load_der_x509_certificate(found).not_valid_after_utc if found else None
