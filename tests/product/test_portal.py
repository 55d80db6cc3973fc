"""A customer's own pages at the server: what they see, change and take away, and nobody else's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.product.customers import CONTACTS, customer, make_contact, make_customer
from tests.product.studio import PASSWORD, Refused, Studio
from tests.product.walking import everything_stored

ADDRESS = {
    "line1": "14 Bree Street",
    "line2": "",
    "city": "Cape Town",
    "region": "Western Cape",
    "postal_code": "8001",
    "country": "South Africa",
}


def test_the_account_shows_what_is_known(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with empty_studio.person("mia") as mia:
        make_contact(
            mia,
            first_name="Nia",
            last_name="Achieng",
            email=nia,
            phone="082 555 0101",
            address=ADDRESS,
            internal_notes="pays late",
            tags=["difficult"],
        )
    with customer(empty_studio, nia) as caller:
        account = caller.call("get_my_account")
        dashboard = caller.call("get_my_dashboard")
    profile = account["profile"]
    del profile["member_since"]
    assert profile == {
        "first_name": "Nia",
        "last_name": "Achieng",
        "email": nia,
        "phone": "+27 82 555 0101",
        "address": ADDRESS,
    }
    assert account["is_opted_in"] is False and account["consents"] == []
    assert dashboard["business"]["business_name"] == "Sunrise Yoga"
    assert dashboard["parts"] == ["my_dashboard", "account"]
    seen = json.dumps([account, dashboard], default=str)
    for secret in ("pays late", "difficult", "mia@", "C-"):
        assert secret not in seen, secret


def test_a_customer_changes_their_details(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with customer(empty_studio, nia) as caller:
        answer = caller.call(
            "update_my_profile",
            {"first_name": "Nía", "phone": "082 555 0102", "address": ADDRESS},
        )
        assert answer["profile"]["address"] == ADDRESS
        assert caller.call("get_my_account")["profile"]["phone"] == "+27 82 555 0102"
        assert caller.call("get_config")["user"]["name"] == "Nía Moyo"
    [(own,)] = empty_studio.query(CONTACTS, nia)
    entries = empty_studio.query(
        "SELECT user_email, changes ->> 'phone' FROM app.audit_log "
        "WHERE action = 'update' AND resource_id = %s",
        own,
    )
    assert entries == [(nia, '[null, "+27 82 555 0102"]')]
    with empty_studio.person("mia") as mia:
        assert mia.call("list_contacts", {"search": "nia moyo"})["contacts"]
        internal = mia.call("get_contact_timeline", own, visibility="internal")["timeline"]
        assert [event["author_name"] for event in internal] == ["Nia Moyo"]


def test_saving_what_is_so_already_changes_nothing(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with customer(empty_studio, nia) as caller:
        before = everything_stored(empty_studio)
        caller.call("update_my_profile", {"first_name": "Nia", "last_name": "Moyo"})
        caller.call("set_my_marketing_consent", False)
    after = everything_stored(empty_studio)
    assert {table for table in before if before[table] != after[table]} <= {"metrics"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_name": " "}, "first_name"),
        ({"last_name": "x" * 101}, "last_name"),
        ({"phone": "call me"}, "phone"),
        ({"address": {"city": "x" * 101}}, "address.city"),
        ({"email": "other@example.com"}, None),
        ({"status": "customer"}, None),
        ({"tags": ["vip"]}, None),
        ({"internal_notes": "nice"}, None),
        ({"account": "x"}, None),
        ({"total_spent_cents": 1}, None),
        ({"preferences": {"marketing_opt_in": True}}, None),
    ],
)
def test_refuses_what_is_wrong_or_not_theirs_to_change(
    empty_studio: Studio, changes: dict[str, Any], field: str | None
) -> None:
    with empty_studio.person("carl") as carl:
        before = everything_stored(empty_studio)
        with pytest.raises(Refused, match="invalid") as refusal:
            carl.call("update_my_profile", changes)
    after = everything_stored(empty_studio)
    for table in ("contacts", "users", "consents", "contact_events"):
        assert after[table] == before[table]
    if field:
        assert set(refusal.value.fields) == {field}


def test_a_customer_decides_about_marketing_and_sees_it(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with customer(empty_studio, nia) as caller:
        for is_given in (True, False, True):
            caller.call("set_my_marketing_consent", is_given)
        account = caller.call("get_my_account")
    assert account["is_opted_in"] is True
    assert [one["is_given"] for one in account["consents"]] == [True, False, True]
    assert {(one["kind"], one["given_by"]) for one in account["consents"]} == {
        ("marketing", "person")
    }


def test_what_staff_typed_about_someone_is_not_on_their_dashboard(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with empty_studio.person("mia") as mia:
        own = make_contact(mia, email=nia)
        other = make_contact(mia, email=f"x{nia}")
        mia.call("add_note_to_contact", own, "sings off key")
        for contact_id, cents in ((own, 45_000), (other, 7_777)):
            empty_studio.query(
                "INSERT INTO app.contact_events (contact, contact_number, event_type, event_date, "
                "description, event_data, user_visible) SELECT _id, number, 'payment', now(), "
                "'typed by staff', jsonb_build_object('amount_cents', %s::int, 'currency', 'ZAR'), "
                "true FROM app.contacts WHERE contact_id = %s",
                cents,
                contact_id,
            )
    with customer(empty_studio, nia) as caller:
        activity = caller.call("get_my_dashboard")["activity"]
    [event] = activity
    assert (event["event_type"], event["amount_cents"]) == ("payment", 45_000)
    assert "typed by staff" not in str(event)


def test_a_customer_erases_the_own_account(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    other = make_customer(empty_studio, "other")
    with customer(empty_studio, other):
        pass
    with customer(empty_studio, nia) as caller, customer(empty_studio, nia) as elsewhere:
        caller.call("update_my_profile", {"phone": "082 555 0163"})
        caller.call("set_my_marketing_consent", True)
        preview = caller.call("preview_my_erasure")
        assert preview["kept_for_tax"] is False
        assert set(preview["goes"]) == {"contacts", "users", "contact_events"}
        assert set(preview["stays"]) == {"audit_log", "consents"}
        with pytest.raises(Refused, match="invalid") as refusal:
            caller.call("erase_my_account", "not this one")
        assert refusal.value.fields == {"password": "This is not your password."}
        assert caller.call("get_my_account")["profile"]["email"] == nia
        assert caller.call("erase_my_account", PASSWORD) == {
            "success": True,
            "kept_for_tax": False,
        }
        for gone in (caller, elsewhere):
            with pytest.raises(Refused, match="not_authenticated"):
                gone.call("get_my_account")
    with empty_studio.person() as nobody, pytest.raises(Refused, match="wrong_password"):
        nobody.call("log_in", nia, PASSWORD)
    left = everything(empty_studio)
    assert nia not in left.replace(other, "") and "555 0163" not in left
    assert other in left


def everything(studio: Studio) -> str:
    """Every row of every table, as text."""
    tables = studio.query("SELECT tablename FROM pg_tables WHERE schemaname = 'app'")
    return "\n".join(
        str(line)
        for (table,) in tables
        for line in studio.query(f'SELECT row_to_json(t)::text FROM app."{table}" t')
    )


def test_what_was_paid_stays_without_a_name(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with customer(empty_studio, nia) as caller:
        [(own,)] = empty_studio.query(CONTACTS, nia)
        empty_studio.query(
            "UPDATE app.contacts SET total_spent_cents = 900, total_transactions = 1 "
            "WHERE contact_id = %s",
            own,
        )
        preview = caller.call("preview_my_erasure")
        assert preview["kept_for_tax"] is True and preview["stays"]["contacts"] == 1
        assert preview["goes"]["users"] == 1
        assert caller.call("erase_my_account", PASSWORD)["kept_for_tax"] is True
    [(first, email, account, spent)] = empty_studio.query(
        "SELECT first_name, email, account, total_spent_cents FROM app.contacts "
        "WHERE contact_id = %s",
        own,
    )
    assert (first, email, account, spent) == ("Erased", None, None, 900)
    assert nia not in everything(empty_studio)


@pytest.mark.parametrize("name", ["olga", "mia", "sam"])
def test_people_who_work_here_do_not_erase_themselves(empty_studio: Studio, name: str) -> None:
    with empty_studio.person(name) as one:
        for call, given in (("erase_my_account", [PASSWORD]), ("preview_my_erasure", [])):
            with pytest.raises(Refused, match="not_a_customer"):
                one.call(call, *given)
    statement = "SELECT 1 FROM app.users WHERE email = %s"
    assert empty_studio.query(statement, f"{name}@yogastudio.example") == [(1,)]


def test_wrong_passwords_lock_the_erasure_too(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with customer(empty_studio, nia) as caller:
        codes = [caller.answer("erase_my_account", f"wrong {n}")["code"] for n in range(12)]
        assert codes[0] == "invalid" and codes[-1] == "locked"
        assert caller.answer("erase_my_account", PASSWORD)["code"] == "locked"
    assert empty_studio.query("SELECT 1 FROM app.users WHERE email = %s", nia) == [(1,)]


def test_a_remembered_log_in_ends_with_the_account(empty_studio: Studio) -> None:
    """Also once there is a new account under the same address."""
    nia = make_customer(empty_studio, "nia")
    cookies = empty_studio.server.client.cookies
    with empty_studio.person() as caller:
        caller.call("log_in", nia, PASSWORD, remember=True)
        remembered = dict(cookies)
    come_back = {
        name: value for name, value in remembered.items() if not name.startswith("anvil-session")
    }
    assert come_back, "it is remembered by a cookie"

    def who_is_back() -> Any:
        cookies.clear()
        cookies.update(come_back)
        with empty_studio.server.browser() as browser:
            return browser.call("get_config")["user"]

    assert who_is_back()["email"] == nia, "the cookie works"
    with customer(empty_studio, nia) as caller:
        caller.call("erase_my_account", PASSWORD)
    assert who_is_back() is None
    with empty_studio.uplink() as script:
        script.call(
            "add_staff_user",
            email=nia,
            password="a new beginning",
            first_name="Nia",
            last_name="Moyo",
            role="customer",
        )
    assert who_is_back() is None
    cookies.clear()
