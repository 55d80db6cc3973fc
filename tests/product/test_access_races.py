"""Roles, invitations and ownership when everything happens at once.

The copy of the template waits between looking and writing, so that every window is held open. The
controls show that without the guards the same races do harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from master_template.server_auth.rbac import ROLE_LIMITS
from tests.product.mailbox import deliver_mail
from tests.product.studio import DOMAIN, PASSWORD, Caller, Studio, copy_template, open_studio

AUTH = "server_code/server_auth/"
SLEEP = "    import time; time.sleep(0.2)\n"
# Two at a time meet in the window, however busy the machine is; an odd one goes on after a while.
MEET = """    import os, time, uuid
    open(os.path.join({folder!r}, uuid.uuid4().hex), "w").close()
    arrived, until = len(os.listdir({folder!r})), time.monotonic() + 3
    while arrived % 2 and len(os.listdir({folder!r})) == arrived and time.monotonic() < until:
        time.sleep(0.005)
"""


def open_windows(hold: str) -> dict[str, list[tuple[str, str]]]:
    """Edits of the template's files that put ``hold`` between looking and writing."""
    taken, now = "    taken = taken_seats(role)\n", "    now = clock.now()\n"
    before = '    before = new["role"]\n'
    return {
        AUTH + "seats.py": [(taken, taken + hold)],
        AUTH + "invitations.py": [(now + "    columns: dict", now + hold + "    columns: dict")],
        # Held open so that each caller gets a worker of their own, and all have started (see
        # at_once).
        "server_code/server_settings/settings_service.py": [
            (
                "    business = read_business()\n    actor",
                "    import time; time.sleep(0.6)\n    business = read_business()\n    actor",
            )
        ],
        AUTH + "ownership.py": [(before, before + hold)],
    }


TRANSACTIONS = "server_code/server_shared/transactions.py"
NO_TRANSACTION = ("anvil.tables.in_transaction(alone)", "alone")
PEOPLE = 5
PERSON = {"first_name": "Nia", "last_name": "Achieng", "password": "a fine new password"}

GUARDS = pytest.mark.parametrize(
    ("transaction", "constraints"),
    [(True, True), (True, False), (False, True)],
    ids=["both guards", "the transaction alone", "the constraint alone"],
)


@contextmanager
def studio_with(
    folder: Path, database_url: str, *, transaction: bool, constraints: bool
) -> Iterator[Studio]:
    """The product with its race windows held open, and with or without each of its guards."""
    hold = SLEEP
    if not transaction and not constraints:
        meeting = folder / "meeting"
        meeting.mkdir()
        hold = MEET.format(folder=str(meeting))
    changes = open_windows(hold)
    if not transaction:
        changes[TRANSACTIONS] = [NO_TRANSACTION]
    template = copy_template(folder, changes)
    if not constraints:
        (template / "constraints.yaml").unlink()
    with open_studio(folder / "instance", database_url, template=template) as studio:
        yield studio


def at_once(
    studio: Studio, calls: list[tuple[str | None, Callable[[Caller], Any]]]
) -> Counter[str]:
    """Each call by someone at a browser of their own, all at the same time; how often which code
    came, or ``done``."""
    with ExitStack() as stack:
        callers = [stack.enter_context(studio.person(who)) for who, _ in calls]

        def work(index: int) -> str:
            answer = calls[index][1](callers[index])
            return "done" if answer["success"] else str(answer["code"])

        with ThreadPoolExecutor(len(calls)) as pool:
            for _ in range(2):
                list(pool.map(lambda caller: caller.call("get_config"), callers))
            return Counter(pool.map(work, range(len(calls))))


def add_person(studio: Studio, name: str, role: str) -> None:
    with studio.uplink() as script:
        person = {"first_name": name.title(), "last_name": "Tester", "password": PASSWORD}
        script.call("add_staff_user", email=f"{name}@{DOMAIN}", role=role, **person)


def invite_managers(studio: Studio) -> list[str]:
    """Two invitations for what is then one free place; their tokens."""
    with studio.person("olga") as olga:
        for name in ("a", "b"):
            olga.call("invite_user", f"{name}@example.com", "manager")
    add_person(studio, "max", "manager")
    deliver_mail(studio)
    return [studio.link_in_mail(f"{n}@example.com").rsplit("/", 1)[1] for n in ("a", "b")]


def accept(token: str) -> tuple[None, Callable[[Caller], Any]]:
    return None, lambda caller: caller.answer("accept_invitation", token, **PERSON)


def managers(studio: Studio) -> int:
    [(count,)] = studio.query("SELECT count(*) FROM app.users WHERE role = 'manager'")
    return int(count)


@GUARDS
def test_the_last_place_of_a_role_is_given_once(
    tmp_path: Path, database_url: str, transaction: bool, constraints: bool
) -> None:
    with studio_with(
        tmp_path, database_url, transaction=transaction, constraints=constraints
    ) as studio:
        outcomes = at_once(studio, [accept(token) for token in invite_managers(studio)])
        assert managers(studio) == ROLE_LIMITS["manager"]
        assert outcomes == {"done": 1, "role_full": 1}
        [(still_open,)] = studio.query(
            "SELECT count(*) FROM app.invitations WHERE accepted_at IS NULL"
        )
        assert still_open == 1, "who came too late can come again when a place is free"


