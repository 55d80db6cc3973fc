"""Checks of how requests and calls end, and how long they take, by what an instance counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scripts.operations.observing.asking import Counters
from scripts.operations.observing.looking import InstanceLook, Look, read_window
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.wording import tell_span

P95 = 0.95


def check_traffic(look: Look, each: InstanceLook) -> Iterator[Finding]:
    window = read_window(look, each.name)
    if window is None:
        return
    before, now, own = window
    span = tell_span(max(1.0, look.at.timestamp() - before.at))
    yield from _check_errors(look, each, before, now, own, span)
    yield from _check_ends(look, each, before, now, span)
    yield from _check_speed(look, each, before, now, span)


def _check_errors(
    look: Look,
    each: InstanceLook,
    before: Counters,
    now: Counters,
    own: Mapping[str, int],
    span: str,
) -> Iterator[Finding]:
    """By HTTP requests, by calls, and by what the app itself has counted. One and the same failure
    may be in all three, so they are not added up."""
    limits = look.settings.limits
    shares = (
        (now.requests_failed - before.requests_failed, now.requests - before.requests),
        (now.calls_failed - before.calls_failed, now.calls - before.calls),
        (own["internal"], own["calls"]),
    )
    failed, total = max(
        (
            (failed, total)
            for failed, total in shares
            if failed >= max(1, limits.error_count) and 100 * failed >= limits.error_percent * total
        ),
        default=(0, 0),
    )
    if not failed:
        return
    yield Finding(
        RULES["error_rate"],
        f"{failed} of {total} requests to {each.name} failed in the last {span}.",
        f"Find them in the server's log: lines of level error with instance {each.name}. If it "
        f"began with an upgrade: `scripts/mybizz instance rollback {each.name} --keep-data`.",
        each.name,
        facts={"failed": failed, "total": total},
    )


def _check_ends(
    look: Look, each: InstanceLook, before: Counters, now: Counters, span: str
) -> Iterator[Finding]:
    limits = look.settings.limits
    ends = {reason: n - before.ends.get(reason, 0) for reason, n in now.ends.items()}
    crashes, hogs = ends.get("crash", 0), ends.get("memory", 0)
    cut_off = max(ends.get("time", 0), now.cut_off - before.cut_off)
    if crashes >= limits.crashes:
        yield Finding(
            RULES["worker_crash_loop"],
            f"The server code of {each.name} crashed {crashes} times in the last {span}.",
            "Read the server's log around 'exited unexpectedly' for this instance. If it began "
            "with "
            f"an upgrade: `scripts/mybizz instance rollback {each.name} --keep-data`.",
            each.name,
            facts={"crashes": crashes},
        )
    if hogs:
        yield Finding(
            RULES["memory_hog"],
            f"The server code of {each.name} was ended {hogs} times in the last {span}: it used "
            "more memory than it may.",
            "The log's line 'used ... MB of memory' is followed by the call that was cut off: a "
            "list "
            "without paging or a large upload, mostly. Others are not affected.",
            each.name,
            facts={"ends": hogs},
        )
    if cut_off >= limits.cut_off_calls:
        yield Finding(
            RULES["endless_calls"],
            f"{cut_off} calls of {each.name} took too long and were cut off in the last {span}.",
            f"`scripts/mybizz fleet status {each.name}` shows its load; the log names the "
            "functions "
            "('took too long'). Others are not affected.",
            each.name,
            facts={"calls": cut_off},
        )


def _check_speed(
    look: Look, each: InstanceLook, before: Counters, now: Counters, span: str
) -> Iterator[Finding]:
    limits = look.settings.limits
    counts = {le: n - before.durations.get(le, 0) for le, n in now.durations.items()}
    calls = counts.get("+Inf", 0)
    if calls < limits.slow_calls:
        return
    # The buckets are cumulative: the first that holds 95 of 100.
    bounds = sorted((float(le), n) for le, n in counts.items())
    slow = next(bound for bound, n in bounds if n >= P95 * calls)
    if slow > limits.slow_seconds:
        least = "more than 30 s" if slow == float("inf") else f"up to {slow:g} s"
        yield Finding(
            RULES["latency"],
            f"Calls of {each.name} take {least} (95 of 100), over {calls} calls in the last "
            f"{span}.",
            f"`scripts/mybizz fleet status` shows whether others are slow too: then the machine is "
            f"busy. Else look at /_/metrics of {each.name} for the function that takes the time.",
            each.name,
            facts={"p95_seconds": None if slow == float("inf") else slow, "calls": calls},
        )
