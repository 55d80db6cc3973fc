"""Handing the business over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.product.conftest import fresh_database
from tests.product.studio import DOMAIN, PASSWORD, Caller, Studio, open_studio
from tests.product.walking import everything_stored


@pytest.fixture
def fresh_studio(tmp_path: Path, postgres_url: str) -> Iterator[Studio]:
    """An instance of its own: who owns it changes."""
    with fresh_database(postgres_url) as url, open_studio(tmp_path, url) as running:
        yield running


def people(caller: Caller) -> dict[str, dict[str, Any]]:
    found = caller.call("list_users", page_size=100)["users"]
    return {user["email"].split("@")[0]: user for user in found}


def roles(studio: Studio) -> dict[str, str]:
    return dict(
        studio.query(
            "SELECT split_part(email, '@', 1), role FROM app.users WHERE role <> 'customer'"
        )
    )


def test_the_owner_hands_over_and_goes_on_as_a_manager(fresh_studio: Studio) -> None:
    with fresh_studio.person("olga") as olga, fresh_studio.person("sam") as sam:
        assert sam.answer("get_settings")["code"] == "permission_denied"
        new = people(olga)["sam"]["user_id"]
        assert olga.call("transfer_ownership", new, PASSWORD)["owner"]["role"] == "owner"
        assert roles(fresh_studio) == {"olga": "manager", "mia": "manager", "sam": "owner"}
        assert sam.call("get_settings")["success"]
        assert "settings.manage" in people(sam)["sam"]["permissions"]
        assert "settings.manage" not in people(sam)["olga"]["permissions"]
        again = olga.answer("transfer_ownership", new, PASSWORD)
        assert again["code"] == "permission_denied"
    entries = fresh_studio.query(
        "SELECT action, split_part(resource_id, '@', 1), changes FROM app.audit_log"
        " WHERE action IN ('transfer_ownership', 'change_access') ORDER BY logged_at"
    )
    assert entries == [
        ("transfer_ownership", "sam", {"role": ["staff", "owner"]}),
        ("change_access", "olga", {"role": ["owner", "manager"]}),
    ]


def test_a_full_role_takes_the_old_owner_only_where_the_new_one_leaves_it(
    fresh_studio: Studio,
) -> None:
    with fresh_studio.uplink() as script:
        for name in ("max", "moe"):
            person = {"first_name": name, "last_name": "Tester", "password": PASSWORD}
            script.call("add_staff_user", email=f"{name}@{DOMAIN}", role="manager", **person)
    with fresh_studio.person("olga") as olga:
        known = people(olga)
        answer = olga.answer("transfer_ownership", known["sam"]["user_id"], PASSWORD)
        assert (answer["code"], answer["field"]) == ("role_full", "new_role")
        assert roles(fresh_studio)["olga"] == "owner"
        assert roles(fresh_studio)["sam"] == "staff"
        assert olga.call("transfer_ownership", known["max"]["user_id"], PASSWORD)
    assert roles(fresh_studio)["olga"] == "manager"


def test_it_takes_the_password_of_the_owner(fresh_studio: Studio) -> None:
    with fresh_studio.person("olga") as olga:
        new = people(olga)["mia"]["user_id"]
        wrong = [olga.answer("transfer_ownership", new, f"wrong {n}") for n in range(10)]
        assert {(a["code"], a["field"]) for a in wrong} == {("invalid", "password")}
        assert olga.answer("transfer_ownership", new, PASSWORD)["code"] == "locked"
        with fresh_studio.person() as nobody:
            assert nobody.answer("log_in", f"olga@{DOMAIN}", PASSWORD)["code"] == "locked"
    assert roles(fresh_studio)["olga"] == "owner"


@pytest.mark.parametrize("who", ["mia", "sam"])
def test_only_the_owner_gives_the_business_away(fresh_studio: Studio, who: str) -> None:
    with fresh_studio.person("olga") as olga:
        known = people(olga)
    with fresh_studio.person(who) as caller:
        before = everything_stored(fresh_studio)
        for name in ("olga", "mia", "sam"):
            answer = caller.answer("transfer_ownership", known[name]["user_id"], PASSWORD)
            assert answer["code"] == "permission_denied"
        assert everything_stored(fresh_studio) == before


def test_nobody_who_cannot_log_in_becomes_owner(fresh_studio: Studio) -> None:
    with fresh_studio.person("olga") as olga:
        known = people(olga)
        olga.call("suspend_user", known["mia"]["user_id"])
        for name, code in (("mia", "not_active"), ("olga", "own_access")):
            answer = olga.answer("transfer_ownership", known[name]["user_id"], PASSWORD)
            assert answer["code"] == code
    assert roles(fresh_studio)["olga"] == "owner"


def test_a_script_does_not_hand_it_over(fresh_studio: Studio) -> None:
    with fresh_studio.person("olga") as olga:
        new = people(olga)["mia"]["user_id"]
    with fresh_studio.uplink() as script:
        assert script.answer("transfer_ownership", new, PASSWORD)["code"] == "permission_denied"
