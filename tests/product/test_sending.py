"""Marketing mails: who gets one, who does not and why, how many an hour, and how to get no more."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from tests.product.conftest import fresh_database
from tests.product.outside_world import World, connect, open_world
from tests.product.providers.server import Reply, Request
from tests.product.studio import Caller, Refused, copy_template
from tests.product.tallies import recount, set_right, tallied

# Callables that no product has, to plan mails as campaigns and broadcasts do.
MARKETING_OFFICE = """
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_marketing import ledger, suppression, unsubscribing
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Int, Text

CONTENT = {
    "subject": "Hello {{ first_name }}",
    "preheader": "",
    "format": "markdown",
    "markdown": "News for you, {{ first_name }}.",
    "blocks": [],
}
SOURCE = Text("Source", max_chars=120, required=True)
WORD = Text("Word", max_chars=120, default="mail")


@server_callable(needs=TRUSTED_ONLY, takes={"source": SOURCE, "tag": WORD, "key": WORD})
def plan_for_tag(source, tag, key="mail"):
    planned = ledger.plan(q.all_of(tags=[tag]), source, key, CONTENT, title="News")
    return {"count": planned.count, "waiting": planned.waiting, "after": planned.after}


@server_callable(needs=TRUSTED_ONLY, takes={"source": SOURCE, "number": Int("Number"), "key": WORD})
def plan_for_one(source, number, key="mail"):
    contact = app_tables.contacts.get(number=number)
    row = ledger.plan_one(contact, source, key, CONTENT)
    return {"send_key": row["send_key"], "state": row["state"]}


@server_callable(needs=TRUSTED_ONLY, takes={"source": SOURCE, "step": WORD})
def steer(source, step):
    in_transaction(getattr(ledger, step))(source)


@server_callable(needs=TRUSTED_ONLY, takes={"source": SOURCE})
def count_mails(source):
    return {"counts": ledger.counts(source), "reasons": ledger.reasons(source)}


@server_callable(needs=TRUSTED_ONLY, takes={"email": SOURCE, "reason": WORD})
def report(email, reason):
    return {"is_new": in_transaction(suppression.suppress)(email, reason, source="a report")}


@server_callable(needs=TRUSTED_ONLY, takes={"send_key": SOURCE})
def make_link(send_key):
    return {"url": unsubscribing.unsubscribe_url({"send_key": send_key})}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("sending")
    template = copy_template(folder, {})
    # Tests send by themselves, when they want to.
    ledger = template / "server_code" / "server_marketing" / "ledger.py"
    start = "anvil.server.launch_background_task(TASK)"
    assert start in ledger.read_text()
    ledger.write_text(ledger.read_text().replace(start, "pass"))
    office = template / "server_code" / "server_office"
    office.mkdir()
    (office / "__init__.py").write_text("")
    (office / "marketing_office.py").write_text(MARKETING_OFFICE)
    with (
        fresh_database(postgres_url) as database_url,
        open_world(
            folder, database_url, template=template, secrets={"mails_per_hour": "500"}
        ) as running,
    ):
        with running.studio.person("olga") as olga:
            connect(olga, "smtp", running.right_fields()["smtp"])
            olga.call("update_sending_limit", 500)
        yield running


@pytest.fixture(scope="module")
def script(world: World) -> Iterator[Caller]:
    with world.studio.uplink() as caller:
        yield caller


@pytest.fixture(scope="module")
def olga(world: World, script: Caller) -> Iterator[Caller]:
    with world.studio.person("olga") as caller:
        yield caller


def scope(**parts: Any) -> dict[str, Any]:
    empty = {"locations": [], "customer_tags": [], "customers": [], "staff": []}
    return {"can_manage_all": False, **empty, **parts}


def add_contact(olga: Caller, tag: str, name: str, **more: Any) -> dict[str, Any]:
    fields = {
        "first_name": name,
        "last_name": "Reader",
        "email": f"{name.lower()}@{tag}.example",
        "tags": [tag],
        "preferences": {"marketing_opt_in": True},
        **more,
    }
    contact: dict[str, Any] = olga.call("create_contact", fields)["contact"]
    return contact


def sends(olga: Caller, source: str, **filters: Any) -> dict[str, tuple[str, str]]:
    """State and reason of each recipient, by the name."""
    listed = olga.call("list_sends", source, **filters)["sends"]
    return {send["name"].split()[0]: (send["state"], send["reason"]) for send in listed}


def received(world: World, tag: str) -> list[str]:
    """Who of a tag got a mail, as often as they did."""
    to = [str(message["to"]) for message in world.mail.messages]
    return sorted(re.findall(r"([a-z]+)@", address)[-1] for address in to if f"@{tag}." in address)


