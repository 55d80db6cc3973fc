#!/usr/bin/env python3
"""Show how often each callable of an instance is called, how it fails, and how long it takes.

    scripts/uplink/show_metrics.py --instance yogastudio                 the last 24 hours
    scripts/uplink/show_metrics.py --instance yogastudio --hours 168 --json

Exit code: 0 shown, 1 some call failed by a fault of the product, 2 nothing could be shown.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    import in_project  # type: ignore[import-not-found]  # noqa: F401

import argparse
import json
from typing import Any

from scripts.uplink.connection import (
    UplinkError,
    add_target_options,
    connected,
    find_target,
    finish,
)

HEADINGS = ("callable", "calls", "faults", "p50 ms", "p95 ms", "p99 ms", "max ms", "refusals")
FAULT = "internal"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give its exit code."""
    parser = argparse.ArgumentParser(
        description="Show how often each callable is called, how it fails, how long it takes."
    )
    parser.add_argument("--hours", type=int, default=24, help="how far back (default: 24)")
    parser.add_argument("--json", action="store_true", help="for programs")
    add_target_options(parser)
    options = parser.parse_args(arguments)
    try:
        with connected(find_target(options)) as call:
            answer = call("get_callable_metrics", options.hours)
    except UplinkError as error:
        print(error, file=sys.stderr)
        return 2
    found = [dict(each) for each in answer["callables"]]
    if options.json:
        since = answer["since"].isoformat()
        print(json.dumps({"since": since, "callables": found}, indent=1, default=dict))
    else:
        print(as_table(found) if found else "Nothing was called.")
    return 1 if any(each["errors"] for each in found) else 0


def as_table(found: list[dict[str, Any]]) -> str:
    """A line for each callable, under headings, in columns."""
    rows = [HEADINGS, *(_row(each) for each in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    last = len(HEADINGS) - 1
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    refusals = sorted(
        (code, count) for code, count in dict(each["failures"]).items() if code != FAULT
    )
    return (
        each["name"],
        f"{each['calls']:,}",
        f"{each['errors']:,}" + (f" ({each['error_percent']:g} %)" if each["errors"] else ""),
        *(f"{each[name]:,.0f}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")),
        ", ".join(f"{code} {count:,}" for code, count in refusals),
    )


if __name__ == "__main__":
    finish(main())
