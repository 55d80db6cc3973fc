"""What the benchmarks call: each does one thing and answers with something small."""

import datetime
import time

import anvil.server
from anvil.tables import app_tables, batch_delete, in_transaction, order_by

CITIES = ["Berlin", "Lagos", "Nairobi", "Cape Town", "Lyon", "Porto", "Accra", "Leeds"]


@anvil.server.http_endpoint("/trivial")
def trivial():
    return "ok"


@anvil.server.http_endpoint("/search")
def search_over_http():
    return str(len(search_50()))


@anvil.server.http_endpoint("/increment")
def increment_over_http():
    return str(increment())


@anvil.server.callable
def echo(value):
    return value


@anvil.server.callable
def fill(count):
    """Have ``count`` items and one counter, no more."""
    app_tables.items.delete_all_rows()
    app_tables.counters.delete_all_rows()
    app_tables.counters.add_row(value=0)
    for start in range(0, count, 1000):
        app_tables.items.add_rows(item(number) for number in range(start, start + 1000))
    return len(app_tables.items.search())


def item(number):
    day = datetime.date(2026, 1, 1) + datetime.timedelta(days=number % 365)
    return {
        "number": number,
        "name": f"Item {number:05d}",
        "category": f"category {number % 200}",
        "price_cents": 100 + number % 5000,
        "is_open": number % 3 == 0,
        "day": day,
        "created_at": datetime.datetime(2026, 1, 1, 9, number % 60),
        "notes": f"Notes about item {number}, as long as a sentence usually is.",
        "email": f"person{number}@example.com",
        "city": CITIES[number % len(CITIES)],
    }


def search_50():
    """The fifty rows that match, of ten thousand, in order, read: one page."""
    return [row["name"] for row in find_50()]


def find_50():
    return app_tables.items.search(order_by("name"), category="category 7")


@anvil.server.callable
def time_search(count):
    """Milliseconds of each of ``count`` searches, as server code sees them."""
    return _times(search_50, count)


@anvil.server.callable
def time_add_row(count):
    """Milliseconds of each of ``count`` added rows; they are deleted again."""
    added = []
    taken = _times(lambda: added.append(app_tables.items.add_row(**item(1_000_000))), count)
    for row in added:
        row.delete()
    return taken


@anvil.server.callable
def time_add_rows(count):
    """Milliseconds that so many rows take at once; they are deleted again."""
    started = time.perf_counter()
    added = app_tables.items.add_rows(item(1_000_000) for _ in range(count))
    taken = (time.perf_counter() - started) * 1000
    with batch_delete:
        for row in added:
            row.delete()
    return taken


@anvil.server.callable
def get_50():
    """Fifty rows for a browser to read."""
    return list(find_50())


@in_transaction
def increment():
    row = app_tables.counters.get()
    row["value"] += 1
    return row["value"]


@anvil.server.callable
def read_counter():
    return app_tables.counters.get()["value"]


def _times(do, count):
    for _ in range(5):
        do()
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        do()
        taken.append((time.perf_counter() - started) * 1000)
    return taken