def test_control_without_guards_a_role_has_too_many(tmp_path: Path, database_url: str) -> None:
    with studio_with(tmp_path, database_url, transaction=False, constraints=False) as studio:
        at_once(studio, [accept(token) for token in invite_managers(studio)])
        assert managers(studio) > ROLE_LIMITS["manager"]


@GUARDS
def test_one_token_accepted_many_times_at_once_makes_one_account(
    tmp_path: Path, database_url: str, transaction: bool, constraints: bool
) -> None:
    with studio_with(
        tmp_path, database_url, transaction=transaction, constraints=constraints
    ) as studio:
        with studio.person("olga") as olga:
            olga.call("invite_user", "nia@example.com", "staff")
        deliver_mail(studio)
        token = studio.link_in_mail("nia@example.com").rsplit("/", 1)[1]
        outcomes = at_once(studio, [accept(token)] * PEOPLE)
        assert outcomes["done"] == 1, outcomes
        made = studio.query("SELECT count(*) FROM app.users WHERE email = 'nia@example.com'")
        assert made == [(1,)]
        entries = studio.query(
            "SELECT count(*) FROM app.audit_log WHERE action = 'accept'"
            " AND resource_type = 'invitation'"
        )
        assert entries == [(1,)] or not transaction


def test_control_without_guards_one_token_makes_several_accounts(
    tmp_path: Path, database_url: str
) -> None:
    with studio_with(tmp_path, database_url, transaction=False, constraints=False) as studio:
        with studio.person("olga") as olga:
            olga.call("invite_user", "nia@example.com", "staff")
        deliver_mail(studio)
        token = studio.link_in_mail("nia@example.com").rsplit("/", 1)[1]
        outcomes = at_once(studio, [accept(token)] * PEOPLE)
        [(made,)] = studio.query("SELECT count(*) FROM app.users WHERE email = 'nia@example.com'")
        assert made > 1, outcomes


def ids(studio: Studio) -> dict[str, str]:
    with studio.person("olga") as olga:
        found = olga.call("list_users", page_size=100)["users"]
    return {user["email"].split("@")[0]: user["user_id"] for user in found}


def owners(studio: Studio) -> list[str]:
    found = studio.query("SELECT email FROM app.users WHERE role = 'owner' ORDER BY email")
    return [email.split("@")[0] for (email,) in found]


@pytest.mark.parametrize("constraints", [True, False])
def test_a_business_handed_to_several_at_once_has_one_owner(
    tmp_path: Path, database_url: str, constraints: bool
) -> None:
    with studio_with(tmp_path, database_url, transaction=True, constraints=constraints) as studio:
        known = ids(studio)

        def give(name: str) -> tuple[str, Callable[[Caller], Any]]:
            return "olga", lambda olga: olga.answer("transfer_ownership", known[name], PASSWORD)

        outcomes = at_once(studio, [give("mia"), give("sam"), give("mia"), give("sam")])
        assert outcomes["done"] == 1, outcomes
        assert owners(studio) in (["mia"], ["sam"])
        assert "olga" not in owners(studio)


def test_who_is_suspended_while_becoming_owner_is_one_or_the_other(
    tmp_path: Path, database_url: str
) -> None:
    """Never a business whose owner is locked out."""
    with studio_with(tmp_path, database_url, transaction=True, constraints=True) as studio:
        add_person(studio, "max", "manager")
        known = ids(studio)
        outcomes = at_once(
            studio,
            [
                ("olga", lambda olga: olga.answer("transfer_ownership", known["sam"], PASSWORD)),
                ("max", lambda max_: max_.answer("suspend_user", known["sam"])),
                ("mia", lambda mia: mia.answer("remove_user", known["sam"])),
            ],
        )
        assert outcomes["done"] >= 1
        found = studio.query("SELECT status, enabled FROM app.users WHERE role = 'owner'")
        assert found == [("active", True)]


def test_who_is_demoted_meanwhile_promotes_nobody(tmp_path: Path, database_url: str) -> None:
    """Olga takes mia's role while mia makes sam an admin: in one order or the other."""
    with studio_with(tmp_path, database_url, transaction=True, constraints=True) as studio:
        known = ids(studio)
        outcomes = at_once(
            studio,
            [
                (
                    "olga",
                    lambda olga: olga.answer("change_user_access", known["mia"], "staff", {}, 0),
                ),
                ("mia", lambda mia: mia.answer("change_user_access", known["sam"], "admin", {}, 0)),
            ],
        )
        roles = dict(studio.query("SELECT split_part(email, '@', 1), role FROM app.users"))
        assert roles["mia"] == "staff"
        order = studio.query(
            "SELECT split_part(resource_id, '@', 1) FROM app.audit_log"
            " WHERE action = 'change_access' ORDER BY logged_at"
        )
        if roles["sam"] == "admin":
            assert outcomes == {"done": 2} and len(order) == 2
        else:
            assert outcomes == {"done": 1, "permission_denied": 1}
