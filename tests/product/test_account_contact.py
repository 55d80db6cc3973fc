"""Whose contact is whose: an account gets its contact once, and keeps it, whatever changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.product.customers import CONTACTS, customer, export, make_contact, make_customer
from tests.product.studio import PASSWORD, Refused, Studio, copy_template, open_studio

LINK = "server_code/server_customers/account_contact.py"
TRANSACTIONS = "server_code/server_shared/transactions.py"
OWNER_OF = (
    "SELECT u.email FROM app.contacts c LEFT JOIN app.users u ON u._id = c.account "
    "WHERE c.contact_id = %s"
)


def test_a_log_in_links_the_contact_with_the_address(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with empty_studio.person("mia") as mia:
        known = make_contact(mia, email=nia, company="Achieng Ltd")
    assert empty_studio.query(OWNER_OF, known) == [(None,)]
    for _ in range(2):
        with customer(empty_studio, nia):
            assert empty_studio.query(CONTACTS, nia) == [(known,)]
    assert empty_studio.query(OWNER_OF, known) == [(nia,)]
    entries = "SELECT user_email FROM app.audit_log WHERE action = 'link' AND resource_id = %s"
    assert empty_studio.query(entries, known) == [(nia,)]


def test_a_customer_who_is_not_known_becomes_a_lead(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with customer(empty_studio, nia):
        [(made,)] = empty_studio.query(CONTACTS, nia)
    with empty_studio.person("mia") as mia:
        contact = mia.call("get_contact", made)["contact"]
        [event] = mia.call("get_contact_timeline", made)["timeline"]
    assert (contact["full_name"], contact["status"], contact["source"]) == (
        "Nia Moyo",
        "lead",
        "website",
    )
    assert event["event_type"] == "created" and event["author_name"] == "Nia Moyo"


def test_people_who_work_here_get_none(empty_studio: Studio) -> None:
    for name in ("olga", "mia", "sam"):
        with empty_studio.person(name) as one:
            assert empty_studio.query(CONTACTS, f"{name}@yogastudio.example") == []
            with pytest.raises(Refused, match="not_a_customer"):
                one.call("set_my_marketing_consent", True)


def test_the_link_counts_and_not_what_staff_type_later(empty_studio: Studio) -> None:
    """A contact's address is changed to one whose owner has an account: it stays whose it is."""
    carla, dora = make_customer(empty_studio, "carla"), make_customer(empty_studio, "dora")
    with customer(empty_studio, carla):
        [(own,)] = empty_studio.query(CONTACTS, carla)
    with empty_studio.person("mia") as mia:
        mia.call("update_contact", own, {"email": dora, "internal_notes": "of Carla"}, 1)
        mia.call("set_marketing_consent", own, True, "said so")
    with customer(empty_studio, dora) as caller:
        found = export(caller)
        assert found["contacts"] == []
        assert own not in json.dumps(found) and "of Carla" not in json.dumps(found)
        with pytest.raises(Refused, match="contact_taken"):
            caller.call("set_my_marketing_consent", True)
    assert empty_studio.query(OWNER_OF, own) == [(carla,)]
    with customer(empty_studio, carla) as caller:
        found = export(caller)
        assert found["contacts"] == [own] and found["emails"] == [carla]
        caller.call("set_my_marketing_consent", False)
    # Dora is not erased with a contact that only bears her address.
    with empty_studio.person("mia") as mia:
        mia.call("erase_contact", own)
    assert empty_studio.query("SELECT 1 FROM app.users WHERE email = %s", dora) == [(1,)]
    assert empty_studio.query("SELECT 1 FROM app.users WHERE email = %s", carla) == []


def test_control_by_the_address_alone_dora_gets_what_is_carlas(
    tmp_path: Path, database_url: str
) -> None:
    guard = 'if row["account"] is None or row["account"].get_id() == own:'
    template = copy_template(
        tmp_path, {"server_code/server_privacy/person_rows.py": [(guard, "if True:")]}
    )
    with open_studio(tmp_path / "instance", database_url, template=template) as studio:
        carla, dora = make_customer(studio, "carla"), make_customer(studio, "dora")
        with customer(studio, carla):
            [(own,)] = studio.query(CONTACTS, carla)
        with studio.person("mia") as mia:
            mia.call("update_contact", own, {"email": dora}, 1)
        with customer(studio, dora) as caller:
            assert export(caller)["contacts"] == [own]


def test_an_account_whose_address_changes_keeps_its_contact_and_gets_no_other(
    empty_studio: Studio,
) -> None:
    carla = make_customer(empty_studio, "carla")
    with empty_studio.person("mia") as mia:
        others = make_contact(mia, email=f"vic-{carla}", internal_notes="of the victim")
    with customer(empty_studio, carla) as caller:
        [(own,)] = empty_studio.query(CONTACTS, carla)
        change = "UPDATE app.users SET email = %s, confirmed_email = %s WHERE email = %s"
        empty_studio.query(change, f"vic-{carla}", False, carla)
        for name, given in (("set_my_marketing_consent", True), ("export_my_data", "json")):
            with pytest.raises(Refused, match="not_confirmed"):
                caller.call(name, given)
        empty_studio.query(change, f"new-{carla}", True, f"vic-{carla}")
        caller.call("set_my_marketing_consent", True)
        assert export(caller)["contacts"] == [own]
    assert empty_studio.query(OWNER_OF, others) == [(None,)]


