"""Checks of what visitors notice: server, instances, errors, speed, certificates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from scripts.operations.observing.asking import Counters, Reach
from scripts.operations.observing.looking import InstanceLook, Look, read_window
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.wording import shorten, tell_names, tell_span, tell_time

P95 = 0.95


def check_serving(look: Look) -> Iterator[Finding]:
    away = _find_servers_away(look)
    for port, names in away.items():
        yield Finding(
            RULES["server_down"],
            f"Nothing answers at port {port}: {tell_names(names)} cannot be reached.",
            "Start the server (`systemctl start mybizz`, or `scripts/run`), and read the "
            "end "
            "of its log for why it stopped.",
            part=str(port),
            facts={"instances": names, "port": port},
        )
    yield from _check_starts(look)
    databases_away = _find_databases_away(look)
    for server, found in databases_away.items():
        yield _tell_database_server(server, found)
    for each in look.instances:
        if each.answer is None or each.port in away:
            continue
        yield from _check_answer(each)
        if each.database is None or each.database.address not in databases_away:
            yield from _check_database(each)
        yield from _check_counts(look, each)
        yield from _check_certificate(look, each)


def _find_servers_away(look: Look) -> dict[int | None, list[str]]:
    """Ports where nobody listens, with the instances that should be there."""
    by_port: defaultdict[int | None, list[InstanceLook]] = defaultdict(list)
    for each in look.instances:
        if each.answer is not None:
            by_port[each.port].append(each)
    return {
        port: [each.name for each in found]
        for port, found in by_port.items()
        if all(each.answer and each.answer.reach is Reach.REFUSED for each in found)
    }


def _find_databases_away(look: Look) -> dict[str, list[InstanceLook]]:
    """Database servers that none of several instances reaches."""
    by_server: defaultdict[str, list[InstanceLook]] = defaultdict(list)
    for each in look.instances:
        if each.database is not None:
            by_server[each.database.address].append(each)
    return {
        server: found
        for server, found in by_server.items()
        if len(found) > 1
        and all(e.database and e.database.problem and not e.database.is_crowded for e in found)
    }


def _tell_database_server(server: str, found: list[InstanceLook]) -> Finding:
    names = [each.name for each in found]
    problem = found[0].database.problem if found[0].database else ""
    return Finding(
        RULES["database_down"],
        f"The database server {server} cannot be reached, so {tell_names(names)} are away: "
        f"{shorten(problem)}",
        "Look whether it runs: `systemctl status mybizz` (or of your Postgres), and the "
        "end of "
        ".data/postgres/server.log. A full disk stops it, too.",
        part=server,
        facts={"instances": names},
    )


def _check_starts(look: Look) -> Iterator[Finding]:
    """Servers and instances that were started again and again. Keeps when servers were."""
    limits, now = look.settings.limits, look.at.timestamp()
    since = now - 60 * limits.restart_minutes
    names: defaultdict[str, list[str]] = defaultdict(list)
    for each in look.instances:
        counters = each.answer.counters if each.answer else None
        if counters is None:
            continue
        names[str(each.port)].append(each.name)
        starts = look.memory.starts.setdefault(str(each.port), [])
        if not any(abs(counters.server_started_at - known) < 2 for known in starts):
            starts.append(counters.server_started_at)
        yield from _check_instance_starts(look, each, counters, since)
    for port, starts in look.memory.starts.items():
        starts[:] = [start for start in starts if start >= since][-20:]
        if len(starts) >= limits.restarts and names[port]:
            yield Finding(
                RULES["server_crash_loop"],
                f"The server at port {port} was started {len(starts)} times within "
                f"{limits.restart_minutes:g} minutes; {tell_names(names[port])} were away each "
                "time.",
                "Read the end of its log (`journalctl -u mybizz -n 200`): the last lines "
                "before "
                "each start say why it ended.",
                part=port,
                facts={"instances": names[port], "starts": len(starts)},
            )


def _check_instance_starts(
    look: Look, each: InstanceLook, counters: Counters, since: float
) -> Iterator[Finding]:
    """One that starts anew while its server goes on."""
    known = look.memory.counters.get(each.name, [])
    starts = {
        entry["started_at"]
        for entry in [*known, counters.to_json()]
        if entry["started_at"] >= since
        and abs(entry["server_started_at"] - counters.server_started_at) < 2
    }
    if len(starts) >= look.settings.limits.restarts:
        yield Finding(
            RULES["instance_restarts"],
            f"{each.name} was started {len(starts)} times within "
            f"{look.settings.limits.restart_minutes:g} minutes.",
            f"Something changes client_instances/{each.name}/instance.yaml or its app again and "
            f"again: see `scripts/mybizz log` and `scripts/mybizz instance show {each.name}`.",
            each.name,
        )


def _check_answer(each: InstanceLook) -> Iterator[Finding]:
    answer = each.answer
    assert answer is not None
    if answer.reach is Reach.WELL or not answer.is_database_up:
        return
    if any("code" in reason for reason in answer.reasons):
        yield Finding(
            RULES["server_code_down"],
            f"{each.name} cannot run server code: pages open, and nothing can be saved or booked.",
            "Read the server's log for 'A process for server code ended'. Often memory is short "
            "or a "
            "package is missing: `scripts/run` installs them.",
            each.name,
        )
        return
    if any("stopped" in reason for reason in answer.reasons):
        # It drains; what comes after it answers at the next look, or is found away.
        return
    yield Finding(
        RULES["instance_down"],
        f"{each.name} is not served: {shorten(answer.message) or 'no reason was given'}.",
        f"See `scripts/mybizz instance show {each.name}`, and its last lines in the server's log: "
        "they say why it cannot be started.",
        each.name,
        facts={"answer": answer.reach.value},
    )


def _check_database(each: InstanceLook) -> Iterator[Finding]:
    """Its own database alone; where all of a server are away, that is told once, elsewhere."""
    assert each.answer is not None
    look_there = each.database
    if look_there is None or look_there.is_crowded:
        return
    is_away = bool(look_there.problem) or not each.answer.is_database_up
    if is_away:
        said = look_there.problem or each.answer.message
        yield Finding(
            RULES["database_down"],
            f"{each.name} does not reach its database: {shorten(said)}",
            f"Look whether {each.folder.name}'s database is there (`scripts/mybizz instance show "
            f"{each.name}`). If it is lost: `scripts/mybizz instance restore {each.name}`.",
            each.name,
            facts={"host": look_there.host, "port": look_there.port},
        )


def _check_counts(look: Look, each: InstanceLook) -> Iterator[Finding]:
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
        f"began with an upgrade: `scripts/mybizz instance rollback {each.name}`.",
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
            f"an upgrade: `scripts/mybizz instance rollback {each.name}`.",
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


def _check_certificate(look: Look, each: InstanceLook) -> Iterator[Finding]:
    ends_at = each.certificate_ends_at
    if ends_at is None:
        return
    left = (ends_at - look.at).total_seconds()
    if left < look.settings.limits.certificate_days * 86400:
        when = (
            f"expires at {tell_time(ends_at)}" if left > 0 else f"expired at {tell_time(ends_at)}"
        )
        yield Finding(
            RULES["certificate_expires"],
            f"The certificate of {each.name} ({each.folder.origin}) {when}.",
            "Caddy renews it by itself 30 days before: read its log (`journalctl -u caddy`). A "
            "certificate from files has to be put there anew; then `kill -HUP` the server.",
            each.name,
            facts={"expires_at": ends_at.isoformat()},
        )
