"""The people who work here: who may change whose access, and what a suspension ends."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app_server.sessions import COOKIE_NAME
from master_template.server_auth import rbac
from master_template.server_shared.errors import DeniedError, NotAuthenticatedError
from tests.product.mailbox import deliver_mail, read_mails
from tests.product.studio import DOMAIN, PASSWORD, Caller, Refused, Studio
from tests.product.walking import everything_stored

ADMIN_PERSON = f"ada@{DOMAIN}"


@pytest.fixture(scope="module", autouse=True)
def ada(empty_studio: Studio) -> None:
    """An admin beside the cast."""
    with empty_studio.uplink() as script:
        script.call(
            "add_staff_user",
            email=ADMIN_PERSON,
            password=PASSWORD,
            first_name="Ada",
            last_name="Tester",
            role="admin",
        )


def people(caller: Caller) -> dict[str, dict[str, Any]]:
    """Everyone who works here, by the first part of their address."""
    found = caller.call("list_users", page_size=100)["users"]
    return {user["email"].split("@")[0]: user for user in found}


def change(caller: Caller, user: dict[str, Any], role: str, **permissions: bool) -> dict[str, Any]:
    own = {name.replace("__", "."): allowed for name, allowed in permissions.items()}
    answer = caller.call("change_user_access", user["user_id"], role, own, user["version"])
    found: dict[str, Any] = answer["user"]
    return found


def test_the_list_says_who_is_there_and_what_may_be_done(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        answer = mia.call("list_users", page_size=2)
        assert answer["total"] == 4 and len(answer["users"]) == 2
        rest = mia.call("list_users", page_size=2, offset=2)["users"]
        assert {u["email"] for u in answer["users"] + rest} == {
            f"{name}@{DOMAIN}" for name in ("olga", "mia", "ada", "sam")
        }
        found = people(mia)
        assert {name: user["may_change"] for name, user in found.items()} == {
            "olga": False,
            "mia": False,
            "ada": True,
            "sam": True,
        }
        assert found["mia"]["is_you"] and not found["sam"]["is_you"]
        assert answer["roles_to_give"] == ["admin", "staff"]
        assert {seat["role"]: (seat["taken"], seat["limit"]) for seat in answer["seats"]} == {
            "owner": (1, 1),
            "manager": (1, 3),
            "admin": (1, 10),
            "staff": (1, 20),
        }
        assert [u["email"] for u in mia.call("list_users", search="tester ADA")["users"]] == [
            ADMIN_PERSON
        ]
        assert mia.call("list_users", search="%")["users"] == []
        assert [u["role"] for u in mia.call("list_users", role="owner")["users"]] == ["owner"]


def test_a_change_takes_effect_at_the_next_call_and_is_audited(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam, pytest.raises(Refused, match=r"customers\.manage"):
        sam.call("create_contact", {"first_name": "A", "last_name": "B"})
    with empty_studio.person("olga") as olga:
        sam_now = change(olga, people(olga)["sam"], "staff", customers__manage=True)
        assert "customers.manage" in sam_now["permissions"]
    with empty_studio.person("sam") as sam:
        assert sam.call("create_contact", {"first_name": "A", "last_name": "B"})
    with empty_studio.person("olga") as olga:
        change(olga, sam_now, "staff")
    with empty_studio.person("sam") as sam, pytest.raises(Refused, match=r"customers\.manage"):
        sam.call("create_contact", {"first_name": "A", "last_name": "B"})
    [(changes, who)] = empty_studio.query(
        "SELECT changes, user_email FROM app.audit_log WHERE action = 'change_access'"
        " AND resource_id = %s ORDER BY logged_at LIMIT 1",
        f"sam@{DOMAIN}",
    )
    assert changes == {"permissions": [{}, {"customers.manage": True}]}
    assert who == f"olga@{DOMAIN}"


def test_two_who_change_the_same_person_do_not_overwrite_each_other(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        seen = people(olga)["sam"]
        change(olga, seen, "staff", content__view=True)
        with pytest.raises(Refused, match="edited_meanwhile"):
            change(olga, seen, "admin")
        change(olga, people(olga)["sam"], "staff")


REFUSED_CHANGES = [
    ("mia", "mia", "admin", {}, "own_access"),
    ("mia", "olga", "staff", {}, "not_below"),
    ("ada", "mia", "staff", {}, "not_below"),
    ("ada", "sam", "admin", {}, "invalid"),
    ("ada", "sam", "manager", {}, "invalid"),
    ("mia", "sam", "manager", {}, "invalid"),
    ("mia", "sam", "staff", {"settings.manage": True}, "invalid"),
    ("ada", "sam", "staff", {"finance.manage": True}, "invalid"),
    ("olga", "olga", "staff", {}, "own_access"),
    ("olga", "sam", "owner", {}, "invalid"),
    ("olga", "sam", "customer", {}, "invalid"),
    ("olga", "sam", "staff", {"everything": True}, "invalid"),
    ("sam", "ada", "staff", {}, "permission_denied"),
    ("carl", "carl", "staff", {}, "permission_denied"),
]


@pytest.mark.parametrize(("who", "whom", "role", "permissions", "code"), REFUSED_CHANGES)
def test_nobody_goes_up_or_reaches_above_themselves(
    empty_studio: Studio,
    who: str,
    whom: str,
    role: str,
    permissions: dict[str, bool],
    code: str,
) -> None:
    with empty_studio.person("olga") as olga:
        target = people(olga).get(whom) or people(olga)["sam"]
    with empty_studio.person(who) as caller:
        before = everything_stored(empty_studio)
        answer = caller.answer(
            "change_user_access", target["user_id"], role, permissions, target["version"]
        )
        assert (answer["success"], answer.get("code")) == (False, code), answer
        assert everything_stored(empty_studio) == before


@pytest.mark.parametrize("call", ["suspend_user", "remove_user", "reactivate_user"])
@pytest.mark.parametrize(("who", "whom"), [("mia", "olga"), ("ada", "mia"), ("mia", "mia")])
def test_nobody_switches_off_someone_above_or_themselves(
    empty_studio: Studio, call: str, who: str, whom: str
) -> None:
    with empty_studio.person(who) as caller:
        user_id = people(caller)[whom]["user_id"]
        before = everything_stored(empty_studio)
        assert caller.answer(call, user_id)["code"] in ("not_below", "own_access")
        assert everything_stored(empty_studio) == before


@pytest.mark.parametrize("user_id", ["[1,999999]", "[999,1]", "[0,0]"])
def test_an_id_of_nobody_is_not_found(empty_studio: Studio, user_id: str) -> None:
    with empty_studio.person("olga") as olga:
        assert olga.answer("suspend_user", user_id)["code"] == "not_found"
        assert olga.answer("suspend_user", "olga")["code"] == "invalid"


def test_a_customer_is_no_colleague(empty_studio: Studio) -> None:
    """Their row's id gives nobody a hold on them here."""
    with empty_studio.person("olga") as olga:
        known = people(olga)["sam"]["user_id"]
        [(carl,)] = empty_studio.query("SELECT _id FROM app.users WHERE role = 'customer'")
        table = known.strip("[]").split(",")[0]
        for call in ("suspend_user", "remove_user"):
            assert olga.answer(call, f"[{table},{carl}]")["code"] == "not_found"


