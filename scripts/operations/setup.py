"""The first set-up inside an instance that is being served: owner, settings, sample data.

Runs over the instance's own uplink, with callables of the template that serve trusted callers only.
Every step may be repeated; the marker in the folder goes when all are done.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder, write_private

LogIn = dict[str, str]
Call = Callable[..., Any]

BUSINESS = {
    "time_zone": "Africa/Johannesburg",
    "currency": "ZAR",
    "locale": "en-ZA",
    "country": "ZA",
}
# What a small studio uses; an owner switches the others on in the settings.
FEATURES = {
    name: name in {"bookings", "services", "memberships", "marketing", "ecommerce", "blog"}
    for name in (
        "bookings",
        "services",
        "hospitality",
        "ecommerce",
        "memberships",
        "marketing",
        "blog",
        "reviews",
        "referrals",
        "loyalty",
        "conversations",
        "service_areas",
    )
}


def read_log_ins(instance: InstanceFolder) -> list[LogIn]:
    """The log-ins made at set-up (``email``, ``role``, ``password``); empty once deleted."""
    if not instance.log_ins_file.exists():
        return []
    found: list[LogIn] = json.loads(instance.log_ins_file.read_text())
    return found


def make_password() -> str:
    return secrets.token_urlsafe(12)


@contextmanager
def uplink(instance: InstanceFolder, port: int) -> Iterator[Call]:
    """A way to call the instance's functions as its operator, for as long as the block lasts."""
    import anvil.server

    # Not by name: only browsers resolve *.localhost. The key tells the server which instance.
    key = str(instance.read_config()["uplink-key"])
    anvil.server.connect(key, url=f"ws://127.0.0.1:{port}/_/uplink", quiet=True)
    try:
        yield anvil.server.call
    finally:
        anvil.server.disconnect()


def checked(answer: dict[str, Any], what: str) -> dict[str, Any]:
    if not answer.get("success"):
        raise OperationError(f"{what} failed: {answer.get('error')} ({answer.get('code')})")
    return answer


def set_up(
    instance: InstanceFolder,
    port: int,
    *,
    title: str,
    owner_email: str,
    owner_name: tuple[str, str],
    sample_data: bool,
    business: Mapping[str, str] = BUSINESS,
    say: Callable[[str], None],
) -> None:
    """Complete the first set-up, unless it is complete. ``business`` has the keys of ``BUSINESS``;
    the template refuses what it does not know. Passwords are made here, once, and kept in
    ``log-ins.json`` before anything is sent, so that a killed run leaves none unknown."""
    if not instance.unfinished_marker.exists():
        return
    say("  Setting up the business ...")
    log_ins = read_log_ins(instance)
    if not log_ins:
        log_ins = [{"role": "owner", "email": owner_email, "password": make_password()}]
        write_private(instance.log_ins_file, json.dumps(log_ins, indent=1) + "\n")
    owner = log_ins[0]
    with uplink(instance, port) as call:
        answer = call(
            "set_up_instance",
            business={"business_name": title, **business},
            owner={
                "email": owner["email"],
                "password": owner["password"],
                "first_name": owner_name[0],
                "last_name": owner_name[1],
            },
            features=FEATURES,
        )
        checked(answer, "The set-up of the business")
        if sample_data:
            say("  Filling in sample data ...")
            domain = owner["email"].partition("@")[2]
            answer = call("fill_sample_data", password=owner["password"], domain=domain)
            users = checked(answer, "Filling in sample data")["users"]
            log_ins = [
                owner,
                *(
                    {"role": user["role"], "email": user["email"], "password": owner["password"]}
                    for user in users
                    if user["email"] != owner["email"]
                ),
            ]
            write_private(instance.log_ins_file, json.dumps(log_ins, indent=1) + "\n")
    instance.unfinished_marker.unlink()
    instance.log("set up", sample_data=sample_data)
