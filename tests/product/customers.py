"""Customers with an account of their own: how tests make them and look at what is theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from master_template.server_settings.legal_standard import STANDARD_VERSION
from tests.product.studio import PASSWORD, Caller, Studio

# What someone agrees to who signs up before an owner has published texts of their own.
AGREED = {"terms": STANDARD_VERSION, "privacy_policy": STANDARD_VERSION}
# The live contacts that have an address.
CONTACTS = "SELECT contact_id FROM app.contacts WHERE email = %s AND deleted_at IS NULL"

_numbers = count(1)


def make_customer(studio: Studio, name: str) -> str:
    """The address of a new customer's account, which is confirmed."""
    address = f"{name}{next(_numbers)}@link.example"
    with studio.uplink() as script:
        script.call(
            "add_staff_user",
            email=address,
            password=PASSWORD,
            first_name=name.title(),
            last_name="Moyo",
            role="customer",
        )
    return address


@contextmanager
def customer(studio: Studio, address: str) -> Iterator[Caller]:
    """This customer at a browser of their own, logged in."""
    with studio.person() as caller:
        caller.call("log_in", address, PASSWORD)
        yield caller


def make_contact(caller: Caller, **changes: Any) -> str:
    given = {"first_name": "Ana", "last_name": "Silva", **changes}
    contact_id = caller.call("create_contact", given)["contact"]["contact_id"]
    assert isinstance(contact_id, str)
    return contact_id


def export(caller: Caller) -> dict[str, Any]:
    """Everything that someone is given about themselves."""
    caller.call("export_my_data")
    [media] = caller.socket.media.values()
    found: dict[str, Any] = json.loads(bytes(media))
    return found
