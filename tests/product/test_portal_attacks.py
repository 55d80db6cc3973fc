"""One customer against another: through everything that a customer may call, with the other's
address, number and name in every place that takes a text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from master_template.server_shared import validators as rules
from tests.product.customers import CONTACTS, customer, make_contact, make_customer
from tests.product.studio import PASSWORD, Studio
from tests.product.walking import arguments, leaves, put, specs

SPECS = specs()
FOR_CUSTOMERS = sorted(
    name for name, spec in SPECS.items() if spec.needs in ("public", "logged_in")
)
MARKS = ("Zebedora", "+27 82 555 0199", "44 Victim Lane", "whispered about")


class Victim:
    """Dora, with something in every table that a customer's pages read."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.address = make_customer(studio, "dora")
        with studio.person("mia") as mia:
            self.contact_id = make_contact(
                mia,
                first_name="Zebedora",
                last_name="Victim",
                email=self.address,
                phone="082 555 0199",
                address={"line1": "44 Victim Lane"},
                internal_notes="whispered about",
            )
            mia.call("set_marketing_consent", self.contact_id, True, "whispered about it")
            mia.call("log_contact_event", self.contact_id, "visit", description="Zebedora was here")
        with customer(studio, self.address) as dora:
            dora.call("update_my_profile", {"first_name": "Zebedora"})

    def rows(self) -> list[Any]:
        """All that is hers, as it stands in the database. Of the account not what the log-in counts
        by itself: failures, and the keys of messages that anybody may ask for."""
        ask = self.studio.query
        whose = "contact = (SELECT _id FROM app.contacts WHERE contact_id = %s)"
        return [
            ask("SELECT row_to_json(c)::text FROM app.contacts c WHERE email = %s", self.address),
            ask(
                "SELECT password_hash, role, status, permissions::text, first_name, last_name, "
                "phone, mfa::text, remembered_logins::text, confirmed_email, enabled "
                "FROM app.users WHERE email = %s",
                self.address,
            ),
            ask(
                f"SELECT row_to_json(e)::text FROM app.contact_events e WHERE {whose} ORDER BY _id",
                self.contact_id,
            ),
            ask(
                f"SELECT row_to_json(e)::text FROM app.consents e WHERE {whose} ORDER BY _id",
                self.contact_id,
            ),
        ]


@pytest.fixture(scope="module")
def victim(empty_studio: Studio) -> Victim:
    return Victim(empty_studio)


@contextmanager
def attempts_forgiven(studio: Studio) -> Iterator[None]:
    """What guesses at her account have counted is taken back."""
    yield
    studio.query("UPDATE app.users SET n_password_failures = 0")


def hostile_arguments(name: str, victim: Victim, attacker: str) -> list[dict[str, Any]]:
    """Arguments with the victim in every text, once by address, once by number and once by name."""
    found = []
    for text in (victim.address, victim.contact_id, "Zebedora"):
        given = arguments(SPECS[name])
        for argument, rule in SPECS[name].takes.items():
            for path, leaf in leaves(rule, (argument,)):
                if isinstance(leaf, rules.Email):
                    put(given, path, victim.address)
                elif type(leaf) is rules.Text and leaf.min_chars <= len(text) <= leaf.max_chars:
                    put(given, path, text)
        found.append(given)
    return found


@pytest.mark.parametrize("name", FOR_CUSTOMERS)
def test_nothing_of_another_customer_is_read_or_changed(
    empty_studio: Studio, victim: Victim, name: str
) -> None:
    before = victim.rows()
    assert all(before), "she has something everywhere"
    attacker = make_customer(empty_studio, "eve")
    for given in hostile_arguments(name, victim, attacker):
        with empty_studio.person() as eve, attempts_forgiven(empty_studio):
            if eve.answer("log_in", attacker, PASSWORD)["success"]:
                # By the own password the own account may open, and nobody else's.
                if name == "log_in":
                    given["password"] = "not hers at all"
                eve.socket.media.clear()
                answer = json.dumps(eve.answer(name, **given), default=str)
                files = b"".join(bytes(media) for media in eve.socket.media.values())
                told = answer + files.decode("utf-8", "replace")
                for mark in MARKS:
                    if mark not in str(given):
                        assert mark not in told
                user = eve.call("get_config")["user"]
                assert user is None or user["email"] == attacker
    assert victim.rows() == before


def test_a_contact_number_in_extra_arguments_is_refused(
    empty_studio: Studio, victim: Victim
) -> None:
    """Mass assignment: an id that no callable of a customer's takes."""
    before = victim.rows()
    with empty_studio.person("carl") as carl:
        for name in FOR_CUSTOMERS:
            if SPECS[name].needs != "logged_in":
                continue
            for extra in (
                {"contact_id": victim.contact_id},
                {"account": victim.address},
                {"email": victim.address},
                {"user": victim.address},
            ):
                answer = carl.answer(name, **arguments(SPECS[name]), **extra)
                assert answer["code"] == "invalid", name
        changes = {"changes": {"contact_id": victim.contact_id, "first_name": "Owned"}}
        assert carl.answer("update_my_profile", **changes)["code"] == "invalid"
    assert victim.rows() == before


def test_taking_over_an_address_before_its_owner_signs_up(empty_studio: Studio) -> None:
    """Eve makes an account under an address that is not hers: it opens nothing, links nothing, and
    is not hers any more once the owner has chosen a password."""
    with empty_studio.person("mia") as mia:
        make_contact(mia, first_name="Vera", email="vera@attack.example", internal_notes="secret")
    given = arguments(SPECS["sign_up"]) | {
        "email": "vera@attack.example",
        "password": "eve knows this one",
        "first_name": "Eve",
    }
    with empty_studio.person() as eve:
        assert eve.call("sign_up", **given)["confirm"] is True
        assert eve.answer("log_in", "vera@attack.example", "eve knows this one")["code"] == (
            "not_confirmed"
        )
        assert eve.answer("get_my_account")["code"] == "not_authenticated"
    linked = "SELECT account, first_name FROM app.contacts WHERE email = 'vera@attack.example'"
    assert empty_studio.query(linked) == [(None, "Vera")]


def test_the_negative_control_finds_what_leaks(empty_studio: Studio, victim: Victim) -> None:
    """Dora herself does see her own: so the marks are there to be found."""
    with customer(empty_studio, victim.address) as dora:
        told = json.dumps(dora.call("get_my_account"), default=str)
        dora.socket.media.clear()
        dora.call("export_my_data")
        [media] = dora.socket.media.values()
        told += bytes(media).decode()
    for mark in MARKS:
        assert mark in told
    assert empty_studio.query(CONTACTS, victim.address) == [(victim.contact_id,)]
