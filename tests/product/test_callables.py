"""The guard around every callable: what it lets through, and the envelope that comes back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from master_template.server_auth.rbac import Actor, current_actor
from master_template.server_shared import callables
from master_template.server_shared.audit import Reads
from master_template.server_shared.errors import AppError, ConflictError, NotFoundError
from master_template.server_shared.validators import Email, Int, Record, Text

Guarded = Callable[..., dict[str, Any]]
registered: dict[str, Guarded] = {}


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Anvil's decorator only remembers; the caller is mia; nothing stays declared."""
    monkeypatch.setattr(callables, "declared", {})
    registered.clear()

    def remember(name: str) -> Callable[[Guarded], Guarded]:
        return lambda function: registered.setdefault(name, function)

    monkeypatch.setattr(callables.anvil.server, "callable", remember)
    monkeypatch.setattr(callables.metrics, "count", lambda name, code, seconds: None)
    mia = Actor("user", role="manager", permissions=frozenset({"customers.view"}))
    monkeypatch.setattr(callables, "read_actor", lambda: mia)
    yield


def test_the_function_itself_stays_plain_and_the_wire_gets_an_envelope() -> None:
    @callables.server_callable(needs="customers.view", takes={"count": Int("Count", minimum=1)})
    def double(count: int) -> dict[str, Any]:
        return {"twice": count * 2}

    assert double(0) == {"twice": 0}  # a direct call is not checked
    assert registered["double"](21) == {"success": True, "twice": 42}
    assert registered["double"](count=21.0) == {"success": True, "twice": 42}


def test_the_function_runs_on_the_callers_behalf() -> None:
    @callables.server_callable(needs="customers.view")
    def who_am_i() -> dict[str, Any]:
        return {"role": current_actor().role}

    assert registered["who_am_i"]() == {"success": True, "role": "manager"}


def test_arguments_are_checked_and_faults_named_by_field() -> None:
    @callables.server_callable(
        needs="public",
        takes={
            "person": Record("Person", {"email": Email("E-mail", required=True)}, required=True),
            "note": Text("The note", required=True),
        },
    )
    def save(person: dict[str, Any], note: str) -> None:
        raise AssertionError("must not run")

    answer = registered["save"]({"email": "x"}, "")
    assert answer["code"] == "invalid"
    assert set(answer["fields"]) == {"email", "note"}
    for wrong in ((), ({}, "n", 3)):
        assert registered["save"](*wrong)["code"] == "invalid"
    assert registered["save"](nonsense=1)["code"] == "invalid"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NotFoundError("No such thing."), {"code": "not_found", "error": "No such thing."}),
        (
            ConflictError("Taken.", code="taken", field="email"),
            {"code": "taken", "error": "Taken.", "field": "email", "fields": {"email": "Taken."}},
        ),
        (AppError("Not now."), {"code": "failed", "error": "Not now."}),
    ],
)
def test_our_errors_become_answers(error: AppError, expected: dict[str, Any]) -> None:
    @callables.server_callable(needs="public")
    def fail() -> None:
        raise error

    assert registered["fail"]() == {"success": False, **expected}


def test_an_unexpected_error_tells_the_caller_nothing_but_a_reference(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @callables.server_callable(needs="public")
    def break_down() -> None:
        raise RuntimeError("password is hunter2")

    with caplog.at_level(logging.ERROR):
        answer = registered["break_down"]()
    assert answer["code"] == "internal"
    assert "hunter2" not in str(answer)
    assert answer["reference"] in caplog.text


def test_refuses_whoever_lacks_the_permission_before_looking_at_arguments() -> None:
    @callables.server_callable(needs="settings.manage", takes={"count": Int("Count")})
    def change(count: int) -> None:
        raise AssertionError("must not run")

    answer = registered["change"]("not a number")
    assert (answer["code"], "settings.manage" in answer["error"]) == ("permission_denied", True)


def test_an_audit_must_be_declared_as_it_can_be_kept() -> None:
    for wrong in ("contact", "contact.", "Contact.update", (), ("contact.update", "nonsense")):
        with pytest.raises(ValueError, match="audit action"):
            callables.server_callable(needs="public", audit=wrong)
    for read in (Reads("contact.export", of="contact_id"), Reads("contact.export", noting=["x"])):
        with pytest.raises(ValueError, match="has no argument"):

            @callables.server_callable(needs="public", audit=read)
            def export() -> None: ...


def test_an_answer_may_have_a_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[str, str]] = []

    def count(name: str, code: str, seconds: float) -> None:
        counted.append((name, code))

    monkeypatch.setattr(callables.metrics, "count", count)

    @callables.server_callable(needs="public")
    def make_voucher() -> dict[str, Any]:
        return {"code": "SUMMER"}

    @callables.server_callable(needs="settings.manage")
    def refused() -> None: ...

    assert registered["make_voucher"]()["code"] == "SUMMER"
    registered["refused"]()
    assert counted == [("make_voucher", ""), ("refused", "permission_denied")]


def test_a_declaration_must_be_complete() -> None:
    with pytest.raises(ValueError, match="no permission called"):
        callables.server_callable(needs="customers.wiew")
    with pytest.raises(ValueError, match="has rules for"):

        @callables.server_callable(needs="public", takes={})
        def forgotten(count: int) -> None: ...


def test_too_many_attempts_are_told_and_may_be_repeated() -> None:
    @callables.server_callable(needs="public")
    def try_again() -> None:
        raise callables.anvil.server.QuotaExceededError("Too many attempts. Please wait a minute.")

    answer = registered["try_again"]()
    assert (answer["success"], answer["code"]) == (False, "busy")
    assert answer["error"] == "Too many attempts. Please wait a minute."
