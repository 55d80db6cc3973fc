"""Broadcasts through the server: who gets one, when it goes, holding and stopping it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.product.mailbox import deliver_mail
from tests.product.statements import count_statements
from tests.product.studio import Caller, Refused, Studio
from tests.product.tallies import recount, set_right, tallied
from tests.product.test_campaigns import mail, make_campaign, make_contact

_numbers = itertools.count(1)


def make_broadcast(caller: Caller, recipients: dict[str, Any], **content: Any) -> str:
    given = {
        "broadcast_name": f"Broadcast {next(_numbers)}",
        "content": {**mail(f"News {next(_numbers)}"), **content},
        "recipients": recipients,
    }
    broadcast_id: str = caller.call("create_broadcast", given)["broadcast_id"]
    return broadcast_id


def ledger(studio: Studio, broadcast_id: str) -> list[tuple[str, str | None]]:
    """(address, reason that it was skipped for) of a broadcast's mails."""
    found = studio.query(
        "SELECT recipient_email, reason FROM app.mail_sends WHERE source = %s ORDER BY 1",
        f"broadcast:{broadcast_id}",
    )
    return [(address, reason) for address, reason in found]


def status(caller: Caller, broadcast_id: str) -> str:
    return str(caller.call("get_broadcast", broadcast_id)["broadcast"]["status"])


@pytest.fixture(scope="module")
def mia(empty_studio: Studio) -> Iterator[Caller]:
    with empty_studio.person("mia") as caller:
        # Three who may be written to, one who has not agreed, one without an address.
        for name in ("ann", "bob", "cleo"):
            tags = ["yoga", "staff"] if name == "cleo" else ["yoga"]
            make_contact(caller, email=f"{name}@example.com", tags=tags)
        make_contact(caller, email="dan@example.com", tags=["yoga"], preferences={})
        make_contact(caller, email=None, tags=["yoga"])
        yield caller


def test_counts_whom_it_would_reach(mia: Caller) -> None:
    counts = mia.call("count_recipients", {"tags": ["yoga"]})["counts"]
    assert counts == {"total": 5, "reachable": 3, "no_address": 1, "not_opted_in": 1}
    without = mia.call("count_recipients", {"tags": ["yoga"], "without_tags": ["staff"]})["counts"]
    assert without["reachable"] == 2
    nobody = mia.call("count_recipients", {})["counts"]
    assert nobody["total"] == 0


def test_accounts_for_everybody_who_was_chosen(empty_studio: Studio, mia: Caller) -> None:
    broadcast_id = make_broadcast(mia, {"tags": ["yoga"]})
    sent = mia.call("send_broadcast", broadcast_id)["broadcast"]
    assert sent["status"] == "planning"
    deliver_mail(empty_studio)
    assert ledger(empty_studio, broadcast_id) == [
        ("ann@example.com", None),
        ("bob@example.com", None),
        ("cleo@example.com", None),
        ("dan@example.com", "not_opted_in"),
        (None, "no_address"),
    ]
    counts = mia.call("get_broadcast", broadcast_id)["broadcast"]["counts"]
    parts = ("waiting", "sent", "skipped", "failed", "unknown")
    assert counts["planned"] == 5 == sum(counts[name] for name in parts)
    with pytest.raises(Refused, match="wrong_status"):
        mia.call("send_broadcast", broadcast_id)
    with pytest.raises(Refused, match="has_history"):
        mia.call("delete_broadcast", broadcast_id)


def test_goes_on_where_it_was_killed_and_writes_to_nobody_twice(
    empty_studio: Studio, mia: Caller
) -> None:
    broadcast_id = make_broadcast(mia, {"tags": ["yoga"]})
    mia.call("send_broadcast", broadcast_id)
    deliver_mail(empty_studio)
    before = ledger(empty_studio, broadcast_id)
    # As a process leaves it that died after its last batch was written, before it said so.
    empty_studio.query(
        "UPDATE app.email_broadcasts SET status = 'planning', plan_after = 0 "
        "WHERE broadcast_id = %s",
        broadcast_id,
    )
    with empty_studio.uplink() as script:
        script.call("run_schedule_now", job="broadcasts")
    assert ledger(empty_studio, broadcast_id) == before
    assert status(mia, broadcast_id) in ("sending", "sent")


