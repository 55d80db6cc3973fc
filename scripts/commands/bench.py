"""``scripts/bench``: measure speed and size, a JSON line a figure.

With ``--write`` the figures also become the table in docs/benchmarks.md. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from scripts.benchmarks import server as server_figures
from scripts.benchmarks.figures import Figure
from scripts.benchmarks.running import bench_server

AREAS = ("server",)


def measure(areas: list[str]) -> Iterator[Figure]:
    if "server" in areas:
        with bench_server() as server:
            yield from server_figures.measure(server)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("area", nargs="*", choices=[*AREAS, []], help="measure only these")
    options = parser.parse_args()
    for figure in measure(options.area or list(AREAS)):
        print(figure.to_json(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
