"""Imports of contacts from a file: how many rows a second its dry run and the import take in."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Any

from scripts.benchmarks.figures import Figure
from scripts.benchmarks.product import OWNER, product_server
from scripts.benchmarks.running import BenchmarkError, BenchServer, Caller

ROWS = 10_000
# By what a person does with those who are there already, in this order.
PLAN = {"match_by": "email", "on_duplicate": "fill", "tags": ["fair"], "consent": "none"}
LOOK_SECONDS = 0.05
DEADLINE_SECONDS = 600


def measure(server: BenchServer) -> Iterator[Figure]:
    """Figures of a file of ROWS people that comes in twice: all new, then all there already."""
    with product_server(server) as product, Caller(product.port) as owner:
        _ask(owner, "log_in", OWNER["email"], OWNER["password"])
        for who, outcome in (("new people", "created"), ("people who are there", "unchanged")):
            answer = owner.call_with_file("begin_contact_import", "people.csv", _file())
            started = _taken(answer)["import"]
            plan = {**PLAN, "mapping": started["mapping"]}
            import_id = started["import_id"]
            checked = _time(owner, "check_contact_import", import_id, plan=plan)
            yield Figure(f"import of {ROWS:,} {who}, dry run", ROWS / checked, "1/s")
            taken = _time(owner, "start_contact_import", import_id)
            yield Figure(f"import of {ROWS:,} {who}", ROWS / taken, "1/s")
            counts = _look(owner, import_id)["counts"]
            if counts.get(outcome) != ROWS:
                raise BenchmarkError(f"Not all {ROWS} rows are {outcome}: {counts}.")


def _time(owner: Caller, step: str, import_id: str, **arguments: Any) -> float:
    """The seconds that a step of an import takes in the background."""
    began = time.perf_counter()
    _ask(owner, step, import_id=import_id, **arguments)
    while _look(owner, import_id)["state"] == "working":
        if time.perf_counter() - began > DEADLINE_SECONDS:
            raise BenchmarkError(f"{step} has taken more than {DEADLINE_SECONDS} s.")
        time.sleep(LOOK_SECONDS)
    return time.perf_counter() - began


def _ask(owner: Caller, name: str, *args: Any, **arguments: Any) -> dict[str, Any]:
    return _taken(owner.call(name, *args, **arguments))


def _taken(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer that does not refuse."""
    if not answer["success"]:
        raise BenchmarkError(f"The product refuses: {answer}")
    return answer


def _look(owner: Caller, import_id: str) -> dict[str, Any]:
    found: dict[str, Any] = _ask(owner, "get_contact_import", import_id)["import"]
    if found["error"]:
        raise BenchmarkError(f"The import has failed: {found['error']}")
    return found


def _file() -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["First name", "Last name", "E-mail", "Phone", "Company", "City"])
    for number in range(ROWS):
        email, phone = f"person{number}@example.com", f"+27 82 5{number:06}"
        writer.writerow(["Chloé", f"van der Merwe {number}", email, phone, "Moreau", "Cape Town"])
    return text.getvalue().encode()
