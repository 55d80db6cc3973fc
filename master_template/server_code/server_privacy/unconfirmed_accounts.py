"""Accounts whose address nobody ever confirmed: erased after a while, since they may bear the
address of someone who never asked for one.

Only the account goes, and what it left. A contact with the same address is somebody the business
knows by other ways, and stays as it is.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import CUSTOMER
from ..server_shared import audit, clock, schedule
from ..server_shared.table_walk import Schema, read_schema
from ..server_shared.transactions import in_transaction
from .erasure_rules import ERASED
from .erasure_service import erase_person
from .person_rows import Person

# The link in the message holds for 7 days; a reset mailed later confirms an address too.
KEPT_DAYS = 30
BATCH = 100

log = logging.getLogger("mybizz.unconfirmed_accounts")


@schedule.job(
    "unconfirmed_accounts",
    "Accounts nobody confirmed",
    schedule.Daily(4, 15),
    f"Erases customers' accounts whose address nobody confirmed within {KEPT_DAYS} days",
)
def erase_unconfirmed_accounts(run: schedule.Run) -> dict[str, int]:
    """Erase customers' accounts that were made KEPT_DAYS ago and never confirmed:
    ``{"erased": how many}``.

    Each goes in a transaction of its own, so it may be killed anywhere and run twice.
    """
    before = clock.now() - timedelta(days=KEPT_DAYS)
    schema = read_schema()
    erased = 0
    while True:
        batch = _find_batch(before)
        done = sum(_erase(account.get_id(), before, schema) for account in batch)
        erased += done
        if len(batch) < BATCH or not done:
            break
        run.report(erased=erased)
    log.info("erased %d accounts that nobody confirmed", erased)
    return {"erased": erased}


def _find_batch(before: datetime) -> list[Any]:
    found = app_tables.users.search(
        tables.order_by("signed_up"), q.page_size(BATCH), **_unconfirmed(before)
    )
    return list(islice(found, BATCH))


def _unconfirmed(before: datetime) -> dict[str, Any]:
    return {
        "role": CUSTOMER,
        "confirmed_email": q.any_of(None, False),
        "last_login": None,
        "signed_up": q.less_than(before),
    }


@in_transaction
def _erase(account_id: str, before: datetime, schema: Schema) -> bool:
    """Erase one, unless it was confirmed or went meanwhile; whether it did."""
    account = app_tables.users.get_by_id(account_id)
    is_due = (
        account is not None
        and account["role"] == CUSTOMER
        and account["confirmed_email"] is not True
        and account["last_login"] is None
        and account["signed_up"] < before
    )
    if not is_due:
        return False
    # Without its addresses: what others keep under them is not this account's.
    for entry in app_tables.audit_log.search(resource_type="user", resource_id=account["email"]):
        said = {name: dict.fromkeys(entry[name] or {}, ERASED) for name in ("changes", "details")}
        entry.update(resource_id=ERASED, **said)
    erase_person(Person((), (account,), ()), schema)
    audit.record("erase", "user", ERASED, details={"reason": "never confirmed"})
    return True
