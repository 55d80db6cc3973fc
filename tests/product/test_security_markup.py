"""Stored XSS: markup in every text that a person can fill, looked at on every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from master_template.server_shared import validators as rules
from master_template.server_shared.errors import InvalidError
from tests.product.screens import tab
from tests.product.studio import DOMAIN, PASSWORD, Refused, Studio
from tests.product.walking import fill_texts, leaves, specs

MARK = "pwned-mark"
ATTACKS = (
    f"<script class={MARK}>window.pwned=1</script>",
    f'"><img class={MARK} src=x onerror=window.pwned=1>',
    f"'><svg class={MARK} onload=window.pwned=1>",
    f"</title></style></script><b class={MARK}>",
    "javascript:window.pwned=1",
    "{{ 7 * 7 }}{% raw %}${window.pwned=1}",
    f"<a class={MARK} href='javascript:window.pwned=1'>x</a>",
)
PLAIN_ATTACKS = "".join(text for text in ATTACKS if "{{" not in text)
# All of them at once, for a field with room; the others get a short one each.
TOGETHER = "".join(ATTACKS)
SHORT = ("<b>", "<i x=", '"><s', "'><u")
SPECS = specs()
# Texts that are looked for, compared or shown to who typed them, and never kept.
NOT_KEPT = {
    "confirm_second_factor",
    "disable_second_factor",
    "enable_second_factor",
    "count_recipients",
    "export_audit_log",
    "get_all_contacts",
    "get_invitation",
    "list_audit_entries",
    "list_contacts",
    "list_mails",
    "list_users",
    "preview_legal_text",
    "preview_mail_template",
    "preview_policies",
    "retry_mail",
    "send_test_mail",
}
# Their texts name a thing (its id, or a job), and nothing that is there is called like this. What
# a person writes in four of them goes to a review, a recommendation or a broadcast that was sent.
LOOKED_UP = {
    "archive_campaign",
    "cancel_broadcast",
    "cancel_contact_import",
    "check_contact_import",
    "decide_referral",
    "decide_send",
    "delete_broadcast",
    "delete_campaign",
    "delete_contact_export",
    "delete_contact_import",
    "delete_mail_image",
    "delete_saved_view",
    "download_contact_export",
    "download_import_problems",
    "duplicate_broadcast",
    "duplicate_campaign",
    "enroll_contact_in_campaign",
    "get_broadcast",
    "get_broadcast_stats",
    "get_bulk_change",
    "get_campaign",
    "get_campaign_stats",
    "get_contact_export",
    "get_contact_import",
    "get_send_report",
    "list_enrollments",
    "list_scheduled_runs",
    "moderate_review",
    "pause_broadcast",
    "pause_campaign",
    "pause_enrollment",
    "reply_to_review",
    "reread_contact_import",
    "resend_to_unopened",
    "resume_broadcast",
    "resume_campaign",
    "resume_contact_import",
    "run_scheduled_job",
    "send_broadcast",
    "set_default_view",
    "settle_referral_reward",
    "start_contact_import",
    "undo_bulk_change",
    "unenroll_contact",
}
# Made with markup, and then changed to hold it as well: (what changes it, what makes it, its id).
CHANGED = (
    ("update_broadcast", "create_broadcast", "broadcast_id"),
    ("update_campaign", "create_campaign", "campaign_id"),
    ("update_segment", "create_segment", "segment_id"),
    ("update_task", "create_task", "task_id"),
)
# Called in an order and with arguments of their own; every other callable that takes a text is
# called as it is found, and has to accept it.
BY_HAND = {
    "accept_invitation",
    "add_note_to_contact",
    "change_user_scope",
    "create_contact",
    "lift_suppression",
    "log_contact_event",
    "publish_legal_text",
    "save_view",
    "sign_up",
    "update_business_profile",
    "update_contact",
    "update_lead_form",
    "update_mail_template",
    "update_my_profile",
    "update_policies",
    "update_referral_program",
    "update_task_rule",
    "upload_mail_image",  # A file comes with it: test_mail_images.py.
    *(name for row in CHANGED for name in row[:2]),
}


def attack(max_chars: int) -> str:
    """As much markup as fits."""
    if len(TOGETHER) <= max_chars:
        return TOGETHER
    fitting = [text for text in (*ATTACKS, *SHORT) if len(text) <= max_chars]
    return max(fitting, key=len) if fitting else "<"[:max_chars].ljust(max_chars, ">")


def has_text(name: str) -> bool:
    takes = SPECS[name].takes.items()
    found = (leaf for argument, rule in takes for _, leaf in leaves(rule, (argument,)))
    return any(isinstance(leaf, rules.Text) for leaf in found)


WITH_TEXT = {name for name in SPECS if SPECS[name].needs != "trusted" and has_text(name)}


def test_the_walk_finds_every_text() -> None:
    assert WITH_TEXT >= BY_HAND


@pytest.mark.parametrize(
    "address",
    [
        "javascript:window.pwned=1",
        " JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>window.pwned=1</script>",
        "vbscript:x",
        "//evil.example",
        'https://x/"onmouseover=window.pwned=1',
        "https://x/<script>",
        "\x01javascript:x",
    ],
)
def test_no_address_that_runs_is_kept(studio: Studio, address: str) -> None:
    """Every field of the kind WebAddress, wherever it stands."""
    found = [
        (name, path)
        for name, spec in SPECS.items()
        for argument, rule in spec.takes.items()
        for path, leaf in leaves(rule, (argument,))
        if isinstance(leaf, rules.WebAddress)
    ]
    assert ("update_business_profile", ("profile", "social_facebook")) in found
    with studio.person("olga") as olga:
        for name, path in found:
            if name == "update_business_profile":
                with pytest.raises(Refused, match="invalid"):
                    olga.call(name, {path[-1]: address}, 1)
    for _, rule in ((n, r) for s in SPECS.values() for n, r in s.takes.items()):
        for _, leaf in leaves(rule):
            if isinstance(leaf, rules.WebAddress):
                with pytest.raises(InvalidError):
                    leaf.clean(address)


@pytest.fixture(scope="module")
def attacked(empty_studio: Studio) -> Iterator[tuple[Studio, str]]:
    """An instance in which every text is markup, and the id of the contact that is."""
    with empty_studio.person("olga") as olga:

        def send(name: str, **fixed: Any) -> dict[str, Any]:
            return olga.call(name, **{**fill_texts(SPECS[name], attack), **fixed})

        contact_id = send("create_contact")["contact"]["contact_id"]
        given = fill_texts(SPECS["update_contact"], attack)["updates"]
        given |= {"status": "customer", "email": "attacked@example.com"}
        given["internal_notes"] += "!"
        send("update_contact", contact_id=contact_id, updates=given, version=1)
        send("add_note_to_contact", contact_id=contact_id)
        data = {"amount": TOGETHER, ATTACKS[1]: ATTACKS[1]}
        send("log_contact_event", contact_id=contact_id, event_data=data, user_visible=True)
        profile = fill_texts(SPECS["update_business_profile"], attack)["profile"]
        profile |= {"country": "ZA"}
        version = olga.call("get_settings")["settings"]["version"]
        olga.call("update_business_profile", profile, version)
        send("update_policies", version=version + 1)
        for name in sorted(WITH_TEXT - BY_HAND - NOT_KEPT):
            takes_contact = "contact_id" in SPECS[name].takes
            fixed = {"contact_id": contact_id} if takes_contact else {}
            if name in LOOKED_UP:
                given = {**fill_texts(SPECS[name], attack), **fixed}
                assert olga.answer(name, **given)["code"] == "not_found", name
            else:
                send(name, **fixed)
        for change, make, key in CHANGED:
            send(change, **{key: send(make)[key], "version": 1})
        form = send("create_lead_form")["form"]
        send("update_lead_form", form_id=form["form_id"], version=1)
        query = {**fill_texts(SPECS["save_view"], attack)["query"], "segment": None}
        send("save_view", view_id=None, query=query)
        send("update_referral_program", version=0)
        rule = olga.call("list_task_rules")["rules"][0]
        values = {"is_enabled": True, "days": 1, "title": ATTACKS[1], "assigned_to": None}
        olga.call("update_task_rule", rule["name"], values, rule["version"])
        olga.call("add_suppression", "stopped@example.com", attack(100))
        mia = next(user for user in olga.call("list_users")["users"] if user["role"] == "manager")
        scope = {**fill_texts(SPECS["change_user_scope"], attack)["scope"], "staff": []}
        send("change_user_scope", user_id=mia["user_id"], scope=scope, version=mia["version"])
        # These two have a language of their own, in which the braces would be a mistake.
        send("publish_legal_text", kind="terms", source=PLAIN_ATTACKS, number=0)
        olga.call("update_mail_template", "password_changed", ATTACKS[0], PLAIN_ATTACKS, 0)
        olga.call("invite_user", f"ida@{DOMAIN}", "staff", {})
    with empty_studio.person() as ida:
        token = empty_studio.link_in_mail(f"ida@{DOMAIN}").rpartition("/")[2]
        person = fill_texts(SPECS["accept_invitation"], attack)
        ida.call("accept_invitation", **{**person, "token": token, "password": PASSWORD})
    with empty_studio.person("carl") as carl:
        carl.call("update_my_profile", **fill_texts(SPECS["update_my_profile"], attack))
    with empty_studio.person() as eve:
        person = fill_texts(SPECS["sign_up"], attack)
        person["agreed"] = eve.call("get_agreement_texts")["versions"]
        eve.call("sign_up", **{**person, "email": f"eve@{DOMAIN}", "password": PASSWORD})
    empty_studio.query(
        "UPDATE app.users SET confirmed_email = true WHERE email = %s", f"eve@{DOMAIN}"
    )
    yield empty_studio, contact_id


class Elements(HTMLParser):
    """What a browser would make of a page: its classes, names of attributes, addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.classes: set[str | None] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.attributes.add(name)
            if name == "class":
                self.classes.update((value or "").split())
            if name in ("href", "src", "action"):
                self.links.append(value or "")


