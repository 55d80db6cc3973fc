"""The second step of a log-in: setting it up, showing it, losing it, and getting past it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from app_server.sessions import COOKIE_NAME
from master_template.server_auth import totp
from tests.product.studio import DOMAIN, PASSWORD, Caller, Refused, Studio
from tests.product.walking import everything_stored

WHO = f"sam@{DOMAIN}"


@pytest.fixture(autouse=True)
def without_factors(empty_studio: Studio) -> Iterator[None]:
    yield
    empty_studio.query(
        "UPDATE app.users SET second_factor = NULL, second_factor_encrypted = NULL,"
        " n_password_failures = 0, status = 'active', enabled = true"
    )
    empty_studio.query("UPDATE app.settings SET require_second_factor = NULL")


class Phone:
    """An authenticator app with one account in it. Each code that it gives is of a later step, so
    that none is asked for twice."""

    def __init__(self, secret: str):
        self.secret = secret
        self.last = int(time.time() // totp.STEP_SECONDS) - 2

    def code(self) -> str:
        self.last += 1
        assert self.last <= int(time.time() // totp.STEP_SECONDS) + 1, "out of codes for now"
        return totp.code_at(self.secret, self.last)


def forget_steps(studio: Studio) -> None:
    """As if the codes that were used so far were of long ago."""
    studio.query(
        "UPDATE app.users SET second_factor = second_factor || '{\"last_step\": 0}'"
        " WHERE second_factor IS NOT NULL"
    )


def set_up(caller: Caller) -> tuple[Phone, list[str]]:
    begun = caller.call("begin_second_factor", PASSWORD)
    assert begun["picture"].startswith("data:image/svg+xml")
    phone = Phone(begun["secret"])
    codes = caller.call("enable_second_factor", phone.code())["recovery_codes"]
    return phone, codes


def give_password(caller: Caller, *, remember: bool = False) -> None:
    with pytest.raises(Refused, match="second_factor"):
        caller.call("log_in", WHO, PASSWORD, remember=remember)


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238, appendix B, the last six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp.code_at(secret, seconds // 30) == code
    step = seconds // 30
    assert totp.match(secret, f" {code[:3]} {code[3:]}", seconds) == step
    assert totp.match(secret, code, seconds + 30) == step
    assert totp.match(secret, code, seconds + 90) is None
    assert totp.match(secret, code, seconds, after=step) is None


def test_it_is_set_up_and_then_asked_for(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        assert sam.call("get_second_factor")["is_on"] is False
        phone, codes = set_up(sam)
        assert len(set(codes)) == totp.RECOVERY_CODES
        mine = sam.call("get_second_factor")
        assert mine["is_on"] and mine["recovery_left"] == totp.RECOVERY_CODES
        assert sam.call("list_contacts")["success"], "this log-in goes on"
    with empty_studio.person() as again:
        give_password(again)
        assert again.call("get_config")["user"] is None
        assert again.answer("list_contacts")["code"] == "not_authenticated"
        wrong = again.answer("confirm_second_factor", "000000")
        assert (wrong["code"], wrong["field"]) == ("invalid", "code")
        assert again.call("confirm_second_factor", phone.code())["role"] == "staff"
        assert again.call("list_contacts")["success"]


def test_the_database_has_neither_secret_nor_recovery_codes(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        phone, codes = set_up(sam)
    for table in ("users", "audit_log"):
        [(text,)] = empty_studio.query(f"SELECT string_agg(t::text, '') FROM app.{table} t")
        assert phone.secret not in text
        assert not any(code in text or code.replace("-", "") in text for code in codes)


def test_a_code_is_good_once(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        phone, _ = set_up(sam)
    code = phone.code()
    with empty_studio.person() as first, empty_studio.person() as second:
        give_password(first)
        give_password(second)
        assert first.call("confirm_second_factor", code)
        assert second.answer("confirm_second_factor", code)["code"] == "invalid"


def test_a_recovery_code_opens_once_and_new_ones_replace_the_old(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        _, codes = set_up(sam)
    with empty_studio.person() as again:
        give_password(again)
        assert again.call("confirm_second_factor", codes[0].upper().replace("-", " "))
        assert again.call("get_second_factor")["recovery_left"] == totp.RECOVERY_CODES - 1
        give_password(again)
        assert again.answer("confirm_second_factor", codes[0])["code"] == "invalid"
        assert again.call("confirm_second_factor", codes[1])
        new = again.call("renew_recovery_codes", PASSWORD)["recovery_codes"]
        give_password(again)
        assert again.answer("confirm_second_factor", codes[2])["code"] == "invalid"
        assert again.call("confirm_second_factor", new[0])


def test_guessing_locks_for_a_while_and_not_for_ever(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        phone, codes = set_up(sam)
    with empty_studio.person() as thief:
        give_password(thief)
        answers = [thief.answer("confirm_second_factor", f"{n:06}")["code"] for n in range(5)]
        assert answers == ["invalid"] * 5
        for code in (phone.code(), codes[0]):
            assert thief.answer("confirm_second_factor", code)["code"] == "locked"
        give_password(thief)
        assert thief.answer("confirm_second_factor", codes[0])["code"] == "locked"
        empty_studio.query(
            "UPDATE app.users SET second_factor = second_factor ||"
            ' \'{"locked_until": "2026-01-01T00:00:00+00:00"}\' WHERE email = %s',
            WHO,
        )
        assert thief.call("confirm_second_factor", codes[0])


def test_the_password_alone_opens_nothing_by_any_way(empty_studio: Studio) -> None:
    """Past our own form too: Anvil's log-in, with and without staying logged in."""
    with empty_studio.person("sam") as sam:
        set_up(sam)
    server = empty_studio.server
    for remember in (False, True):
        server.client.cookies.clear()
        with server.browser() as browser:
            thief = Caller(browser)
            browser.call("anvil.private.users.login_with_email", WHO, PASSWORD, remember=remember)
            assert thief.answer("list_contacts")["code"] == "not_authenticated"
            assert thief.answer("get_second_factor")["code"] == "not_authenticated"
            assert thief.answer("disable_second_factor", PASSWORD, "000000")["code"] == (
                "not_authenticated"
            )
            assert thief.call("get_config")["user"] is None
            server.client.get("/app/login")
            cookies = dict(server.client.cookies)
        remembered = "; ".join(f"{n}={v}" for n, v in cookies.items() if n != COOKIE_NAME)
        page = httpx.get(empty_studio.url + "/app/contacts", headers={"Cookie": remembered})
        assert "auth.LoginForm" in page.text