def test_waits_for_its_time_in_the_time_of_the_business(empty_studio: Studio, mia: Caller) -> None:
    broadcast_id = make_broadcast(mia, {"tags": ["staff"]})
    with pytest.raises(Refused) as refused:
        mia.call("send_broadcast", broadcast_id, "2020-03-14T09:30")
    assert set(refused.value.fields) == {"send_at"}
    day = empty_studio.query("SELECT (now() + interval '3 days')::date::text")[0][0]
    planned = mia.call("send_broadcast", broadcast_id, f"{day}T09:30")["broadcast"]
    assert planned["status"] == "scheduled"
    in_utc = empty_studio.query(
        "SELECT to_char(scheduled_at AT TIME ZONE 'UTC', 'HH24:MI') FROM app.email_broadcasts "
        "WHERE broadcast_id = %s",
        broadcast_id,
    )
    assert in_utc == [("07:30",)]
    with empty_studio.uplink() as script:
        script.call("run_schedule_now", job="broadcasts")
    assert status(mia, broadcast_id) == "scheduled"
    empty_studio.query(
        "UPDATE app.email_broadcasts SET scheduled_at = now() WHERE broadcast_id = %s",
        broadcast_id,
    )
    with empty_studio.uplink() as script:
        script.call("run_schedule_now", job="broadcasts")
    assert ledger(empty_studio, broadcast_id) == [("cleo@example.com", None)]


def test_an_appointment_can_be_taken_back(mia: Caller, empty_studio: Studio) -> None:
    broadcast_id = make_broadcast(mia, {"tags": ["staff"]})
    day = empty_studio.query("SELECT (now() + interval '3 days')::date::text")[0][0]
    mia.call("send_broadcast", broadcast_id, f"{day}T09:30")
    stopped = mia.call("cancel_broadcast", broadcast_id)["broadcast"]
    assert (stopped["status"], stopped["scheduled_at"]) == ("draft", None)
    mia.call("delete_broadcast", broadcast_id)


def test_can_be_held_let_go_on_and_stopped(mia: Caller, empty_studio: Studio) -> None:
    broadcast_id = make_broadcast(mia, {"everyone": True})
    mia.call("send_broadcast", broadcast_id)
    deliver_mail(empty_studio)
    assert mia.call("pause_broadcast", broadcast_id)["broadcast"]["status"] == "paused"
    resumed = mia.call("resume_broadcast", broadcast_id)["broadcast"]
    assert resumed["status"] in ("planning", "sending", "sent")
    assert mia.call("cancel_broadcast", broadcast_id)["broadcast"]["status"] == "cancelled"
    with pytest.raises(Refused, match="wrong_status"):
        mia.call("resume_broadcast", broadcast_id)


def test_says_what_is_missing_where_it_is_missing(mia: Caller) -> None:
    broadcast_id = make_broadcast(mia, {}, subject="")
    with pytest.raises(Refused) as refused:
        mia.call("send_broadcast", broadcast_id)
    assert set(refused.value.fields) == {"content.subject", "recipients"}


def test_goes_again_to_those_who_have_not_opened_it(empty_studio: Studio, mia: Caller) -> None:
    broadcast_id = make_broadcast(mia, {"tags": ["yoga"]})
    mia.call("send_broadcast", broadcast_id)
    deliver_mail(empty_studio)
    empty_studio.query(
        "UPDATE app.mail_sends SET state = 'sent', started_at = now(), settled_at = now(), "
        "due_at = NULL, lease = NULL, leased_until = NULL, "
        "opened_at = CASE WHEN recipient_email = 'ann@example.com' THEN now() END, "
        "scanner_opened_at = CASE WHEN recipient_email = 'bob@example.com' THEN now() END "
        "WHERE source = %s AND reason IS NULL",
        f"broadcast:{broadcast_id}",
    )
    set_right(empty_studio)
    again = mia.call("resend_to_unopened", broadcast_id, "Did you see this?")["broadcast"]
    assert (again["status"], again["content"]["subject"]) == ("draft", "Did you see this?")
    mia.call("send_broadcast", again["broadcast_id"])
    deliver_mail(empty_studio)
    assert ledger(empty_studio, again["broadcast_id"]) == [
        ("bob@example.com", None),
        ("cleo@example.com", None),
    ]
    stats = mia.call("get_broadcast_stats", broadcast_id)["stats"]
    assert (stats["sent"], stats["opens"], stats["scanner_opens"]) == (3, 1, 1)
    assert stats["open_rate"] == pytest.approx(1 / 3)