@pytest.mark.parametrize(
    "path", ["/", "/terms", "/policies", "/app/no/such/thing", f"/app/{ATTACKS[1]}/x"]
)
def test_public_pages_show_it_as_text(attacked: tuple[Studio, str], path: str) -> None:
    page = httpx.get(attacked[0].url + path, headers={"Accept": "text/html"}).text
    assert "pwned" in page, "what was typed is there"
    elements = Elements()
    elements.feed(page)
    assert MARK not in elements.classes
    assert not {name for name in elements.attributes if name.startswith("on")}
    assert not [link for link in elements.links if "script:" in link.lower()]
    assert len(elements.links) > 3
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0]


@pytest.mark.parametrize(
    ("who", "paths"),
    [
        (None, ["/", "/app/login", "/app/signup", "/app/reset"]),
        (
            "olga",
            [
                "/",
                "/app/dashboard",
                "/app/contacts",
                "/app/contacts/{}",
                "/app/contacts/{}/edit",
                "/app/settings/users",
                "/app/settings/notifications",
                "/app/settings/legal",
                "/app/settings/audit",
                "/app/me",
                f"/app/contacts?search={ATTACKS[1]}",
            ],
        ),
        ("eve", ["/app/home", "/app/account", "/app/account/data"]),
    ],
)
@pytest.mark.usefixtures("m3_assets")
def test_nothing_typed_runs_in_a_browser(
    chromium: Browser, attacked: tuple[Studio, str], who: str | None, paths: list[str]
) -> None:
    studio, contact_id = attacked
    shown = 0
    with tab(chromium, studio) as screen:
        screen.page.on("dialog", lambda dialog: screen.problems.append(dialog.message))
        if who:
            screen.open("/app/login")
            screen.log_in(who)
            screen.is_at("/app/dashboard" if who == "olga" else "/app/home")
        for path in paths:
            screen.open(path.format(contact_id))
            screen.page.locator("h1:visible, h2:visible").first.wait_for()
            expect(screen.page.locator(".mb-bones:visible")).to_have_count(0)
            assert screen.page.evaluate("window.pwned") is None, path
            expect(screen.page.locator(f".{MARK}")).to_have_count(0)
            links = screen.page.locator("a[href]").evaluate_all("all => all.map(a => a.protocol)")
            assert set(links) <= {"http:", "https:", "mailto:", "tel:"}, path
            texts = screen.page.evaluate(
                "document.body.innerText + [...document.querySelectorAll('*')]"
                ".map(e => e.value || e.text || '').join()"
            )
            shown += "pwned" in texts
    assert shown > 0, "none of it was on any page"