def test_a_remembered_browser_is_not_asked_again(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        phone, _ = set_up(sam)
    server = empty_studio.server
    server.client.cookies.clear()
    with server.browser() as browser:
        sam = Caller(browser)
        give_password(sam, remember=True)
        sam.call("confirm_second_factor", phone.code())
        server.client.get("/app/login")
        kept = {n: v for n, v in server.client.cookies.items() if n != COOKIE_NAME}
    header = {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}
    page = httpx.get(empty_studio.url + "/app/contacts", headers=header)
    assert "customers.ContactListForm" in page.text
    # A factor that was set up anew has not been shown by this browser.
    empty_studio.query(
        'UPDATE app.users SET second_factor = second_factor || \'{"id": "another"}\''
        " WHERE email = %s",
        WHO,
    )
    page = httpx.get(empty_studio.url + "/app/contacts", headers=header)
    assert "auth.LoginForm" in page.text


def test_switching_it_on_ends_every_other_log_in(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as elsewhere, empty_studio.person("sam") as sam:
        assert elsewhere.call("list_contacts")
        set_up(sam)
        assert elsewhere.answer("list_contacts")["code"] == "not_authenticated"
        assert sam.call("list_contacts")


def test_switching_it_off_takes_password_and_code(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        phone, codes = set_up(sam)
        before = everything_stored(empty_studio)["users"]
        assert sam.answer("disable_second_factor", "wrong one", codes[0])["field"] == "password"
        empty_studio.query("UPDATE app.users SET n_password_failures = 0 WHERE email = %s", WHO)
        assert everything_stored(empty_studio)["users"] == before
        assert sam.answer("disable_second_factor", PASSWORD, "000000")["field"] == "code"
        assert sam.call("disable_second_factor", PASSWORD, phone.code())
    with empty_studio.person("sam") as sam:
        assert sam.call("get_second_factor")["is_on"] is False


def test_a_pending_step_is_nobodys_without_the_password_and_ends(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        phone, _ = set_up(sam)
    with empty_studio.person() as thief:
        assert thief.answer("confirm_second_factor", phone.code())["code"] == "log_in_again"
    with empty_studio.person() as late:
        give_password(late)
        with empty_studio.person("olga") as olga:
            found = olga.call("list_users", page_size=100)["users"]
            sam_id = next(u["user_id"] for u in found if u["email"] == WHO)
            olga.call("suspend_user", sam_id)
            assert late.answer("confirm_second_factor", phone.code())["code"] == "log_in_again"
            olga.call("reactivate_user", sam_id)


def test_someone_above_or_the_operator_helps_who_has_lost_it(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        set_up(sam)
    with empty_studio.person("olga") as olga:
        set_up(olga)
        found = olga.call("list_users", page_size=100)["users"]
        known = {user["email"].split("@")[0]: user["user_id"] for user in found}
        assert olga.answer("clear_second_factor", known["olga"])["code"] == "own_access"
    with empty_studio.person("mia") as mia:
        assert mia.answer("clear_second_factor", known["olga"])["code"] == "not_below"
        assert mia.call("clear_second_factor", known["sam"])
    with empty_studio.person("sam") as sam:
        assert sam.call("list_contacts")
    with empty_studio.uplink() as script:
        script.call("clear_lost_second_factor", f"olga@{DOMAIN}")
    with empty_studio.person("olga") as olga:
        assert olga.call("get_settings")


def test_the_owner_may_want_one_of_everyone_who_works_here(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga, empty_studio.person("sam") as sam:
        assert olga.answer("require_second_factor", True)["code"] == "own_first"
        phone, _ = set_up(olga)
        olga.call("require_second_factor", True)
        policy = olga.call("get_second_factor_policy")
        assert policy["is_required"] and policy["without"] == 2
        # Sam, who is logged in already, gets to nothing but setting it up.
        assert sam.call("get_config")["user"]["owes_factor"] is True
        for call in ("list_contacts", "get_dashboard", "list_users"):
            assert sam.answer(call)["code"] == "permission_denied"
        set_up(sam)
        assert sam.call("list_contacts")
        assert sam.call("get_config")["user"]["owes_factor"] is False
        code = phone.code()
        assert olga.answer("disable_second_factor", PASSWORD, code)["code"] == "required"
    with empty_studio.person("carl") as carl:
        assert carl.call("get_config")["user"]["owes_factor"] is False
        assert carl.call("get_second_factor")["is_required"] is False
