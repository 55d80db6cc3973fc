"""The first set-up inside an instance that is being served: owner, settings, sample data.

Runs over the instance's own uplink, with callables of the template that serve trusted callers only.
Every step may be repeated; the marker in the folder goes when all are done.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping

from app_server.files import replace_file
from scripts.operations.inside import Call, checked
from scripts.operations.instances import InstanceFolder
from scripts.operations.owner_links import OwnerLink, ask_for_link

LogIn = dict[str, str]
# The kinds of business that the template knows (server_setup/verticals of the template).
VERTICALS = ("yoga-studio", "guesthouse", "consultant", "shop", "cleaning-service")

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
    """The log-ins made at set-up (``email``, ``role``, ``password``), the owner's first; none where
    the owner got a link, and once the file is deleted."""
    if not instance.log_ins_file.exists():
        return []
    found: list[LogIn] = json.loads(instance.log_ins_file.read_text())
    return found


def make_password() -> str:
    return secrets.token_urlsafe(12)


def set_up(
    instance: InstanceFolder,
    call: Call,
    *,
    title: str,
    owner_email: str,
    owner_name: tuple[str, str],
    vertical: str | None,
    sample_data: bool,
    with_log_ins: bool = False,
    business: Mapping[str, str] = BUSINESS,
    say: Callable[[str], None],
) -> OwnerLink | None:
    """Complete the first set-up, unless it is complete; the owner's link, or None.

    ``vertical`` is one of ``VERTICALS``: what the business begins with, and what kind of
    ``sample_data`` it gets (those of a yoga studio without one). ``business`` has the keys of
    ``BUSINESS``, and the template refuses what it does not know. ``with_log_ins``: everyone gets a
    password in place of the link. Those are made here, once, and kept in ``log-ins.json`` before
    anything is sent, so that a killed run leaves none unknown.
    """
    if not instance.unfinished_marker.exists():
        return None
    say("  Setting up the business ...")
    log_ins = read_log_ins(instance)
    if with_log_ins and not log_ins:
        log_ins = [{"role": "owner", "email": owner_email, "password": make_password()}]
        _keep(instance, log_ins)
    password = log_ins[0]["password"] if log_ins else None
    answer = call(
        "set_up_instance",
        business={"business_name": title, **business},
        owner={
            "email": owner_email,
            "password": password,
            "first_name": owner_name[0],
            "last_name": owner_name[1],
        },
        features={} if vertical else FEATURES,
        vertical=vertical,
    )
    checked(answer, "The set-up of the business")
    if sample_data:
        say("  Filling in sample data ...")
        domain = owner_email.partition("@")[2]
        kind = {"vertical": vertical} if vertical else {}
        answer = call("fill_sample_data", password=password, domain=domain, **kind)
        users = checked(answer, "Filling in sample data")["users"]
        if password:
            others = (user for user in users if user["email"] != owner_email)
            log_ins += [
                {"role": user["role"], "email": user["email"], "password": password}
                for user in others
            ]
            _keep(instance, log_ins)
    link = None if log_ins else ask_for_link(instance, call)
    instance.unfinished_marker.unlink()
    instance.log("set up", vertical=vertical, sample_data=sample_data)
    return link


def _keep(instance: InstanceFolder, log_ins: list[LogIn]) -> None:
    replace_file(instance.log_ins_file, json.dumps(log_ins, indent=1) + "\n")
