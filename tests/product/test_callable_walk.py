"""A walk over every callable: what it is declared to be is what it does.

Whoever may not call it is refused, and nothing changes. What is declared to read changes nothing.
What changes something leaves the entry in the audit log that it is declared to leave.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from master_template.server_auth.rbac import PERMISSIONS
from master_template.server_shared import audit
from master_template.server_shared.audit import declared_actions
from master_template.server_shared.callables import LOGGED_IN, PUBLIC, TRUSTED_ONLY, CallableSpec
from tests.product import updates, walking
from tests.product.studio import DOMAIN, PASSWORD, Caller, Studio
from tests.product.test_permissions import may_call
from tests.product.walking import arguments, everything_stored, specs

SPECS = specs()
REFUSALS = ("not_authenticated", "permission_denied")
# What stands in the way of calling it with made-up arguments, where the walk cannot prepare it.
UNREACHED = {
    "accept_invitation": "its token is in a mail",
    "choose_password": "its link is in a mail",
    "get_invitation": "its token is in a mail",
}


def business(studio: Studio) -> dict[str, Any]:
    """A fingerprint without what the product keeps for itself: whole tables, and the count of
    wrong passwords."""
    stored = everything_stored(studio, without=("n_password_failures",))
    return {table: rows for table, rows in stored.items() if table not in audit.HOUSEKEEPING}


def changed(studio: Studio, before: Mapping[str, Any]) -> set[str]:
    """The tables that are not as they were."""
    after = business(studio)
    return {table for table in after if after[table] != before.get(table)}


@pytest.mark.parametrize("who", [None, "carl", "sam", "mia"])
def test_whoever_may_not_is_refused_and_changes_nothing(studio: Studio, who: str | None) -> None:
    with studio.person(who) as caller:
        before = business(studio)
        for name, spec in SPECS.items():
            if may_call(who, name):
                continue
            answer = caller.answer(name, **arguments(spec))
            assert answer.get("code") in REFUSALS, f"{name} let {who} in"
        assert not changed(studio, before)


NEEDED = sorted({spec.needs for spec in SPECS.values()} & set(PERMISSIONS))


@pytest.mark.parametrize("permission", NEEDED)
def test_one_missing_permission_is_enough(studio: Studio, permission: str) -> None:
    """Sam gets every permission but one."""
    own = {each: each != permission for each in PERMISSIONS}
    needing = {name: spec for name, spec in SPECS.items() if spec.needs == permission}
    update = "UPDATE app.users SET permissions = %s::jsonb WHERE email = %s"
    sam = f"sam@{DOMAIN}"
    studio.query(update, json.dumps(own), sam)
    try:
        with studio.person("sam") as caller:
            before = business(studio)
            for name, spec in needing.items():
                answer = caller.answer(name, **arguments(spec))
                assert answer.get("code") == "permission_denied", f"{name}: {answer.get('code')}"
            assert not changed(studio, before)
    finally:
        studio.query(update, "{}", sam)


@contextmanager
def somebody_who_may(studio: Studio, spec: CallableSpec) -> Iterator[Caller]:
    if spec.needs == TRUSTED_ONLY:
        with studio.uplink() as script:
            yield script
    elif spec.needs == LOGGED_IN:
        # A customer of its own, who may have a new password or be erased afterwards.
        name = f"customer-{spec.name}".replace("_", "-")
        add_person(studio, name, "customer")
        with studio.person(name) as person:
            yield person
    else:
        is_for_strangers = spec.needs == PUBLIC and spec.name != "log_out"
        with studio.person(None if is_for_strangers else "olga") as person:
            yield person


def add_person(studio: Studio, name: str, role: str) -> None:
    person = {"first_name": "Wa", "last_name": "Lk", "email": f"{name}@{DOMAIN}"}
    with studio.uplink() as script:
        script.call("add_staff_user", **person, password=PASSWORD, role=role)


TO_PREPARE = {"contact_id", "user_id", "invitation_id", "new_role", "version"}


def prepared(studio: Studio, spec: CallableSpec) -> dict[str, Any]:
    """Arguments that name things which are there, made for this call alone."""
    given = arguments(spec)
    if spec.name in updates.PREPARED:
        return given | updates.prepare(studio, spec.name)
    if not TO_PREPARE & set(given):
        return given
    with studio.person("olga") as olga:
        if "contact_id" in given:
            contact = {"first_name": "Walk", "last_name": spec.name}
            given["contact_id"] = olga.call("create_contact", contact)["contact"]["contact_id"]
            if spec.name == "restore_contact":
                olga.call("delete_contact", given["contact_id"])
        if "user_id" in given:
            name = f"staff-{spec.name}".replace("_", "-")
            add_person(studio, name, "staff")
            users = olga.call("list_users")["users"]
            [given["user_id"]] = [u["user_id"] for u in users if u["email"] == f"{name}@{DOMAIN}"]
            if spec.name == "reactivate_user":
                olga.call("suspend_user", given["user_id"])
        if "invitation_id" in given:
            invited = {**walking.arguments(SPECS["invite_user"]), "role": "staff"}
            olga.call("invite_user", **invited)
            found = olga.call("list_invitations")["invitations"]
            given["invitation_id"] = found[0]["invitation_id"]
        if "new_role" in given:
            given["new_role"] = "admin"  # there may be managers enough already
        if "version" in given and "contact_id" not in given:
            given["version"] = olga.call("get_settings")["settings"]["version"]
    return given


def entries_since(studio: Studio, last: int) -> set[str]:
    found = studio.query(
        "SELECT resource_type || '.' || action FROM app.audit_log WHERE _id > %s", last
    )
    return {name for (name,) in found}


# What ends things for the others comes last.
LAST = ("erase", "delete", "remove", "transfer", "log_out")


def in_order(names: Any) -> list[str]:
    return sorted(names, key=lambda name: (any(word in name for word in LAST), name))


def test_the_walk_gets_through(studio: Studio) -> None:
    """So that it does not prove anything by being refused."""
    reading = [spec for spec in SPECS.values() if not spec.is_change and not spec.takes]
    assert len(reading) >= 10
    with studio.uplink() as script, studio.person("olga") as olga:
        for spec in reading:
            if spec.needs == TRUSTED_ONLY:
                assert script.answer(spec.name)["success"], spec.name
            elif spec.needs != LOGGED_IN:
                assert olga.answer(spec.name)["success"], spec.name


def test_the_walk_sees_a_change_that_is_not_declared(studio: Studio) -> None:
    """The control: a table that changed is noticed."""
    before = business(studio)
    studio.query("INSERT INTO app.contact_tags (name) VALUES ('control')")
    assert changed(studio, before) == {"contact_tags"}


def test_every_declaration_is_complete() -> None:
    """Names tell what changes: a verb of change without an audit has been forgotten."""
    reading = ("get_", "list_", "export_", "search_", "find_", "preview_", "check_", "count_")
    forgotten = {
        name for name, spec in SPECS.items() if spec.audit is None and not name.startswith(reading)
    }
    # They write what is in audit.HOUSEKEEPING alone, which the walk makes sure of.
    assert forgotten == {
        "deliver_outbox_now",
        "process_campaigns_now",
        "run_bulk_changes_now",
        "run_schedule_now",
        "send_account_mail",
        "send_mails_now",
    }


@pytest.mark.parametrize("name", in_order(SPECS))
def test_what_a_callable_is_declared_to_do_is_what_it_does(studio: Studio, name: str) -> None:
    spec = SPECS[name]
    given = prepared(studio, spec)
    with somebody_who_may(studio, spec) as caller:
        before = business(studio)
        [(last,)] = studio.query("SELECT max(_id) FROM app.audit_log")
        answer = caller.answer(name, **given)
        touched = changed(studio, before)
        left = entries_since(studio, last)
    assert answer.get("code") != "internal", f"{name} has failed: {answer}"
    if name in UNREACHED:
        assert not answer["success"], f"{name} can be reached: take it out of UNREACHED"
    if not answer["success"]:
        assert not touched, f"{name} refused ({answer['code']}) and yet changed {touched}"
        return
    if spec.audit is None:
        assert not touched, f"{name} changes {touched} and declares no audit"
    elif touched:
        wanted = set(declared_actions(spec.audit))
        assert wanted & left, f"{name} changed {touched} and left {left}, not {wanted}"
    if touched and not spec.is_change:
        assert touched == {"audit_log"}, f"{name} is declared to read and changed {touched}"