def test_everybody_is_accounted_for(world: World, script: Caller, olga: Caller) -> None:
    add_contact(olga, "all", "Anna")
    add_contact(olga, "all", "Ben", email=None)
    add_contact(olga, "all", "Cleo", preferences={"marketing_opt_in": False})
    gone = add_contact(olga, "all", "Dora")
    add_contact(olga, "all", "Emil")
    add_contact(olga, "all", "Fay")
    planned = script.call("plan_for_tag", "broadcast:all", "all")
    assert planned == {"success": True, "count": 6, "waiting": 4, "after": None}
    # Planned again, whether after a kill or by a second click, nobody gets a second row.
    assert script.call("plan_for_tag", "broadcast:all", "all")["count"] == 0
    # What changes between planning and sending counts.
    olga.call("delete_contact", gone["contact_id"])
    script.call("report", "emil@all.example", "hard_bounce")
    world.mail.refused.add("fay@all.example")
    assert script.call("send_mails_now")["done"] == {"sent": 1, "skipped": 2, "failed": 1}
    assert sends(olga, "broadcast:all") == {
        "Anna": ("sent", ""),
        "Ben": ("skipped", "no_address"),
        "Cleo": ("skipped", "not_opted_in"),
        "Dora": ("skipped", "deleted"),
        "Emil": ("skipped", "bounced"),
        "Fay": ("failed", "refused"),
    }
    report = olga.call("get_send_report", "broadcast:all")
    assert report["counts"] == {
        "planned": 6,
        "waiting": 0,
        "sent": 1,
        "skipped": 4,
        "failed": 1,
        "unknown": 0,
    }
    assert sum(each["count"] for each in report["reasons"]) == 5
    assert received(world, "all") == ["anna"]
    timeline = olga.call("get_contact_timeline", _id_of(world, "anna@all.example"))
    assert "E-mail: Hello {{ first_name }}" in str(timeline)


def _id_of(world: World, email: str) -> str:
    [(contact_id,)] = world.studio.query(
        "SELECT contact_id FROM app.contacts WHERE email = %s", email
    )
    return str(contact_id)


def test_the_report_is_searched_paged_and_exported(script: Caller, olga: Caller) -> None:
    assert sends(olga, "broadcast:all", outcome="skipped", reason="deleted").keys() == {"Dora"}
    assert sends(olga, "broadcast:all", search="cleo READ").keys() == {"Cleo"}
    assert sends(olga, "broadcast:all", search="emil@").keys() == {"Emil"}
    assert sends(olga, "broadcast:all", outcome="not_opened").keys() == {"Anna"}
    olga.socket.media.clear()
    olga.call("export_sends", "broadcast:all")
    [file] = olga.socket.media.values()
    rows = list(csv.DictReader(io.StringIO(bytes(file).decode("utf-8-sig"))))
    assert [row["name"] for row in rows][:2] == ["Anna Reader", "Ben Reader"]
    assert rows[1]["reason"] == "Has no e-mail address"
    with pytest.raises(Refused, match="No mail of this"):
        olga.call("get_send_report", "broadcast:nothing")


def test_what_is_held_waits_and_what_is_cancelled_never_goes(
    world: World, script: Caller, olga: Caller
) -> None:
    for name in ("Gina", "Hugo"):
        add_contact(olga, "held", name)
    script.call("plan_for_tag", "broadcast:held", "held")
    script.call("steer", "broadcast:held", "hold")
    assert script.call("send_mails_now")["done"] == {}
    script.call("steer", "broadcast:held", "release")
    assert script.call("send_mails_now")["done"] == {"sent": 2}
    script.call("plan_for_tag", "broadcast:cancelled", "held")
    script.call("steer", "broadcast:cancelled", "cancel")
    script.call("send_mails_now")
    states = set(sends(olga, "broadcast:cancelled").values())
    assert states == {("skipped", "cancelled")}
    assert received(world, "held") == ["gina", "hugo"]


def test_an_hour_has_no_more_than_its_limit_whoever_sends(
    world: World, script: Caller, olga: Caller
) -> None:
    for number in range(9):
        add_contact(olga, "many", f"Many{'abcdefghi'[number]}")
    forget_starts = "UPDATE app.mail_sending SET starts = '{}'"
    world.studio.query(forget_starts)
    olga.call("update_sending_limit", 4)
    script.call("plan_for_tag", "broadcast:many", "many")

    def send(_number: int) -> None:
        with world.studio.uplink() as caller:
            caller.call("send_mails_now")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    assert len(received(world, "many")) == 4
    status = olga.call("get_sending_status")
    assert (status["hourly_limit"], status["used"], status["waiting"]) == (4, 4, 5)
    world.studio.query(forget_starts)  # an hour later
    script.call("send_mails_now")
    world.studio.query(forget_starts)
    script.call("send_mails_now")
    assert len(set(received(world, "many"))) == len(received(world, "many")) == 9
    with pytest.raises(Refused, match="at most 500, not 501") as refusal:
        olga.call("update_sending_limit", 501)
    assert "hourly_limit" in refusal.value.fields
    olga.call("update_sending_limit", 500)


