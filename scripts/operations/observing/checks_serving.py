"""Checks of what visitors notice: server, instances, databases, certificates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from scripts.operations.observing.asking import Counters, Reach
from scripts.operations.observing.checks_traffic import check_traffic
from scripts.operations.observing.looking import InstanceLook, Look
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.wording import shorten, tell_names, tell_time

# A server tells when it started; no two starts of one are as close.
SAME_START_SECONDS = 0.2


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
        yield from check_traffic(look, each)
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
        if not any(
            abs(counters.server_started_at - known) < SAME_START_SECONDS for known in starts
        ):
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
        and abs(entry["server_started_at"] - counters.server_started_at) < SAME_START_SECONDS
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
