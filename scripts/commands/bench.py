"""``scripts/bench``: measure speed and size, a JSON line a figure.

With ``--write`` the figures of all areas also become the table in docs/benchmarks.md. Run it on a
quiet machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from scripts.benchmarks import browser, server, tables
from scripts.benchmarks.figures import Figure
from scripts.benchmarks.report import write_table
from scripts.benchmarks.running import BenchServer, bench_server

AREAS: dict[str, Callable[[BenchServer], Iterator[Figure]]] = {
    "server": server.measure,
    "tables": tables.measure,
    "browser": browser.measure,
}


def measure(areas: list[str]) -> Iterator[Figure]:
    """Each area has a server of its own, so that none measures what another left behind."""
    for area in areas:
        with bench_server() as running:
            yield from AREAS[area](running)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("area", nargs="*", help=f"measure only these: {', '.join(AREAS)}")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    unknown = sorted(set(options.area) - set(AREAS))
    if unknown:
        parser.error(f"there is no area {unknown[0]!r}; there are {', '.join(AREAS)}")
    if options.write and options.area:
        parser.error("--write is for all areas together")
    figures = []
    for figure in measure(options.area or list(AREAS)):
        figures.append(figure)
        print(figure.to_json(), flush=True)
    if options.write:
        write_table(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
