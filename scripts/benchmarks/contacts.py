"""Contacts: what list and page wait for, with 10,000 contacts and 100,000 events."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
from websockets.sync.client import ClientConnection, connect

from scripts.benchmarks.figures import Figure, median_ms
from scripts.benchmarks.product import UPLINK_KEY, product_server
from scripts.benchmarks.running import BenchmarkError, BenchServer

CONTACTS = 10_000
EVENTS = 100_000
GOAL_MS = 100
REPEATS = 40
BATCH = 1000
_FIRST = ("Amahle", "Bongani", "Chloé", "Dieter", "Élodie", "Fatima", "Grace", "Håkan", "Imran")
_LAST = ("Abrahams", "Botha", "Dlamini", "Fourie", "Khumalo", "Moreau", "Naidoo", "van der Merwe")


def measure(server: BenchServer) -> Iterator[Figure]:
    """Figures of a business with CONTACTS contacts and EVENTS events."""
    with product_server(server) as product, Script(product) as script:
        _fill(product, script)
        first = script.call("list_contacts", query={})
        if first["total"] != CONTACTS:
            raise BenchmarkError(f"There are {first['total']} contacts, not {CONTACTS}.")
        middle = _middle(script)
        busy = "C-1"
        steps: list[tuple[str, str, dict[str, Any]]] = [
            ("open the list", "list_contacts", {"query": {}}),
            ("a page in the middle", "list_contacts", {"query": {"after": middle}}),
            ("the last page", "list_contacts", {"query": {"last_page": True}}),
            ("sorted by what they spent", "list_contacts", {"query": {"sort": "spent"}}),
            ("search for a name", "list_contacts", {"query": {"search": "elodie khu"}}),
            ("search for one letter", "list_contacts", {"query": {"search": "e"}}),
            ("search for a number", "list_contacts", {"query": {"search": "082 500 4242"}}),
            ("tags and spend", "list_contacts", {"query": _FILTERS}),
            ("open a contact", "get_contact", {"contact_id": busy}),
            ("a contact's timeline", "get_contact_timeline", {"contact_id": busy}),
            ("recent activity", "get_recent_activity", {}),
        ]
        for name, function, arguments in steps:
            taken = median_ms(partial(script.call, function, **arguments), REPEATS)
            yield Figure(f"10,000 contacts: {name}, median", taken, "ms", goal=GOAL_MS)


_FILTERS = {
    "tags_any": ["vip", "retreat"],
    "tags_none": ["asleep"],
    "spent_min_cents": 10_000,
    "sort": "last_contact",
}


class Script:
    """An uplink script that calls the product."""

    def __init__(self, server: BenchServer) -> None:
        self._address = f"ws://localhost:{server.port}/_/uplink"
        self._numbers = itertools.count(1)

    def __enter__(self) -> Script:
        self._socket: ClientConnection = connect(self._address, max_size=None)
        self._socket.send(json.dumps({"key": UPLINK_KEY, "v": 8}))
        self._socket.recv(timeout=60)
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """The answer of a callable. BenchmarkError where it refuses."""
        number = f"b{next(self._numbers)}"
        message = {"type": "CALL", "id": number, "command": name, "args": [], "objects": []}
        self._socket.send(json.dumps({**message, "kwargs": arguments}))
        while True:
            answer = json.loads(self._socket.recv(timeout=120))
            if answer.get("id") == number and ("response" in answer or "error" in answer):
                break
        response: dict[str, Any] = answer.get("response") or {}
        if not response.get("success"):
            raise BenchmarkError(f"{name} refuses: {answer}")
        return response


def _fill(server: BenchServer, script: Script) -> None:
    for start in range(0, CONTACTS, BATCH):
        script.call("import_contacts", rows=[_person(n) for n in range(start, start + BATCH)])
    with psycopg.connect(server.database_url, autocommit=True) as database:
        database.execute(
            "UPDATE app.contacts SET total_spent_cents = (number::int * 7919) % 500000, "
            "last_contact_date = now() - (number::int % 700) * interval '1 day'"
        )
        # One in twenty is the first contact's: a customer who comes every day.
        database.execute(
            "INSERT INTO app.contact_events (contact, contact_number, event_type, event_date, "
            "description, user_visible) SELECT c._id, c.number, 'note', "
            "now() - n * interval '10 minutes', 'What was said', true "
            "FROM generate_series(1, %s) n JOIN app.contacts c "
            "ON c.number = CASE WHEN n %% 20 = 0 THEN 1 ELSE n %% %s + 1 END",
            (EVENTS, CONTACTS),
        )
        database.execute("VACUUM ANALYZE app.contacts")
        database.execute("VACUUM ANALYZE app.contact_events")


def _person(number: int) -> dict[str, Any]:
    tags = [("vip", "retreat", "asleep", "yoga", "teacher")[number % 5]]
    return {
        "row": number,
        "first_name": _FIRST[number % len(_FIRST)],
        "last_name": f"{_LAST[number % len(_LAST)]} {number % 101}",
        "email": f"person{number}@example.com",
        "phone": f"+27 82 5{number:06}",
        "company": "Khumalo & Moreau" if number % 9 == 0 else None,
        "tags": [*tags, "vip"] if number % 7 == 0 else tags,
    }


def _middle(script: Script) -> str:
    """The cursor of a page some way in."""
    cursor = ""
    for _ in range(CONTACTS // 2 // 200):
        query = {"page_size": 200, **({"after": cursor} if cursor else {})}
        cursor = str(script.call("list_contacts", query=query)["next"])
    return cursor