def last_message(world: World, address: str) -> Any:
    return next(each for each in reversed(world.mail.messages) if address in str(each["to"]))


def unsubscribe_link(world: World, address: str) -> str:
    return str(last_message(world, address)["List-Unsubscribe"]).strip("<>")


def opted_in(olga: Caller, contact_id: str) -> bool:
    contact = olga.call("get_contact", contact_id)["contact"]
    return bool(contact["preferences"]["marketing_opt_in"])


def test_following_the_link_unsubscribes_nobody_and_one_click_does(
    world: World, script: Caller, olga: Caller
) -> None:
    contact = add_contact(olga, "out", "Ida")
    script.call("plan_for_tag", "broadcast:out", "out")
    script.call("send_mails_now")
    message = last_message(world, "ida@out.example")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = unsubscribe_link(world, "ida@out.example")
    assert link.startswith(world.studio.url + "/unsubscribe/")
    page = httpx.get(link)
    assert page.status_code == 200 and '<form method="post"' in page.text
    assert httpx.head(link).status_code == 200
    assert "no-store" in page.headers["cache-control"]
    assert opted_in(olga, contact["contact_id"])
    # RFC 8058 section 3.2: what a mail program sends.
    answer = httpx.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and "You are unsubscribed" in answer.text
    assert not opted_in(olga, contact["contact_id"])
    assert httpx.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    for wrong in (link[:-1], link + "0", re.sub("/[^/]{6}", "/000000", link.split("/unsub")[1])):
        url = wrong if wrong.startswith("http") else f"{world.studio.url}/unsubscribe{wrong}"
        assert httpx.post(url).status_code == 404
    [entry] = [
        each
        for each in olga.call("get_consent_history", contact["contact_id"])["consents"]
        if not each["is_given"]
    ]
    assert (entry["given_by"], entry["evidence"]) == (
        "person",
        "Unsubscribed from marketing e-mails",
    )
    assert "Unsubscribed" in str(olga.call("get_contact_timeline", contact["contact_id"]))
    assert olga.call("get_send_report", "broadcast:out")["outcomes"]["unsubscribed"] == 1


def test_an_unsubscribed_person_gets_nothing_more_by_any_path(
    world: World, script: Caller, olga: Caller
) -> None:
    first = _id_of(world, "ida@out.example")
    yes = {"marketing_opt_in": True}
    row = {"first_name": "Ida", "last_name": "Reader", "email": "Ida@Out.Example"}
    imported = script.call("import_contacts", [{**row, "tags": ["out"], "preferences": yes}])
    assert imported["refused"] == []
    script.call("plan_for_tag", "broadcast:imported", "out")
    contact = olga.call("get_contact", first)["contact"]
    asked = {**contact["preferences"], "marketing_opt_in": False}
    contact = olga.call("update_contact", first, {"preferences": asked}, contact["version"])
    # Who works here is told at the field that it would change nothing.
    version = contact["contact"]["version"]
    assert "Only they can take that back" in olga.call("get_contact", first)["marketing_end"]
    for function, *given in (
        ("update_contact", first, {"preferences": {**asked, **yes}}, version),
        ("set_marketing_consent", first, True, "She called"),
    ):
        _refused_as_theirs(olga, function, *given)
    script.call("plan_for_tag", "broadcast:edited", "out")
    olga.call("delete_contact", first)
    _refused_as_theirs(olga, "create_contact", {**row, "preferences": yes})
    # Whatever a row says, the address counts.
    again = add_contact(olga, "out", "Ida", email="IDA@out.example", preferences={})
    world.studio.query(
        "UPDATE app.contacts SET preferences = '{\"marketing_opt_in\": true}' "
        "WHERE contact_id = %s",
        again["contact_id"],
    )
    script.call("plan_for_tag", "broadcast:anew", "out")
    script.call("send_mails_now")
    for name in ("edited", "anew", "imported"):
        assert sends(olga, f"broadcast:{name}", outcome="sent") == {}, name
        assert script.call("count_mails", f"broadcast:{name}")["counts"]["planned"] == 1
    assert received(world, "out") == ["ida"]
    with pytest.raises(Refused, match="Only the person") as refusal:
        olga.call("lift_suppression", "ida@out.example", "unsubscribed", "She called")
    assert refusal.value.code == "by_person"


