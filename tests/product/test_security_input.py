"""Fields that nobody may send, and things that belong to somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app_server.running import CallFailed
from tests.product.studio import PASSWORD, Caller, Studio
from tests.product.walking import arguments, everything_stored, leaves, put, records, specs

# What the product keeps itself, on any of its tables. Not more than one refusal names.
PROTECTED = (
    "id",
    "_id",
    "contact_id",
    "number",
    "contact_number",
    "role",
    "permissions",
    "enabled",
    "confirmed_email",
    "password_hash",
    "total_spent_cents",
    "total_transactions",
    "lifecycle_stage",
    "version",
    "created_at",
    "updated_at",
    "created_by",
    "deleted_at",
    "is_singleton",
    "features_enabled",
)
SPECS = specs()
RECORDS = [
    (name, path)
    for name, spec in sorted(SPECS.items())
    for argument, rule in spec.takes.items()
    for path, _ in records(rule, (argument,))
]
FOR_STAFF = sorted(n for n, spec in SPECS.items() if spec.needs not in ("public", "logged_in"))


def call_as_far_as_possible(studio: Studio, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The answer to whoever may call this."""
    if SPECS[name].needs == "trusted":
        with studio.uplink() as script:
            return script.answer(name, **given)
    with studio.person("olga") as olga:
        return olga.answer(name, **given)


def field_names(name: str, path: tuple[str, ...]) -> set[str]:
    rules = (records(rule, (argument,)) for argument, rule in SPECS[name].takes.items())
    return {
        field for found in rules for at, record in found if at == path for field in record.fields
    }


def test_the_walk_finds_what_there_is_to_attack() -> None:
    found = {name for name, _ in RECORDS}
    assert {"create_contact", "update_contact", "update_business_profile", "list_contacts"} <= found
    assert {"get_contact", "delete_contact", "add_note_to_contact"} <= set(FOR_STAFF)


@pytest.mark.parametrize(
    ("name", "path"),
    RECORDS,
    ids=lambda part: ".".join([part]) if isinstance(part, str) else ".".join(part),
)
def test_fields_that_the_product_keeps_are_refused(
    studio: Studio, name: str, path: tuple[str, ...]
) -> None:
    given = arguments(SPECS[name])
    extra = set(PROTECTED) - field_names(name, path)
    for field in extra:
        put(given, (*path, field), 1)
    with studio.person("olga"):
        before = everything_stored(studio)
    answer = call_as_far_as_possible(studio, name, given)
    assert answer["success"] is False
    assert answer["code"] == "invalid"
    assert {field.rpartition(".")[2] for field in answer["fields"]} >= extra
    after = everything_stored(studio)
    assert {t for t in before if before[t] != after[t]} <= {"users", "audit_log"}, (
        "only olga's log-in"
    )


@pytest.mark.parametrize("name", sorted(SPECS))
def test_arguments_that_nobody_declared_are_refused(studio: Studio, name: str) -> None:
    given = arguments(SPECS[name])
    for field in sorted(set(PROTECTED) - set(given)):
        with studio.person() if SPECS[name].needs == "public" else studio.uplink() as caller:
            answer = caller.answer(name, **given, **{field: 1})
        if SPECS[name].needs == "logged_in":
            assert answer["success"] is False
            return
        assert (answer["success"], answer["code"]) == (False, "invalid"), field


def change_nothing(studio: Studio, who: str, name: str) -> None:
    """Call it with the ids of things that exist; refused, and all stays as it is."""
    with studio.person(who) as person:
        before = everything_stored(studio)
        answer = person.answer(name, **arguments(SPECS[name]))
    assert answer["success"] is False
    assert answer["code"] == "permission_denied"
    assert set(answer) == {"success", "code", "error"}, "nothing is told of the thing itself"
    assert everything_stored(studio) == before


@pytest.mark.parametrize("name", FOR_STAFF)
def test_a_customer_reaches_nothing_of_the_staffs(studio: Studio, name: str) -> None:
    change_nothing(studio, "carl", name)


