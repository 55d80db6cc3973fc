"""A customer erases their own account (GDPR article 17): what would happen, and doing it."""

from __future__ import annotations

from typing import Any

import anvil.server
import anvil.users

from ..server_auth import login_marks, passwords
from ..server_auth.rbac import CUSTOMER, Actor
from ..server_customers.account_contact import customer_account
from ..server_shared import audit, clock
from ..server_shared.callables import LOGGED_IN, server_callable
from ..server_shared.table_walk import read_schema
from ..server_shared.transactions import in_transaction
from .erasure_rules import ERASED, Erasing, has_money, step_of
from .erasure_service import erase_person
from .person_rows import collect, find_person

# Who did it, in a log that must not name them any more.
_NOBODY = Actor("user", role=CUSTOMER, email=ERASED)


@server_callable(needs=LOGGED_IN)
def preview_my_erasure() -> dict[str, Any]:
    """What erasing the own account would do: ``goes`` and ``stays``, each ``{table: rows}``, and
    ``kept_for_tax``: whether something stays because money was involved. What stays names nobody.

    Raises :class:`TooManyRowsError`.
    """
    schema = read_schema()
    person = find_person(schema, account=customer_account())
    rows = collect(person, schema)
    with_money = has_money(person, rows)
    erasing = Erasing(person, clock.now())
    goes: dict[str, int] = {}
    stays: dict[str, int] = {}
    for table, found in rows.items():
        step = step_of(table, with_money)
        for row in found.values():
            side = goes if step(row, erasing) is None else stays
            side[table] = side.get(table, 0) + 1
    return {"goes": goes, "stays": stays, "kept_for_tax": with_money}


@server_callable(
    needs=LOGGED_IN,
    takes={"password": passwords.GivenPassword("Your password")},
    audit="user.erase",
    atomic=False,
)
def erase_my_account(password: str) -> dict[str, Any]:
    """Erase whoever is logged in for good, and log them out everywhere: ``{"kept_for_tax"}``.

    Raises :class:`InvalidError` at ``password``, :class:`DeniedError` (``locked``) after too many
    wrong ones, and what :func:`erase_contact` raises; then nothing has changed.
    """
    account = customer_account()
    passwords.confirm(account, password)
    here = anvil.server.get_session_id()
    tabs = [tab for tab in login_marks.list_tabs(account) if tab != here]
    kept_for_tax = _erase_own()
    anvil.users.logout(invalidate_client_objects=True)
    login_marks.tell_tabs(tabs)
    return {"kept_for_tax": kept_for_tax}


@in_transaction
def _erase_own() -> bool:
    schema = read_schema()
    person = find_person(schema, account=customer_account())
    contact_ids = person.contact_ids
    result = erase_person(person, schema)
    now = clock.now()
    for contact_id in contact_ids:
        audit.record("erase", "contact", contact_id, {"erased_at": [None, now]}, by=_NOBODY)
    audit.record("erase", "user", ERASED, details=result, by=_NOBODY)
    return bool(result["kept_for_tax"])