def test_a_purchase_counts_for_the_last_mail_once(empty_studio: Studio, mia: Caller) -> None:
    make_contact(mia, email="eve@example.com", tags=["eve"])
    broadcast_id = make_broadcast(mia, {"tags": ["eve"]})
    mia.call("send_broadcast", broadcast_id)
    deliver_mail(empty_studio)
    empty_studio.query(
        "UPDATE app.mail_sends SET state = 'sent', started_at = now(), settled_at = now(), "
        "due_at = NULL, lease = NULL, leased_until = NULL WHERE source = %s",
        f"broadcast:{broadcast_id}",
    )
    set_right(empty_studio)
    with empty_studio.uplink() as script:
        for _ in range(2):
            script.call(
                "update_contact_from_transaction", "eve@example.com", "order", "O-9", 12_500
            )
    stats = mia.call("get_broadcast_stats", broadcast_id)["stats"]
    assert (stats["conversions"], stats["revenue_cents"]) == (1, 12_500)
    assert stats["conversion_rate"] == 1


def test_reaches_only_whom_its_sender_sees(empty_studio: Studio, mia: Caller) -> None:
    scope = '{"can_manage_all": false, "customer_tags": ["staff"]}'
    empty_studio.query("UPDATE app.users SET scope = %s WHERE role = 'manager'", scope)
    try:
        broadcast_id = make_broadcast(mia, {"everyone": True})
        assert mia.call("count_recipients", {"tags": ["yoga"]})["counts"]["total"] >= 1
        mia.call("send_broadcast", broadcast_id)
        deliver_mail(empty_studio)
    finally:
        empty_studio.query("UPDATE app.users SET scope = NULL WHERE role = 'manager'")
    own = empty_studio.query(
        "SELECT c.email FROM app.contacts c JOIN app.users u ON u._id = c.created_by "
        "WHERE u.role = 'manager' OR c.tags @> '[\"staff\"]' ORDER BY 1"
    )
    assert {address for address, _ in ledger(empty_studio, broadcast_id)} == {
        address for (address,) in own
    }


def test_a_segment_that_is_used_is_not_deleted(mia: Caller) -> None:
    segment = {"segment_name": "Yogis", "filter_criteria": {"status": "customer"}}
    segment_id = mia.call("create_segment", segment)["segment"]["segment_id"]
    broadcast_id = make_broadcast(mia, {"segments": [segment_id]})
    make_campaign(mia, "segment_entered", settings={"segment_id": segment_id})
    with pytest.raises(Refused, match="Broadcast|broadcast"):
        mia.call("delete_segment", segment_id)
    mia.call("delete_broadcast", broadcast_id)
    with pytest.raises(Refused, match="Campaign|campaign"):
        mia.call("delete_segment", segment_id)


def let_nothing_go_out(studio: Studio) -> None:
    """What was planned before waits, and what is on its way has arrived."""
    studio.query("UPDATE app.mail_sending SET paused_until = now() + interval '1 hour'")
    on_its_way = "SELECT count(*) FROM app.mail_sends WHERE state = 'sending'"
    deadline = time.monotonic() + 60
    while studio.query(on_its_way) != [(0,)]:
        assert time.monotonic() < deadline, "a mail does not arrive"
        time.sleep(0.05)