def _refused_as_theirs(olga: Caller, function: str, *given: Any) -> None:
    with pytest.raises(Refused, match="They unsubscribed from marketing e-mails on") as refusal:
        olga.call(function, *given)
    assert refusal.value.code == "by_person"
    assert set(refusal.value.fields) == {"preferences.marketing_opt_in"}


def test_only_the_person_comes_back(world: World, script: Caller, olga: Caller) -> None:
    with world.studio.person("carl") as carl:
        carl.call("set_my_marketing_consent", True)
        [(contact_id, email)] = world.studio.query(
            "SELECT contact_id, email FROM app.contacts WHERE email LIKE 'carl@%%'"
        )
        script.call("report", email, "unsubscribed")
        assert not opted_in(olga, contact_id)
        assert [each["email"] for each in _suppressed(olga, "carl")] == [email]
        carl.call("set_my_marketing_consent", True)
    assert _suppressed(olga, "carl") == []


def _suppressed(olga: Caller, search: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = olga.call("list_suppressions", search=search)["suppressions"]
    return listed


def test_what_is_no_decision_of_the_person_can_be_put_right(script: Caller, olga: Caller) -> None:
    olga.call("add_suppression", "Kim@Hand.example", "Asked on the phone")
    [manual] = _suppressed(olga, "kim@hand")
    assert (manual["kind"], manual["can_be_lifted"]) == ("manual", True)
    assert script.call("report", "kim@hand.example", "complaint")["is_new"]
    assert not script.call("report", "kim@hand.example", "complaint")["is_new"]
    olga.call("lift_suppression", "kim@hand.example", "manual", "Wants them after all")
    [complaint] = _suppressed(olga, "kim@hand")
    assert (complaint["kind"], complaint["can_be_lifted"]) == ("complained", False)


def test_an_interrupted_mail_is_unknown_until_a_person_decides(
    world: World, script: Caller, olga: Caller
) -> None:
    for name in ("Lea", "Max", "Nia"):
        add_contact(olga, "lost", name)
    script.call("plan_for_tag", "broadcast:lost", "lost")
    # As a kill leaves them: two after the provider was asked, one before.
    world.studio.query(
        "UPDATE app.mail_sends SET state = 'sending', lease = 'x', due_at = NULL, "
        "leased_until = now() - interval '1 s', provider = 'smtp', started_at = "
        "CASE WHEN recipient_email LIKE 'nia%%' THEN NULL ELSE now() - interval '1 hour' END "
        "WHERE source = 'broadcast:lost'"
    )
    assert script.call("send_mails_now")["done"] == {"sent": 1}
    assert sends(olga, "broadcast:lost") == {
        "Lea": ("unknown", "interrupted"),
        "Max": ("unknown", "interrupted"),
        "Nia": ("sent", ""),
    }
    listed = olga.call("list_sends", "broadcast:lost", outcome="unknown")["sends"]
    lea, max_ = (each["send_key"] for each in listed)
    olga.call("decide_send", lea, "send_again")
    olga.call("decide_send", max_, "not_sent")
    with pytest.raises(Refused, match="nothing to decide"):
        olga.call("decide_send", max_, "sent")
    script.call("send_mails_now")
    assert sends(olga, "broadcast:lost")["Lea"] == ("sent", "")
    assert sends(olga, "broadcast:lost")["Max"] == ("failed", "not_sent")
    assert received(world, "lost") == ["lea", "nia"]


def test_erasure_leaves_the_sums_and_nobody(world: World, script: Caller, olga: Caller) -> None:
    contact = add_contact(olga, "gone", "Ole")
    script.call("plan_for_tag", "broadcast:gone", "gone")
    script.call("report", "ole@gone.example", "hard_bounce")
    olga.call("erase_contact", contact["contact_id"])
    assert script.call("count_mails", "broadcast:gone")["counts"]["skipped"] == 1
    [item] = olga.call("list_sends", "broadcast:gone")["sends"]
    assert (item["name"], item["email"], item["reason"]) == ("Erased contact", "", "erased")
    found = world.studio.query(
        "SELECT 1 FROM app.mail_sends t WHERE to_jsonb(t)::text LIKE '%%ole@gone%%' "
        "UNION SELECT 1 FROM app.mail_suppressions t WHERE to_jsonb(t)::text LIKE '%%ole@gone%%'"
    )
    assert found == []
    # The address stays out, though nobody can read it any more.
    add_contact(olga, "gone", "Ole")
    assert script.call("plan_for_tag", "broadcast:gone", "gone", "second")["waiting"] == 0


def test_staff_with_some_customers_see_the_mails_of_these(
    world: World, script: Caller, olga: Caller
) -> None:
    sam = next(
        user for user in olga.call("list_users")["users"] if user["email"].startswith("sam@")
    )
    contact_id = _id_of(world, "anna@all.example")
    asked = [sam["user_id"], sam["role"], {"marketing.view": True}, sam["version"]]
    sam = olga.call("change_user_access", *asked)["user"]
    olga.call("change_user_scope", sam["user_id"], scope(customers=[contact_id]), sam["version"])
    with world.studio.person("sam") as caller:
        assert sends(caller, "broadcast:all").keys() == {"Anna"}
        assert _suppressed(caller, "") == []


def test_a_mail_that_is_no_marketing_goes_first(world: World, script: Caller, olga: Caller) -> None:
    add_contact(olga, "first", "Pia")
    script.call("plan_for_tag", "broadcast:first", "first")
    world.mail.messages.clear()
    with world.studio.person() as nobody:
        nobody.call("request_password_reset", "olga@yogastudio.example")
    script.call("send_mails_now")
    subjects = [str(message["subject"]) for message in world.mail.messages]
    assert subjects[-1] == "Hello Pia" and len(subjects) == 2


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("send_key = send_key || '2'", "mail_sends_recipient_unique"),
        ("contact_number = -contact_number, send_key = send_key || '2'", "address_unique"),
        ("key = '2', send_key = send_key || '2', settled_at = NULL", "end_has_a_time"),
        ("key = '2', send_key = send_key || '2', started_at = NULL", "gone_was_started"),
    ],
)
def test_the_database_keeps_the_ledger_true(world: World, change: str, constraint: str) -> None:
    assignments = dict(part.split(" = ", 1) for part in change.split(", "))
    names = [
        name
        for (name,) in world.studio.query(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'app' "
            "AND table_name = 'mail_sends' AND column_name <> '_id'"
        )
    ]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(assignments.get(name, f'"{name}"') for name in names)
    with pytest.raises(psycopg.Error, match=constraint):
        world.studio.query(
            f"INSERT INTO app.mail_sends ({columns}) SELECT {values} FROM app.mail_sends "
            "WHERE state = 'sent' AND source = 'broadcast:all'"
        )