def test_permissions_that_a_role_has_anyway_are_not_stored(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        usual = dict.fromkeys(rbac.ROLE_PERMISSIONS["staff"], True)
        user = people(olga)["sam"]
        answer = olga.call("change_user_access", user["user_id"], "staff", usual, user["version"])
        assert answer["user"]["version"] == user["version"], "nothing has changed"
    assert empty_studio.query("SELECT permissions FROM app.users WHERE role = 'staff'") == [({},)]


def test_a_suspension_ends_every_log_in_for_good(empty_studio: Studio) -> None:
    """The open socket, the cookie and the remembered log-in; also after the account is back."""
    server = empty_studio.server
    server.client.cookies.clear()
    with server.browser() as browser:
        sam = Caller(browser)
        sam.call("log_in", f"sam@{DOMAIN}", PASSWORD, remember=True)
        cookies = dict(server.client.cookies)
        assert sam.call("list_contacts")["success"]
        with empty_studio.person("olga") as olga:
            user = people(olga)["sam"]
            assert olga.call("suspend_user", user["user_id"])["user"]["status"] == "suspended"
            assert sam.answer("list_contacts")["code"] == "not_authenticated"
            assert any("event" in message for message in sam.socket.updates), "the tab was told"
            assert olga.call("reactivate_user", user["user_id"])["user"]["status"] == "active"
        assert sam.answer("list_contacts")["code"] == "not_authenticated"
    assert COOKIE_NAME in cookies
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    page = httpx.get(empty_studio.url + "/app/contacts", headers={"Cookie": header})
    assert "auth.LoginForm" in page.text
    remembered = "; ".join(f"{n}={v}" for n, v in cookies.items() if n != COOKIE_NAME)
    page = httpx.get(empty_studio.url + "/app/contacts", headers={"Cookie": remembered})
    assert "auth.LoginForm" in page.text
    with empty_studio.person("sam") as again:
        assert again.call("list_contacts")["success"]


def test_a_remembered_log_in_of_today_still_opens_after_a_suspension_long_ago(
    empty_studio: Studio,
) -> None:
    """The counterpart of the test above: what is remembered after it is good."""
    with empty_studio.person("olga") as olga:
        sam = people(olga)["sam"]["user_id"]
        for call in ("suspend_user", "reactivate_user"):
            olga.call(call, sam)
    server = empty_studio.server
    server.client.cookies.clear()
    with server.browser() as browser:
        Caller(browser).call("log_in", f"sam@{DOMAIN}", PASSWORD, remember=True)
        server.client.get("/app/login")
        kept = {n: v for n, v in server.client.cookies.items() if n != COOKIE_NAME}
    [(version,)] = empty_studio.query("SELECT session_version FROM app.users WHERE role = 'staff'")
    assert version, "sam has been suspended before"
    header = "; ".join(f"{name}={value}" for name, value in kept.items())
    page = httpx.get(empty_studio.url + "/app/contacts", headers={"Cookie": header})
    assert "customers.ContactListForm" in page.text


def test_a_suspended_person_cannot_log_in_or_be_counted(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        user = people(olga)["sam"]
        deliver_mail(empty_studio)
        told = len(read_mails(empty_studio, f"sam@{DOMAIN}"))
        olga.call("suspend_user", user["user_id"])
        seats = {s["role"]: s["taken"] for s in olga.call("list_users")["seats"]}
        assert seats["staff"] == 0
        with empty_studio.person() as nobody:
            answer = nobody.answer("log_in", f"sam@{DOMAIN}", PASSWORD)
            assert answer["code"] == "disabled"
        deliver_mail(empty_studio)
        assert len(read_mails(empty_studio, f"sam@{DOMAIN}")) == told + 1
        again = olga.call("suspend_user", user["user_id"])
        assert again["user"]["status"] == "suspended"
        olga.call("reactivate_user", user["user_id"])


def test_someone_who_is_removed_is_gone_and_what_they_did_stays(empty_studio: Studio) -> None:
    with empty_studio.uplink() as script:
        person = {"first_name": "Tess", "last_name": "Temp", "password": PASSWORD}
        script.call("add_staff_user", email=f"tess@{DOMAIN}", role="admin", **person)
    with empty_studio.person("tess") as tess:
        made = tess.call("create_contact", {"first_name": "By", "last_name": "Tess"})["contact"]
        with empty_studio.person("olga") as olga:
            olga.call("remove_user", people(olga)["tess"]["user_id"])
            assert "tess" not in people(olga)
            assert tess.answer("list_contacts")["code"] == "not_authenticated"
            timeline = olga.call("get_contact_timeline", made["contact_id"])["timeline"]
            assert timeline[0]["author_name"] == "Tess Temp"


def test_plain_functions_can_be_guarded_by_role_and_permission() -> None:
    @rbac.require_role("owner", "manager")
    def close_the_shop() -> str:
        return "closed"

    @rbac.require_permission("finance.view")
    def read_the_books() -> str:
        return "read"

    manager = rbac.Actor("user", role="manager", permissions=rbac.ROLE_PERMISSIONS["manager"])
    staff = rbac.Actor("user", role="staff", permissions=rbac.ROLE_PERMISSIONS["staff"])
    for actor in (manager, rbac.Actor("system")):
        with rbac.acting_as(actor):
            assert (close_the_shop(), read_the_books()) == ("closed", "read")
    for actor, refusal in (
        (staff, DeniedError),
        (rbac.Actor("user", role="customer"), DeniedError),
        (rbac.Actor("nobody"), NotAuthenticatedError),
    ):
        with rbac.acting_as(actor):
            for function in (close_the_shop, read_the_books):
                with pytest.raises(refusal):
                    function()
    with pytest.raises(ValueError, match="king"):
        rbac.require_role("king")
    with pytest.raises(ValueError, match="everything"):
        rbac.require_permission("everything")


def test_limits_of_the_code_are_those_of_the_database(empty_studio: Studio) -> None:
    import psycopg

    for role, limit in rbac.ROLE_LIMITS.items():
        statement = "INSERT INTO app.users (email, role, role_seat, status) VALUES (%s, %s, %s, %s)"
        for seat in (limit + 1, 0, 1.5, None):
            with pytest.raises(psycopg.errors.CheckViolation):
                empty_studio.query(statement, f"x{seat}@example.com", role, seat, "active")