def test_reports_tell_of_a_span_and_its_sources(empty_studio: Studio, mia: Caller) -> None:
    let_nothing_go_out(empty_studio)
    report = mia.call("get_marketing_report")
    assert report["unit"] == "day" and len(report["buckets"]) == 30
    assert report["totals"]["sent"] == sum(bucket["sent"] for bucket in report["buckets"])
    assert report["totals"]["sent"] == sum(source["sent"] for source in report["sources"])
    assert report["sources"][0]["revenue_cents"] == 12_500
    with pytest.raises(Refused) as refused:
        mia.call("get_marketing_report", "2026-03-14", "2026-03-01")
    assert set(refused.value.fields) == {"since"}
    year = mia.call("get_marketing_report", "2020-01-01", "2020-12-31")
    assert (year["unit"], year["totals"]["open_rate"]) == ("month", None)
    assert mia.call("export_marketing_report")["rows"] == len(report["sources"])
    page = mia.call("get_marketing_dashboard", 7)
    assert page["totals"]["sent"] == report["totals"]["sent"]
    assert page["broadcasts"]
    assert tallied(empty_studio) == recount(empty_studio)


MANY = 30
# Some that went out, each with what its mails came to.
MANY_SOURCES = (
    "INSERT INTO app.email_broadcasts (broadcast_id, broadcast_name, content, recipients, status, "
    "started_at, created_at, updated_at, version) SELECT 'many' || n, 'Many ' || n, '{}', '{}', "
    "'sent', now(), now(), now(), 1 FROM generate_series(1, {many}) n",
    "INSERT INTO app.email_campaigns (campaign_id, campaign_name, campaign_type, status, steps, "
    "campaign_settings, activated_at, created_at, updated_at, version) SELECT 'many' || n, "
    "'Many ' || n, 'manual', 'active', '[]', '{}', now(), now(), now(), 1 "
    "FROM generate_series(1, {many}) n",
    "INSERT INTO app.mail_tallies (scope, source, part, day, figures) "
    "SELECT scope, kind || ':many' || n, '', CASE WHEN scope = 'day' THEN "
    "date_trunc('day', now(), 'Africa/Johannesburg') END, '{\"sent\": 5, \"planned\": 5}' "
    "FROM generate_series(1, {many}) n, unnest(ARRAY['broadcast', 'campaign']) kind, "
    "unnest(ARRAY['total', 'day']) scope",
)


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("list_broadcasts", "broadcasts"),
        ("list_campaigns", "campaigns"),
        ("get_marketing_report", "sources"),
        ("get_marketing_dashboard", ""),
    ],
)
def test_takes_as_many_queries_for_thirty_as_for_three(
    empty_studio: Studio, mia: Caller, name: str, listed: str
) -> None:
    arguments = {"page_size": 100} if name.startswith("list_") else {}

    def measure(many: int) -> int:
        for statement in MANY_SOURCES:
            empty_studio.query(statement.replace("{many}", str(many)))
        answer = mia.call(name, **arguments)  # so that the worker is awake
        if listed:
            found = [each for each in answer[listed] if "Many" in str(each)]
            assert len(found) == (2 * many if listed == "sources" else many)
        counted = count_statements(empty_studio, lambda: mia.call(name, **arguments))
        for table, column in (
            ("email_broadcasts", "broadcast_id"),
            ("email_campaigns", "campaign_id"),
            ("mail_tallies", "source"),
        ):
            empty_studio.query(f"DELETE FROM app.{table} WHERE {column} LIKE '%many%'")
        return counted

    few, many = measure(3), measure(MANY)
    assert 0 < many <= few


def test_whoever_reads_much_that_is_new_has_it_added_up(empty_studio: Studio, mia: Caller) -> None:
    broadcast_id = make_broadcast(mia, {"tags": ["yoga"]})
    source = f"broadcast:{broadcast_id}"
    empty_studio.query(
        "INSERT INTO app.mail_tallies (scope, source, part, day, figures) SELECT 'new', %s, '', "
        "date_trunc('day', now()), '{\"planned\": 2, \"sent\": 1}' FROM generate_series(1, 1100)",
        source,
    )
    kept = "SELECT scope, (figures->>'sent')::int FROM app.mail_tallies WHERE source = %s"
    counts = mia.call("get_broadcast_stats", broadcast_id)["stats"]
    assert (counts["sent"], counts["waiting"]) == (1100, 1100)
    deadline = time.monotonic() + 60
    while sorted(empty_studio.query(kept, source)) != [("day", 1100), ("total", 1100)]:
        assert time.monotonic() < deadline, "nothing is folded"
        time.sleep(0.05)
    assert mia.call("get_broadcast_stats", broadcast_id)["stats"] == counts
