"""The dashboard's figures, at a time that the test sets, and how long they are kept."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from tests.product.conftest import fresh_database
from tests.product.studio import Studio, copy_template, open_studio

BERLIN = ZoneInfo("Europe/Berlin")
FEATURES = {"bookings": True, "marketing": True, "ecommerce": True}
_numbers = itertools.count(1)

# The whole server goes by what stands in a file.
CLOCK = (
    "    return datetime.now(UTC)\n",
    "    from pathlib import Path\n"
    "    file = Path({file!r})\n"
    "    if not file.exists():\n"
    "        return datetime.now(UTC)\n"
    "    return datetime.fromisoformat(file.read_text())\n",
)


def put_in_objects(answer: Any, objects: list[dict[str, Any]]) -> None:
    """Dates and large numbers, which the wire carries beside the answer."""
    read = {
        "DateTime": lambda text: datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f%z"),
        "Date": date.fromisoformat,
        "Long": int,
    }
    for one in objects:
        _, *path, last = one["path"]
        holder = answer
        for step in path:
            holder = holder[step]
        [kind] = one["type"]
        holder[last] = read[kind](one["value"])


class ClockedStudio:
    """An instance whose time stands where it is put."""

    def __init__(self, studio: Studio, file: Path):
        self.studio = studio
        self.file = file
        self.query = studio.query

    def set_clock(self, moment: str | datetime) -> None:
        if isinstance(moment, datetime):
            moment = moment.isoformat()
        spare = self.file.with_suffix(".new")
        spare.write_text(moment)
        spare.replace(self.file)

    def settings(self, **values: Any) -> None:
        pairs = ", ".join(f"{name} = %s" for name in values)
        self.query(f"UPDATE app.settings SET {pairs}", *values.values())

    def insert(self, table: str, **values: Any) -> None:
        marks = ", ".join(["%s"] * len(values))
        self.query(
            f"INSERT INTO app.{table} ({', '.join(values)}) VALUES ({marks})", *values.values()
        )

    def add_booking(self, start_at: Any, *, status: str = "confirmed", **links: int) -> None:
        number = next(_numbers)
        start = datetime.fromisoformat(start_at) if isinstance(start_at, str) else start_at
        self.insert(
            "bookings",
            number=number,
            booking_number=f"B-{number}",
            start_at=start,
            end_at=start + timedelta(minutes=60),
            status=status,
            cancelled_at=start if status == "cancelled" else None,
            payment_status="unpaid",
            attendee_count=1,
            total_cents=0,
            deposit_cents=0,
            currency="EUR",
            **links,
        )

    def add_payment(self, at: str, cents: int, **changes: Any) -> None:
        number = next(_numbers)
        values: dict[str, Any] = {
            "number": number,
            "payment_number": f"P-{number}",
            "kind": "booking",
            "status": "captured",
            "method": "card",
            "provider": "stripe",
            "currency": "EUR",
            "amount_cents": cents,
            "tip_cents": 0,
            "tax_cents": 0,
            "fee_cents": 0,
            "refunded_cents": 0,
            "captured_at": at,
            "created_at": at,
        }
        self.insert("payments", **{**values, **changes})

    def add_contact(self, added: str, **changes: Any) -> None:
        number = next(_numbers)
        values = {"number": number, "contact_id": f"C-{number}", "first_name": "Ana"}
        totals = {"status": "lead", "total_spent_cents": 0, "total_transactions": 0}
        self.insert("contacts", **values, **totals, date_added=added, **changes)

    def add_task(self, due: str, *, completed_at: str | None = None) -> None:
        status = "completed" if completed_at else "pending"
        self.insert(
            "tasks",
            title="Call",
            task_type="custom",
            due_date=due,
            status=status,
            completed_at=completed_at,
        )

    def add_product(self, name: str, count: int, **changes: Any) -> None:
        threshold = changes.pop("low_stock_threshold", 2)
        values: dict[str, Any] = {
            "name": name,
            "slug": name.lower().replace(" ", "-"),
            "status": "active",
            "price_cents": 1000,
            "currency": "EUR",
            "track_inventory": True,
            "inventory_count": count,
            "reserved_count": 0,
            "low_stock_threshold": threshold,
            "is_low_stock": count <= threshold,
        }
        self.insert("products", **{**values, **changes})

    def dashboard(self, who: str = "olga", *, refresh: bool = False) -> dict[str, Any]:
        with self.studio.person(who) as person:
            answer = person.call("get_dashboard", refresh)
            put_in_objects(answer, person.socket.last["objects"])
            return answer

    def figures(self, name: str) -> Any:
        """One figure, worked out anew."""
        self.query("DELETE FROM app.dashboard_cache")
        return self.dashboard()["metrics"][name]["figures"]


@pytest.fixture(scope="module")
def clocked_studio(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str
) -> Iterator[ClockedStudio]:
    folder = tmp_path_factory.mktemp("clocked")
    file = folder / "clock"
    before, after = CLOCK
    edit = (before, after.format(file=str(file)))
    template = copy_template(folder, {"server_code/server_shared/clock.py": [edit]})
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder, database_url, template=template) as studio,
    ):
        yield ClockedStudio(studio, file)


@pytest.fixture
def clocked(clocked_studio: ClockedStudio) -> ClockedStudio:
    """Nothing but the cast, in Berlin, with all features on."""
    for table in ("payments", "tasks", "products", "bookings", "dashboard_cache"):
        clocked_studio.query(f"DELETE FROM app.{table}")
    clocked_studio.query("DELETE FROM app.contact_events")
    clocked_studio.query("DELETE FROM app.contacts")
    clocked_studio.settings(
        time_zone="Europe/Berlin", currency="EUR", features_enabled=json.dumps(FEATURES)
    )
    clocked_studio.set_clock("2026-05-14T12:00:00+02:00")
    return clocked_studio


def test_todays_bookings_are_those_of_the_businesss_day(clocked: ClockedStudio) -> None:
    for start in (
        "2026-05-13T23:59:59+02:00",
        "2026-05-14T00:00:00+02:00",
        "2026-05-14T08:00:00+02:00",
        "2026-05-14T23:59:59+02:00",
        "2026-05-15T00:00:00+02:00",
    ):
        clocked.add_booking(start)
    clocked.add_booking("2026-05-14T18:00:00+02:00", status="pending")
    clocked.add_booking("2026-05-14T18:00:00+02:00", status="cancelled")
    clocked.add_booking("2026-05-14T18:00:00+02:00", status="no_show")
    figures = clocked.figures("bookings")
    assert (figures["today"], figures["unconfirmed"]) == (4, 1)
    days = dict(figures["days"])
    assert (days["2026-05-13"], days["2026-05-14"], days["2026-05-15"]) == (1, 4, 1)
    assert list(days)[0] == "2026-05-08" and list(days)[-1] == "2026-05-21"
    # The same moments, seen from where it is already the next day.
    clocked.settings(time_zone="Pacific/Auckland")
    clocked.set_clock("2026-05-15T12:00:00+12:00")
    assert clocked.figures("bookings")["today"] == 3


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-05-14", 24)]
)
def test_a_day_has_as_many_hours_as_the_clocks_give_it(
    clocked: ClockedStudio, day: str, hours: int
) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=BERLIN)
    clocked.set_clock(noon)
    first = noon.astimezone(UTC).replace(hour=0) - timedelta(days=2)
    for hour in range(5 * 24):
        clocked.add_booking(first + timedelta(hours=hour))
    days = dict(clocked.figures("bookings")["days"])
    assert days[day] == hours
    assert days[(date.fromisoformat(day) - timedelta(days=1)).isoformat()] == 24


def test_revenue_of_this_month_against_the_same_part_of_the_last(clocked: ClockedStudio) -> None:
    # In UTC the first one was in April.
    clocked.add_payment("2026-05-01T00:30:00+02:00", 10_000)
    clocked.add_payment("2026-05-14T11:59:59+02:00", 5_000, refunded_cents=1_500)
    clocked.add_payment("2026-05-14T12:00:01+02:00", 99_999)  # still to come
    clocked.add_payment("2026-05-02T10:00:00+02:00", 777, status="refunded", refunded_cents=777)
    clocked.add_payment("2026-04-14T12:00:00+02:00", 1)  # at this time, so after it
    clocked.add_payment("2026-04-14T11:59:59+02:00", 3_000)
    clocked.add_payment("2026-04-30T23:30:00+02:00", 40_000)
    clocked.add_payment("2026-03-31T23:59:59+02:00", 99_999)
    clocked.add_payment("2026-05-03T10:00:00+02:00", 2_500, currency="USD")
    clocked.add_payment("2026-04-03T10:00:00+02:00", 1_200, currency="CHF")
    waits = {"captured_at": None, "created_at": "2026-05-03T10:00:00+02:00"}
    clocked.add_payment("", 5_555, status="authorized", **waits)
    euro, franc, dollar = clocked.figures("revenue")["currencies"]
    assert (euro["currency"], euro["cents"], euro["last_cents"]) == ("EUR", 13_500, 3_000)
    assert len(euro["days"]) == 14 and len(euro["last_days"]) == 30
    assert (euro["days"][0], euro["days"][-1]) == (10_000, 13_500)
    assert (euro["last_days"][12], euro["last_days"][13], euro["last_days"][-1]) == (0, 3001, 43001)
    assert (franc["currency"], franc["cents"], franc["last_cents"]) == ("CHF", 0, 1_200)
    assert (dollar["currency"], dollar["cents"], dollar["last_cents"]) == ("USD", 2_500, 0)


def test_revenue_on_a_day_that_last_month_did_not_have(clocked: ClockedStudio) -> None:
    clocked.set_clock("2026-03-31T08:00:00+02:00")
    clocked.add_payment("2026-02-28T23:30:00+01:00", 4_000)
    clocked.add_payment("2026-03-29T03:30:00+02:00", 6_000)
    [euro] = clocked.figures("revenue")["currencies"]
    assert (euro["cents"], euro["last_cents"]) == (6_000, 4_000)
    assert len(euro["last_days"]) == 28


def test_new_contacts_of_thirty_days_against_the_thirty_before(clocked: ClockedStudio) -> None:
    for added in ("2026-04-15T00:00:00+02:00", "2026-05-14T11:00:00+02:00"):
        clocked.add_contact(added)
    clocked.add_contact("2026-04-14T23:59:59+02:00")
    clocked.add_contact("2026-03-16T00:00:00+01:00")
    clocked.add_contact("2026-03-15T23:59:59+01:00")
    clocked.add_contact("2026-05-10T11:00:00+02:00", deleted_at="2026-05-11T11:00:00+02:00")
    assert clocked.figures("contacts") == {"new": 2, "new_before": 2, "total": 5}


def test_tasks_are_due_by_the_businesss_day(clocked: ClockedStudio) -> None:
    clocked.add_task("2026-05-13")
    clocked.add_task("2026-05-14")
    clocked.add_task("2026-05-14")
    clocked.add_task("2026-05-15")
    clocked.add_task("2026-05-01", completed_at="2026-05-02T10:00:00+02:00")
    assert clocked.figures("tasks") == {"due": 2, "overdue": 1}
    # A quarter past midnight in Berlin it is still the 14th in UTC.
    clocked.set_clock("2026-05-15T00:15:00+02:00")
    assert clocked.figures("tasks") == {"due": 1, "overdue": 3}


def test_low_stock_names_what_runs_out_first(clocked: ClockedStudio) -> None:
    clocked.add_product("Cork block", 2)
    clocked.add_product("Oat bolster", 0)
    clocked.add_product("Strap", 1)
    clocked.add_product("Eye pillow", 1)
    clocked.add_product("Mat", 3)
    clocked.add_product("Old mat", 0, status="archived", is_low_stock=False)
    clocked.add_product("Gift card", 0, track_inventory=False, is_low_stock=False)
    assert clocked.figures("low_stock") == {
        "low": 4,
        "sold_out": 1,
        "products": ["Oat bolster", "Eye pillow", "Strap"],
    }


def test_failed_payments_of_thirty_days(clocked: ClockedStudio) -> None:
    failed = {"status": "failed", "captured_at": None}
    for at in ("2026-05-14T11:00:00+02:00", "2026-04-15T00:00:00+02:00"):
        clocked.add_payment(at, 100, **failed, failed_at=at)
    old = "2026-04-14T23:59:59+02:00"
    clocked.add_payment(old, 100, **failed, failed_at=old)
    clocked.add_payment("2026-05-14T11:00:00+02:00", 100)
    assert clocked.figures("failed_payments") == {"failed": 2}


def test_storage_counts_rows_and_media(clocked: ClockedStudio) -> None:
    clocked.add_contact("2026-05-14T11:00:00+02:00")
    clocked.add_contact("2026-05-14T11:00:00+02:00", deleted_at="2026-05-14T11:30:00+02:00")
    figures = clocked.figures("storage")
    assert figures["contacts"] == [1, 10_000]
    tables = clocked.query("SELECT tablename FROM pg_tables WHERE schemaname = 'app'")
    counts = [clocked.query(f'SELECT count(*) FROM app."{name}"')[0][0] for (name,) in tables]
    # What the call itself writes comes after: the figures that it keeps.
    kept = clocked.query("SELECT count(*) FROM app.dashboard_cache")[0][0]
    assert figures["rows"][0] == pytest.approx(sum(counts) - kept, abs=3)
    assert figures["media"] == [0, 5_000_000_000]


# The hour that a figure is kept.


def today_at(clocked: ClockedStudio, moment: str, *, refresh: bool = False) -> tuple[int, datetime]:
    clocked.set_clock(moment)
    answer = clocked.dashboard(refresh=refresh)["metrics"]["bookings"]
    assert answer["is_stale"] is False
    return answer["figures"]["today"], answer["as_of"]


def test_figures_are_kept_for_an_hour(clocked: ClockedStudio) -> None:
    first = datetime.fromisoformat("2026-05-14T12:00:00+02:00")
    assert today_at(clocked, "2026-05-14T12:00:00+02:00") == (0, first)
    clocked.add_booking("2026-05-14T18:00:00+02:00")
    assert today_at(clocked, "2026-05-14T12:59:59+02:00") == (0, first)
    later = datetime.fromisoformat("2026-05-14T13:00:00+02:00")
    assert today_at(clocked, "2026-05-14T13:00:00+02:00") == (1, later)


def test_a_refresh_works_them_out_at_once(clocked: ClockedStudio) -> None:
    today_at(clocked, "2026-05-14T12:00:00+02:00")
    clocked.add_booking("2026-05-14T18:00:00+02:00")
    assert today_at(clocked, "2026-05-14T12:00:06+02:00", refresh=True)[0] == 1
    clocked.add_booking("2026-05-14T18:00:00+02:00")
    # Whoever leans on the button gets what is there.
    assert today_at(clocked, "2026-05-14T12:00:10+02:00", refresh=True)[0] == 1
    assert today_at(clocked, "2026-05-14T12:00:11+02:00", refresh=True)[0] == 2


def test_a_new_day_makes_old_figures_worthless(clocked: ClockedStudio) -> None:
    clocked.add_booking("2026-05-14T18:00:00+02:00")
    assert today_at(clocked, "2026-05-14T23:59:00+02:00")[0] == 1
    assert today_at(clocked, "2026-05-15T00:00:00+02:00")[0] == 0


def test_another_zone_makes_old_figures_worthless(clocked: ClockedStudio) -> None:
    clocked.add_booking("2026-05-14T01:00:00+02:00")
    assert today_at(clocked, "2026-05-14T12:00:00+02:00")[0] == 1
    clocked.settings(time_zone="Europe/London")
    clocked.add_booking("2026-05-14T02:00:00+02:00")
    assert today_at(clocked, "2026-05-14T12:01:00+02:00")[0] == 2
    clocked.settings(time_zone="America/New_York")
    assert today_at(clocked, "2026-05-14T12:02:00+02:00")[0] == 0


def test_a_clock_that_was_put_back_keeps_no_figures_for_long(clocked: ClockedStudio) -> None:
    today_at(clocked, "2026-05-14T20:00:00+02:00")
    clocked.add_booking("2026-05-14T21:00:00+02:00")
    assert today_at(clocked, "2026-05-14T12:00:00+02:00")[0] == 1


def test_everyone_shares_the_figures_but_not_the_view(clocked: ClockedStudio) -> None:
    clocked.dashboard("olga")
    clocked.add_booking("2026-05-14T18:00:00+02:00")
    assert clocked.dashboard("sam")["metrics"]["bookings"]["figures"]["today"] == 0
    assert "revenue" not in clocked.dashboard("sam")["metrics"]


def test_old_figures_stay_while_new_ones_cannot_be_had(clocked: ClockedStudio) -> None:
    clocked.add_payment("2026-05-02T10:00:00+02:00", 4_200)
    clocked.dashboard()
    clocked.query("ALTER TABLE app.payments RENAME COLUMN refunded_cents TO gone")
    try:
        clocked.set_clock("2026-05-14T14:00:00+02:00")
        clocked.add_booking("2026-05-14T18:00:00+02:00")
        metrics = clocked.dashboard()["metrics"]
        revenue = metrics["revenue"]
        assert revenue["is_stale"] is True
        assert revenue["as_of"] == datetime.fromisoformat("2026-05-14T12:00:00+02:00")
        assert revenue["figures"]["currencies"][0]["cents"] == 4_200
        assert metrics["bookings"]["figures"]["today"] == 1
        assert metrics["bookings"]["is_stale"] is False
        # What was worked out for another day is not shown for this one.
        clocked.set_clock("2026-05-15T00:05:00+02:00")
        assert clocked.dashboard()["metrics"]["revenue"]["figures"] is None
    finally:
        clocked.query("ALTER TABLE app.payments RENAME COLUMN gone TO refunded_cents")
    assert clocked.dashboard()["metrics"]["revenue"]["figures"]["currencies"][0]["cents"] == 4_200


# Who sees what.

ALL = {"bookings", "revenue", "contacts", "tasks", "low_stock", "failed_payments", "storage"}


@pytest.mark.parametrize(
    ("who", "off", "seen"),
    [
        ("olga", set(), ALL),
        ("olga", {"ecommerce"}, ALL - {"low_stock"}),
        ("olga", {"marketing"}, ALL - {"tasks"}),
        ("olga", {"bookings"}, ALL - {"bookings"}),
        ("olga", set(FEATURES), {"revenue", "contacts", "failed_payments", "storage"}),
        ("mia", set(), ALL),
        ("sam", set(), {"bookings", "contacts", "tasks", "low_stock"}),
    ],
)
def test_each_figure_needs_its_feature_and_its_permission(
    clocked: ClockedStudio, who: str, off: set[str], seen: set[str]
) -> None:
    clocked.settings(features_enabled=json.dumps({name: name not in off for name in FEATURES}))
    assert set(clocked.dashboard(who)["metrics"]) == seen


def test_someone_with_a_part_of_the_customers_sees_its_figures(clocked: ClockedStudio) -> None:
    clocked.add_contact("2026-05-10T10:00:00+02:00", tags='["vip"]')
    clocked.add_contact("2026-05-10T10:00:00+02:00", tags="[]")
    [(inside,), (outside,)] = clocked.query("SELECT _id FROM app.contacts ORDER BY number")
    [(mia,)] = clocked.query("SELECT _id FROM app.users WHERE role = 'manager'")
    for contact, cents in ((inside, 500), (outside, 7_000)):
        clocked.add_payment("2026-05-10T10:00:00+02:00", cents, contact=contact)
        clocked.add_payment(
            "2026-05-10T10:00:00+02:00",
            cents,
            contact=contact,
            status="failed",
            captured_at=None,
            failed_at="2026-05-10T10:00:00+02:00",
        )
        clocked.add_booking("2026-05-14T10:00:00+02:00", contact=contact)
    clocked.add_booking("2026-05-14T10:00:00+02:00", contact=outside, assigned_to=mia)
    scope = {"can_manage_all": False, "customer_tags": ["vip"]}
    clocked.query("UPDATE app.users SET scope = %s WHERE _id = %s", json.dumps(scope), mia)
    try:
        whole = clocked.dashboard("olga")["metrics"]
        part = clocked.dashboard("mia")["metrics"]
    finally:
        clocked.query("UPDATE app.users SET scope = NULL")
    # How much the whole instance holds is told to nobody who may not see the whole.
    assert set(part) == ALL - {"storage"}
    figures = [
        (
            metrics["contacts"]["figures"]["total"],
            metrics["revenue"]["figures"]["currencies"][0]["cents"],
            metrics["failed_payments"]["figures"]["failed"],
            metrics["bookings"]["figures"]["today"],
        )
        for metrics in (whole, part)
    ]
    assert figures == [(2, 7_500, 2, 3), (1, 500, 1, 2)]
    assert clocked.dashboard("mia")["metrics"]["contacts"]["figures"]["total"] == 2


def test_without_permissions_there_is_nothing_to_see(clocked: ClockedStudio) -> None:
    none = {name: False for name in ("bookings.view", "customers.view", "products.view")}
    clocked.query("UPDATE app.users SET permissions = %s WHERE role = 'staff'", json.dumps(none))
    try:
        answer = clocked.dashboard("sam")
    finally:
        clocked.query("UPDATE app.users SET permissions = '{}' WHERE role = 'staff'")
    assert (answer["metrics"], answer["activity"]) == ({}, None)


def test_storage_knows_the_size_of_a_logo(clocked: ClockedStudio) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((300, 90), 80).save(buffer, "PNG")
    [(version,)] = clocked.query("SELECT version FROM app.settings")
    colours = {"primary_color": "#2f6f5e", "accent_color": "#c46a3a"}
    media = {"type": ["DataMedia"], "id": "m", "mime-type": "image/png", "name": "logo.png"}
    with clocked.studio.person("olga") as olga:
        answer = olga.socket.send_call(
            {"command": "update_theme"},
            [],
            {"colours": colours, "version": int(version), "logo": None},
            [{**media, "path": ["kwargs", "logo"]}],
            {"m": [buffer.getvalue()]},
        )
        assert answer["success"], answer
    # The logo, and the small picture that is made from it.
    [(count, kept)] = clocked.query("SELECT count(*), sum(length) FROM _mybizz.media")
    assert count == 2 and kept > 5_000
    assert clocked.figures("storage")["media"][0] == kept