@pytest.mark.parametrize(
    "name",
    sorted(n for n, s in SPECS.items() if s.needs.endswith(".manage") or s.needs == "trusted"),
)
def test_staff_who_may_only_look_change_nothing(studio: Studio, name: str) -> None:
    change_nothing(studio, "sam", name)


def test_whatever_takes_an_id_is_for_staff_only() -> None:
    """A customer's own things are found by who is logged in, never by an id that was sent."""
    for name, spec in SPECS.items():
        takes_id = any(
            type(leaf).__name__ == "ContactId" or str(path[-1]).endswith("_id")
            for argument, rule in spec.takes.items()
            for path, leaf in leaves(rule, (argument,))
        )
        if takes_id:
            assert name in FOR_STAFF, f"{name} takes an id from anybody"


def test_nobody_changes_the_password_of_someone_else(studio: Studio) -> None:
    hashes = "SELECT email, password_hash FROM app.users ORDER BY email"
    before = studio.query(hashes)
    with studio.person("carl") as carl:
        for more in ({"email": "olga@yogastudio.example"}, {"user_id": 1}):
            answer = carl.answer("change_password", PASSWORD, "taken over by carl", **more)
            assert answer["code"] == "invalid"
        assert carl.answer("choose_password", "taken over by carl")["code"] == "link_expired"
    assert studio.query(hashes) == before


def own_row(person: Caller) -> tuple[list[Any], dict[str, Any]]:
    """The row of whoever is logged in as a browser gets it, and its capability."""
    row = person.socket.call("anvil.private.users.get_current_user")
    [held] = [o for o in person.socket.last["objects"] if "Capability" in o["type"]]
    return row, {"type": ["Capability"], "scope": held["scope"], "mac": held["mac"]}


def use_row(person: Caller, held: dict[str, Any], command: str, *args: Any) -> Any:
    target = {"command": f"anvil.private.tables.v2.{command}"}
    objects = [{**held, "path": ["args", 0]}]
    return person.socket.send_call(target, [None, *args], objects=objects)


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("row.update", [{"role": "owner"}]),
        ("row.batch_update", [{"role": "owner"}]),
        ("row.delete", []),
        ("row.batch_delete", []),
    ],
)
def test_a_customer_cannot_write_the_own_row(studio: Studio, command: str, args: list[Any]) -> None:
    people = "SELECT email, role FROM app.users ORDER BY email"
    before = studio.query(people)
    with studio.person("carl") as carl:
        _, held = own_row(carl)
        with pytest.raises(CallFailed):
            use_row(carl, held, command, *args)
    assert studio.query(people) == before


def test_an_altered_capability_opens_nothing(studio: Studio) -> None:
    with studio.person("carl") as carl:
        _, held = own_row(carl)
        altered = [
            {**held, "mac": "0" * len(held["mac"])},
            {**held, "mac": None},
            {**held, "scope": held["scope"][:-1]},
            *(
                {**held, "scope": [*held["scope"][:at], other, *held["scope"][at + 1 :]]}
                for at in range(len(held["scope"]))
                for other in ("1", 1, {"r": 1, "rw": True}, None)
            ),
        ]
        for capability in altered:
            with pytest.raises(CallFailed) as refusal:
                use_row(carl, capability, "row.fetch", None)
            assert refusal.value.type in (
                "anvil.server.InvalidObjectError",
                "anvil.server.SerializationError",
            ), capability


def test_a_capability_of_one_person_opens_nothing_for_another(studio: Studio) -> None:
    with studio.person("olga") as olga:
        _, held = own_row(olga)
    with studio.person("carl") as carl, pytest.raises(CallFailed) as refusal:
        use_row(carl, held, "row.fetch", None)
    assert refusal.value.type == "anvil.server.InvalidObjectError"


def test_a_browser_reaches_no_table_by_itself(studio: Studio) -> None:
    with studio.person("olga") as olga:
        tables = olga.socket.call("anvil.private.tables.v2.get_app_tables")
        assert "password" not in str(tables)
        assert not [o for o in olga.socket.last["objects"] if "Capability" in o["type"]]
        row, held = own_row(olga)
        seen = str(row) + str(use_row(olga, held, "row.fetch", None))
    assert "$2a$" not in seen and "password_hash" not in seen
