"""The code by which a customer recommends: easy to read out, and not to be guessed.

Eight of 31 letters and digits that are hard to mistake for one another: 8.5e11 codes, and a
visitor may try thirty in an hour.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from anvil.tables import app_tables

from ..server_customers.contact_fields import CONTACT_ID
from ..server_customers.contact_service import find_row
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from .lead_intake import origin

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def find_code(text: str) -> Any:
    """The row of a code, however it is typed (``7k3q x9mt``), or None."""
    plain = re.sub(r"[\s-]", "", text).upper()
    if not re.fullmatch(f"[{ALPHABET}]{{8}}", plain):
        return None
    return app_tables.referral_codes.get(code=f"{plain[:4]}-{plain[4:]}")


def link_of(code: str) -> str:
    """The address that someone passes on."""
    return f"{origin()}/r/{code}"


def find_or_make_code(contact: Any) -> Any:
    """The row of a contact's code, made (and audited) where there is none yet."""
    row = app_tables.referral_codes.get(contact=contact)
    if row is not None:
        audit.unchanged()
        return row
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(8))
    row = app_tables.referral_codes.add_row(
        code=f"{drawn[:4]}-{drawn[4:]}", contact=contact, visits=0, created_at=clock.now()
    )
    details = {"contact": contact["contact_id"]}
    audit.record("create", "referral_code", row["code"], details=details)
    return row


@server_callable(
    needs="marketing.manage", takes={"contact_id": CONTACT_ID}, audit="referral_code.create"
)
def create_referral_code(contact_id: str) -> dict[str, Any]:
    """The code of a contact, made where there is none yet: ``{"code", "link"}``."""
    row = find_or_make_code(find_row(contact_id))
    return {"code": row["code"], "link": link_of(row["code"])}
