"""``scripts/bench``: measure speed and size, a JSON line a figure.

With ``--write`` the figures of all areas also become the table in docs/benchmarks.md. Run it on a
quiet machine. ``fleet`` and ``neighbours`` take minutes, and run only where they are named.
"""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator

from scripts.benchmarks import browser, contacts, fleet, imports, neighbours, server, tables
from scripts.benchmarks.figures import Figure
from scripts.benchmarks.report import write_table
from scripts.benchmarks.running import BenchServer, bench_server

AREAS: dict[str, Callable[[BenchServer], Iterator[Figure]]] = {
    "server": server.measure,
    "tables": tables.measure,
    "browser": browser.measure,
    "contacts": contacts.measure,
    "imports": imports.measure,
}


def say(text: str) -> None:
    """How far a long measurement is, beside its figures."""
    print(text, file=sys.stderr, flush=True)


def measure_fleet(options: Namespace) -> Iterator[Figure]:
    say(fleet.tell_machine())
    return fleet.measure(options.instances, options.contacts, options.in_use, options.seconds, say)


def measure_neighbours(options: Namespace) -> Iterator[Figure]:
    say(fleet.tell_machine())
    return neighbours.measure(options.seconds / 10, say)


LONG_AREAS: dict[str, Callable[[Namespace], Iterator[Figure]]] = {
    "fleet": measure_fleet,
    "neighbours": measure_neighbours,
}


def measure(areas: list[str], options: Namespace) -> Iterator[Figure]:
    """Each area has a server of its own, so that none measures what another left behind."""
    for area in areas:
        if area in LONG_AREAS:
            yield from LONG_AREAS[area](options)
            continue
        with bench_server() as running:
            yield from AREAS[area](running)


def main() -> int:
    known = [*AREAS, *LONG_AREAS]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("area", nargs="*", help=f"measure only these: {', '.join(known)}")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--instances", type=int, default=100, help="of a fleet (100)")
    parser.add_argument("--contacts", type=int, default=10_000, help="of each of them (10000)")
    parser.add_argument("--in-use", type=int, default=20, help="of them at the same time (20)")
    parser.add_argument("--seconds", type=float, default=90, help="how long they are in use (90)")
    options = parser.parse_args()
    unknown = sorted(set(options.area) - set(known))
    if unknown:
        parser.error(f"there is no area {unknown[0]!r}; there are {', '.join(known)}")
    if options.write and options.area:
        parser.error("--write is for all areas together")
    figures = []
    for figure in measure(options.area or list(AREAS), options):
        figures.append(figure)
        print(figure.to_json(), flush=True)
    if options.write:
        write_table(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
