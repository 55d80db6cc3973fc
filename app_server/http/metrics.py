"""``/_/metrics``: an instance's numbers in Prometheus's text format.

https://prometheus.io/docs/instrumenting/exposition_formats/ . For programs on this machine, and for
whoever has the token (``--metrics-token``, as ``Authorization: Bearer ...``).
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psutil
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response

from app_server.instance import Instance
from app_server.metrics import BUCKETS, Durations
from app_server.wire.macs import is_same_text

if TYPE_CHECKING:
    from prometheus_client.core import Metric

REFUSAL = (
    "Metrics are for programs on this machine, without a proxy in between, and for those with the "
    "token: start the server with --metrics-token, and send it as 'Authorization: Bearer TOKEN'."
)
PREFIX = "mybizz_"
_process = psutil.Process(os.getpid())


async def serve_metrics(http: HttpRequest, instance: Instance) -> Response:
    """Everything that is known of the instance at this moment."""
    if not _is_allowed(http, instance):
        return PlainTextResponse(REFUSAL, 403, {"Cache-Control": "no-store"})
    health = await instance.check_health()
    text, content_type = await asyncio.to_thread(_render, instance, health)
    return Response(text, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


def _is_allowed(http: HttpRequest, instance: Instance) -> bool:
    scheme, _, token = http.headers.get("authorization", "").partition(" ")
    expected = instance.config.metrics_token
    if expected and scheme.lower() == "bearer":
        return is_same_text(token.strip(), expected)
    if "x-forwarded-for" in http.headers or "forwarded" in http.headers or http.client is None:
        return False
    try:
        return ipaddress.ip_address(http.client.host).is_loopback
    except ValueError:
        return False


def _render(instance: Instance, health: dict[str, Any]) -> tuple[bytes, str]:
    # Loaded here: that takes a fifth of the server's start, and not everybody asks.
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

    class Source:
        def collect(self) -> Iterator[Metric]:
            yield from _list_counted(instance)
            yield from _list_state(instance, health)

    return generate_latest(Source()), CONTENT_TYPE_PLAIN_0_0_4


def _list_counted(instance: Instance) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily

    metrics = instance.metrics
    requests = CounterMetricFamily(
        f"{PREFIX}http_requests", "HTTP requests answered", labels=["kind", "method", "status"]
    )
    for (kind, method, status), count in list(metrics.requests.items()):
        requests.add_metric([kind, method, str(status)], count)
    yield requests
    yield _histogram(
        "http_request_seconds", "Time to the end of the answer", "kind", metrics.request_seconds
    )
    calls = CounterMetricFamily(
        f"{PREFIX}calls", "Calls of functions served", labels=["function", "outcome"]
    )
    for (function, outcome), count in list(metrics.calls.items()):
        calls.add_metric([function, outcome], count)
    yield calls
    spent = CounterMetricFamily(
        f"{PREFIX}function_seconds", "Time that calls of a function took", labels=["function"]
    )
    for function, seconds in list(metrics.function_seconds.items()):
        spent.add_metric([function], seconds)
    yield spent
    yield _histogram("call_seconds", "Time to the answer of a call", "origin", metrics.call_seconds)


def _histogram(name: str, text: str, label: str, durations: dict[str, Durations]) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(f"{PREFIX}{name}", text, labels=[label])
    for value, measured in list(durations.items()):
        below, buckets = 0, []
        for bound, count in zip((*BUCKETS, float("inf")), measured.counts, strict=True):
            below += count
            buckets.append(("+Inf" if bound == float("inf") else str(bound), below))
        family.add_metric([value], buckets, measured.total_seconds)
    return family


def _list_state(instance: Instance, health: dict[str, Any]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

    def gauge(name: str, text: str, value: float) -> Metric:
        return GaugeMetricFamily(f"{PREFIX}{name}", text, value=value)

    is_fit, _reasons = instance.judge_readiness(health)
    yield InfoMetricFamily(
        f"{PREFIX}instance",
        "Which instance, and which version of its app",
        value={"instance": instance.name, "app_version": instance.app.version},
    )
    yield gauge("ready", "1 where it can serve (see /_/ready)", is_fit)
    yield gauge("database_up", "1 where the database answers", health["database"]["ok"])
    if "latency_ms" in health["database"]:
        seconds = health["database"]["latency_ms"] / 1000
        yield gauge("database_latency_seconds", "Time of one small query", seconds)
    pool = GaugeMetricFamily(f"{PREFIX}database_connections", "Of the pool", labels=["state"])
    for state, count in (health["database"].get("pool") or {}).items():
        pool.add_metric([state], count)
    yield pool
    yield gauge("browser_sockets", "Pages that are open", len(instance.links))
    yield gauge("uplinks", "Uplinks that are connected", len(instance.uplinks.links))
    yield gauge("calls_running", "Calls of browsers being served", len(instance.calls))
    yield from _list_workers(instance, gauge)
    if instance.scheduler is not None:
        seconds = instance.scheduler.age_seconds
        yield gauge("scheduler_age_seconds", "Since it looked for what is due", seconds)
    yield gauge("started_timestamp_seconds", "When it was started", instance.started_at)
    yield from _list_process(gauge)


def _list_workers(instance: Instance, gauge: Any) -> Iterator[Metric]:
    """Of the processes of the instance's server code."""
    from prometheus_client.core import CounterMetricFamily

    pool, metrics = instance.workers, instance.metrics
    yield gauge("workers", "Processes of server code", len(pool.workers))
    yield gauge("worker_memory_bytes", "Resident, of all of them together", pool.memory_bytes)
    paced = metrics.paced_calls
    yield CounterMetricFamily(f"{PREFIX}calls_paced", "That waited, being too many", value=paced)
    used = metrics.worker_cpu_seconds
    yield CounterMetricFamily(f"{PREFIX}worker_cpu_seconds", "Used by all there were", value=used)
    ends = CounterMetricFamily(f"{PREFIX}worker_ends", "Processes that ended", labels=["reason"])
    for reason, count in list(metrics.worker_ends.items()):
        ends.add_metric([reason], count)
    yield ends
    yield gauge("worker_yields", "1 while all others go first", pool.yields)
    pause = instance.workers.crash_pause_seconds
    yield gauge("worker_pause_seconds", "Until the next may start, after crashes", pause)


def _list_process(gauge: Any) -> Iterator[Metric]:
    """Of the server itself, which all its instances share."""
    used = _process.cpu_times()
    yield gauge("server_memory_bytes", "Of the server, shared by all", _process.memory_info().rss)
    yield gauge("server_cpu_seconds", "Used by it so far", used.user + used.system)
    started_at = _process.create_time()
    yield gauge("server_started_timestamp_seconds", "When it was started", started_at)
    yield gauge("server_uptime_seconds", "Since it was started", time.time() - started_at)