def test_brevo_resolves_what_is_unknown_and_a_wrong_key_waits(
    world: World, script: Caller, olga: Caller
) -> None:
    olga.call("delete_integration", "smtp")
    connect(olga, "brevo", world.right_fields()["brevo"])
    add_contact(olga, "brevo", "Rosa")
    script.call("plan_for_tag", "broadcast:brevo", "brevo")
    assert script.call("send_mails_now")["done"] == {"sent": 1}
    # As if the process had died before it heard of it: asked again with the same key, which Brevo
    # sends once.
    world.studio.query(
        "UPDATE app.mail_sends SET state = 'sending', lease = 'x', settled_at = NULL, "
        "leased_until = now() - interval '1 s' WHERE source = 'broadcast:brevo'"
    )
    set_right(world.studio)
    assert script.call("send_mails_now")["done"] == {"sent": 1}
    assert len(world.brevo.sent) == 1
    assert sends(olga, "broadcast:brevo") == {"Rosa": ("sent", "")}

    add_contact(olga, "brevo", "Tom")
    answers = world.brevo.answer

    def refuse(request: Request) -> Reply:
        return Reply(401, {"code": "unauthorized", "message": "Key not found"})

    world.brevo.answer = refuse  # type: ignore[method-assign]
    script.call("plan_for_tag", "broadcast:brevo", "brevo")
    assert script.call("send_mails_now")["done"] == {"planned": 1}
    status = olga.call("get_sending_status")
    assert "does not accept the API key" in status["pause_reason"]
    assert script.call("send_mails_now")["done"] == {}
    world.brevo.answer = answers  # type: ignore[method-assign]
    olga.call("resume_sending")
    world.studio.query("UPDATE app.mail_sends SET due_at = now() WHERE state = 'planned'")
    assert script.call("send_mails_now")["done"] == {"sent": 1}
    assert olga.call("get_sending_status")["pause_reason"] == ""
    # Through all that the tests of this module did, the sums kept beside the ledger are its own.
    assert tallied(world.studio) == recount(world.studio)
    assert world.studio.query("SELECT 1 FROM app.mail_tallies WHERE scope = 'day' LIMIT 1")