def test_an_address_that_is_not_confirmed_links_nothing(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        victim = make_contact(mia, email="victim@link.example")
    eve = make_customer(empty_studio, "eve")
    with customer(empty_studio, eve) as caller:
        empty_studio.query(
            "UPDATE app.users SET email = %s, confirmed_email = false WHERE email = %s",
            "victim@link.example",
            eve,
        )
        caller.call("get_config")
        for name in ("set_my_marketing_consent", "export_my_data"):
            assert caller.answer(name, True)["success"] is False
    assert empty_studio.query(OWNER_OF, victim) == [(None,)]


def test_a_deleted_contact_does_not_come_back_by_itself(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with customer(empty_studio, nia):
        [(first,)] = empty_studio.query(CONTACTS, nia)
    with empty_studio.person("mia") as mia:
        mia.call("delete_contact", first)
        with customer(empty_studio, nia):
            [(second,)] = empty_studio.query(CONTACTS, nia)
    assert second != first
    with empty_studio.person("mia") as mia:
        mia.call("update_contact", second, {"email": f"other-{nia}"}, 1)
        mia.call("restore_contact", first)
    assert empty_studio.query(OWNER_OF, first) == [(None,)]
    assert empty_studio.query(OWNER_OF, second) == [(nia,)]


def test_who_was_erased_begins_anew(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with customer(empty_studio, nia) as caller:
        [(old,)] = empty_studio.query(CONTACTS, nia)
        empty_studio.query(
            "UPDATE app.contacts SET total_spent_cents = 900, total_transactions = 1 "
            "WHERE contact_id = %s",
            old,
        )
        with empty_studio.person("mia") as mia:
            assert mia.call("erase_contact", old)["kept_for_tax"] is True
        with pytest.raises(Refused, match="not_authenticated"):
            caller.call("export_my_data")
    with empty_studio.person() as nobody, pytest.raises(Refused, match="wrong_password"):
        nobody.call("log_in", nia, PASSWORD)
    with empty_studio.uplink() as script:
        script.call(
            "add_staff_user",
            email=nia,
            password=PASSWORD,
            first_name="Nia",
            last_name="Moyo",
            role="customer",
        )
    with customer(empty_studio, nia) as caller:
        [(new,)] = empty_studio.query(CONTACTS, nia)
        found = export(caller)
    assert new != old
    assert found["contacts"] == [new] and old not in json.dumps(found)
    assert empty_studio.query(OWNER_OF, old) == [(None,)]


@contextmanager
def racing_studio(
    folder: Path, database_url: str, *, transaction: bool, constraints: bool
) -> Iterator[Studio]:
    """The product with the window between looking and making held open."""
    window = "    (number,) = take_numbers(CONTACTS)\n"
    changes = {LINK: [(window, "    import time; time.sleep(0.05)\n" + window)]}
    if not transaction:
        changes[TRANSACTIONS] = [("anvil.tables.in_transaction(alone)", "alone")]
    template = copy_template(folder, changes)
    if not constraints:
        (template / "constraints.yaml").unlink()
    with open_studio(folder / "instance", database_url, template=template) as running:
        yield running


def race(studio: Studio, *, all_succeed: bool = False) -> int:
    """One customer at four browsers changes something before there is a contact, while mia adds
    one with the same address. How many contacts there are more than there should be."""
    nia = make_customer(studio, "nia")
    with ExitStack() as stack:
        tabs = [stack.enter_context(customer(studio, nia)) for _ in range(4)]
        mia = stack.enter_context(studio.person("mia"))
        too_many = 0
        for _ in range(3):
            studio.query("DELETE FROM app.contacts WHERE email = %s", nia)
            work = [lambda tab=tab: tab.answer("set_my_marketing_consent", True) for tab in tabs]
            given = {"first_name": "Nia", "last_name": "Moyo", "email": nia}
            work.append(lambda given=given: mia.answer("create_contact", given))
            with ThreadPoolExecutor(len(work)) as pool:
                answers = list(pool.map(lambda call: call(), work))
            found = studio.query(CONTACTS, nia)
            too_many += len(found) - 1
            if all_succeed:
                assert [answer.get("code") for answer in answers[:-1]] == [None] * len(tabs)
                assert studio.query(OWNER_OF, found[0][0]) == [(nia,)]
    return too_many


@pytest.mark.parametrize(
    ("transaction", "constraints"),
    [(True, True), (True, False), (False, True)],
    ids=["both guards", "the transaction alone", "the constraints alone"],
)
def test_an_account_gets_one_contact_under_races(
    tmp_path: Path, database_url: str, transaction: bool, constraints: bool
) -> None:
    with racing_studio(
        tmp_path, database_url, transaction=transaction, constraints=constraints
    ) as studio:
        assert race(studio, all_succeed=transaction) == 0


def test_control_without_guards_an_account_gets_several(tmp_path: Path, database_url: str) -> None:
    with racing_studio(tmp_path, database_url, transaction=False, constraints=False) as studio:
        assert race(studio) > 0
