"""An instance in which every text that someone can type is markup.

Callables that take a text are found by themselves; those of BY_HAND are called here in an order and
with arguments of their own, and ``attack_everything`` says which were.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

from master_template.server_shared import validators as rules
from tests.product.customers import CONTACTS
from tests.product.importing import upload, wait_for
from tests.product.mailbox import deliver_mail
from tests.product.outside_website import opened_ago, sign
from tests.product.studio import DOMAIN, PASSWORD, Caller, Studio
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
# Where braces have a meaning of their own, they would only be refused.
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
# Called in an order and with arguments of their own. Every other callable that takes a text is
# called as it is found, and has to accept it; those whose only text names a thing find none.
BY_HAND = {
    "accept_invitation",
    "add_note_to_contact",
    "change_user_scope",
    "check_contact_import",
    "create_broadcast",
    "create_campaign",
    "create_contact",
    "create_lead_form",
    "create_segment",
    "create_task",
    "decide_referral",
    "lift_suppression",
    "log_contact_event",
    "moderate_review",
    "publish_legal_text",
    "reply_to_review",
    "reread_contact_import",
    "resend_to_unopened",
    "save_view",
    "send_review_request",
    "sign_up",
    "update_broadcast",
    "update_business_profile",
    "update_campaign",
    "update_contact",
    "update_lead_form",
    "update_mail_template",
    "update_my_profile",
    "update_policies",
    "update_referral_program",
    "update_segment",
    "update_task",
    "update_task_rule",
    "upload_mail_image",
}
# What names a thing: an id, or a job. No text of a person is kept under it.
NAMES = {"campaign_id", "broadcast_id", "import_id", "export_id", "view_id", "change_id", "job"}
NAMES |= {"referral_id", "review_id", "source", "send_key", "name"}
PICTURE = io.BytesIO()
Image.new("RGB", (20, 20), "teal").save(PICTURE, "PNG")


@dataclass
class Attacked:
    """The instance, what stands for a ``:name`` in an address of the app, the public pages that
    show a text, by address, and the callables that took one."""

    studio: Studio
    samples: dict[str, list[str]] = field(default_factory=dict)
    public: dict[str, str] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)

    def shows(self, path: str, method: str = "GET") -> None:
        """Keep a public page as it is now."""
        headers = {"Accept": "text/html"}
        answer = httpx.request(method, self.studio.url + path, headers=headers, timeout=60)
        self.public[path] = answer.text


def attack(max_chars: int) -> str:
    """As much markup as fits."""
    if len(TOGETHER) <= max_chars:
        return TOGETHER
    fitting = [text for text in (*ATTACKS, *SHORT) if len(text) <= max_chars]
    return max(fitting, key=len) if fitting else "<"[:max_chars].ljust(max_chars, ">")


def texts_of(name: str) -> set[str]:
    """The names of the texts that a callable takes, however deep."""
    takes = SPECS[name].takes.items()
    found = ((path, leaf) for argument, rule in takes for path, leaf in leaves(rule, (argument,)))
    words = (path for path, leaf in found if isinstance(leaf, rules.Text))
    return {[step for step in path if isinstance(step, str)][-1] for path in words}


WITH_TEXT = {name for name in SPECS if SPECS[name].needs != "trusted" and texts_of(name)}
LOOKED_UP = {name for name in WITH_TEXT if texts_of(name) <= NAMES} - BY_HAND - NOT_KEPT
CONTENT = {"subject": ATTACKS[1], "format": "markdown", "markdown": PLAIN_ATTACKS}

Send = Callable[..., dict[str, Any]]


def attack_everything(studio: Studio) -> Attacked:
    """Put markup into every text of an instance."""
    attacked = Attacked(studio)
    with studio.person("olga") as olga:

        def send(name: str, /, **fixed: Any) -> dict[str, Any]:
            attacked.called.add(name)
            return olga.call(name, **{**fill_texts(SPECS[name], attack), **fixed})

        contact_id = _attack_contacts(attacked, olga, send)
        _attack_settings(olga, send)
        for name in sorted(WITH_TEXT - BY_HAND - NOT_KEPT):
            fixed = {"contact_id": contact_id} if "contact_id" in SPECS[name].takes else {}
            if name in LOOKED_UP:
                given = {**fill_texts(SPECS[name], attack), **fixed}
                assert olga.answer(name, **given)["code"] == "not_found", name
            else:
                send(name, **fixed)
        _attack_marketing(attacked, olga, send)
        _attack_mails(attacked, olga, send)
        _attack_reviews(attacked, olga, send, contact_id)
        _attack_referrals(attacked, olga, send, contact_id)
        _attack_imports(attacked, olga, send)
        olga.call("invite_user", f"ida@{DOMAIN}", "staff", {})
    _attack_accounts(attacked)
    return attacked


def _attack_contacts(attacked: Attacked, olga: Caller, send: Send) -> str:
    contact_id: str = send("create_contact")["contact"]["contact_id"]
    given = fill_texts(SPECS["update_contact"], attack)["updates"]
    given |= {"status": "customer", "email": "attacked@example.com"}
    given["preferences"] = {"marketing_opt_in": True}
    given["internal_notes"] += "!"
    send("update_contact", contact_id=contact_id, updates=given, version=1)
    send("add_note_to_contact", contact_id=contact_id)
    data = {"amount": TOGETHER, ATTACKS[1]: ATTACKS[1]}
    send("log_contact_event", contact_id=contact_id, event_data=data, user_visible=True)
    other = {"first_name": ATTACKS[0], "last_name": ATTACKS[1], "company": ATTACKS[2]}
    other_id = olga.call("create_contact", other)["contact"]["contact_id"]
    attacked.samples |= {
        "/app/contacts/:contact_id": [contact_id],
        "/app/contacts/:contact_id/edit": [contact_id],
        "/app/contacts/:contact_id/merge/:other_id": [f"{contact_id}/merge/{other_id}"],
    }
    return contact_id


def _attack_settings(olga: Caller, send: Send) -> None:
    profile = fill_texts(SPECS["update_business_profile"], attack)["profile"]
    profile |= {"country": "ZA"}
    version = olga.call("get_settings")["settings"]["version"]
    send("update_business_profile", profile=profile, version=version)
    send("update_policies", version=version + 1)
    olga.call("update_features", {"reviews": True, "referrals": True})
    # These two have a language of their own, in which the braces would be a mistake.
    send("publish_legal_text", kind="terms", source=PLAIN_ATTACKS, number=0)
    words = {"subject": ATTACKS[0], "body": PLAIN_ATTACKS}
    send("update_mail_template", name="password_changed", **words, version=0)
    mia = next(user for user in olga.call("list_users")["users"] if user["role"] == "manager")
    scope = {**fill_texts(SPECS["change_user_scope"], attack)["scope"], "staff": []}
    send("change_user_scope", user_id=mia["user_id"], scope=scope, version=mia["version"])
    query = {**fill_texts(SPECS["save_view"], attack)["query"], "segment": None}
    send("save_view", view_id=None, query=query)
    rule = olga.call("list_task_rules")["rules"][0]
    values = {"is_enabled": True, "days": 1, "title": ATTACKS[1], "assigned_to": None}
    send("update_task_rule", name=rule["name"], values=values, version=rule["version"])


def _attack_marketing(attacked: Attacked, olga: Caller, send: Send) -> None:
    segment_id = send("create_segment")["segment_id"]
    send("update_segment", segment_id=segment_id, version=1)
    task_id = send("create_task")["task_id"]
    send("update_task", task_id=task_id, version=1)
    nowhere = {"segment_id": None, "campaign_id": None}
    given = fill_texts(SPECS["create_lead_form"], attack)["lead_form"] | nowhere
    form_id = send("create_lead_form", lead_form=given)["form"]["form_id"]
    given["name"] = ATTACKS[2]
    send("update_lead_form", form_id=form_id, lead_form=given, version=1)
    olga.call("set_lead_form_status", form_id, "active")
    visitor = {"first_name": ATTACKS[1], "email": "lead@example.com", "consent": "yes"}
    visitor |= {"opened": opened_ago(form_id, 60), "message": TOGETHER}
    httpx.post(f"{attacked.studio.url}/form/{form_id}", data=visitor, timeout=60)
    attacked.shows(f"/form/{form_id}")
    attacked.samples |= {
        "/app/segments/:segment_id": [segment_id],
        "/app/tasks/:task_id": [task_id],
        "/app/lead-capture/:form_id": [form_id],
    }


def _attack_mails(attacked: Attacked, olga: Caller, send: Send) -> None:
    steps = [{"content": CONTENT}]
    given = fill_texts(SPECS["create_campaign"], attack)["campaign_data"]
    given |= {"campaign_type": "manual", "campaign_settings": {}, "steps": steps}
    campaign_id = send("create_campaign", campaign_data=given)["campaign_id"]
    send("update_campaign", campaign_id=campaign_id, changes={"steps": steps}, version=1)
    name = fill_texts(SPECS["create_broadcast"], attack)["broadcast_data"]["broadcast_name"]
    given = {"broadcast_name": name, "recipients": {"everyone": True}, "content": CONTENT}
    broadcast_id = send("create_broadcast", broadcast_data=given)["broadcast_id"]
    draft_id = send("create_broadcast", broadcast_data=given)["broadcast_id"]
    changes = fill_texts(SPECS["update_broadcast"], attack)["changes"]
    changes |= {"recipients": given["recipients"], "content": CONTENT}
    send("update_broadcast", broadcast_id=draft_id, changes=changes, version=1)
    olga.call("send_broadcast", broadcast_id)
    deliver_mail(attacked.studio)
    send("resend_to_unopened", broadcast_id=broadcast_id, subject=ATTACKS[1])
    send("add_suppression", email="stopped@example.com")
    send("lift_suppression", email="stopped@example.com", kind="manual")
    send("add_suppression", email="stopped@example.com")
    attacked.called.add("upload_mail_image")
    file = {"path": ["kwargs", "file"], "type": ["DataMedia"], "id": "m", "name": ATTACKS[1]}
    answer = olga.socket.send_call(
        {"command": "upload_mail_image"},
        [],
        {"file": None, "alt": attack(300)},
        objects=[{**file, "mime-type": "image/png"}],
        media={"m": [PICTURE.getvalue()]},
    )
    assert answer["success"], answer
    attacked.samples |= {
        "/app/campaigns/:campaign_id": [campaign_id],
        "/app/campaigns/:campaign_id/people": [campaign_id],
        "/app/broadcasts/:broadcast_id": [broadcast_id, draft_id],
        "/app/sends/:source": [f"broadcast:{broadcast_id}"],
    }


def _attack_reviews(attacked: Attacked, olga: Caller, send: Send, contact_id: str) -> None:
    """A review that is hidden for a reason, and after all published and answered."""
    request = send("send_review_request", contact_id=contact_id)
    link = f"/review/{sign('review', request['request_id'])}"
    attacked.shows(link)
    given = {"rating": "1", "text": TOGETHER, "author_name": ATTACKS[1]}
    assert "Thank you" in httpx.post(attacked.studio.url + link, data=given, timeout=60).text
    [review] = olga.call("list_reviews")["reviews"]
    for status in ("hidden", "published"):
        send("moderate_review", review_id=review["review_id"], status=status)
    send("reply_to_review", review_id=review["review_id"])
    attacked.shows("/reviews")


def _attack_referrals(attacked: Attacked, olga: Caller, send: Send, contact_id: str) -> None:
    """One friend who does not count, for a reason, and one who is told of a gift."""
    version = olga.call("get_referral_program")["version"]
    program = fill_texts(SPECS["update_referral_program"], attack)["program"]
    program |= {"status": "active"}
    for side in ("referrer_reward", "friend_reward"):
        program[side] = {"kind": "text", "text": ATTACKS[1]}
    send("update_referral_program", program=program, version=version)
    code = olga.call("create_referral_code", contact_id)["code"]
    for name in ("one", "two"):
        given = {"email": f"{name}@example.com", "first_name": ATTACKS[1], "consent": "yes"}
        given["opened"] = sign("referral", f"{code}_{int(time.time()) - 60}")
        httpx.post(f"{attacked.studio.url}/r/{code}", data=given, timeout=60)
    attacked.shows(f"/r/{code}")
    for referral in olga.call("list_referrals")["referrals"]:
        link = f"/r/confirm/{sign('referral confirm', referral['referral_id'])}"
        attacked.shows(link, "POST")
        if referral["email"].startswith("one"):
            send("decide_referral", referral_id=referral["referral_id"], decision="reject")
        else:
            olga.call("decide_referral", referral["referral_id"], "reward")


def _attack_imports(attacked: Attacked, olga: Caller, send: Send) -> None:
    cell = ATTACKS[1].replace('"', '""')
    rows = f'"{cell}",E-mail,Company\n"{cell}",row@example.com,"{cell}"\n"{cell}",no address,x\n'
    started = upload(olga, rows.encode(), name=ATTACKS[1])
    import_id = started["import_id"]
    shape = fill_texts(SPECS["reread_contact_import"], attack)["shape"]
    send("reread_contact_import", import_id=import_id, shape={**shape, "delimiter": "comma"})
    plan = fill_texts(SPECS["check_contact_import"], attack)["plan"]
    plan |= {"mapping": started["mapping"], "segment": None, "consent": "all"}
    send("check_contact_import", import_id=import_id, plan=plan)
    assert wait_for(olga, import_id)["state"] == "checked"
    olga.call("start_contact_import", import_id)
    assert wait_for(olga, import_id)["state"] == "done"
    attacked.samples |= {"/app/contacts/imports/:import_id": [import_id]}


def _attack_accounts(attacked: Attacked) -> None:
    studio = attacked.studio
    attacked.called |= {"accept_invitation", "update_my_profile", "sign_up"}
    with studio.person() as ida:
        token = studio.link_in_mail(f"ida@{DOMAIN}").rpartition("/")[2]
        person = fill_texts(SPECS["accept_invitation"], attack)
        ida.call("accept_invitation", **{**person, "token": token, "password": PASSWORD})
    with studio.person("carl") as carl:
        carl.call("update_my_profile", **fill_texts(SPECS["update_my_profile"], attack))
    with studio.person() as eve:
        person = fill_texts(SPECS["sign_up"], attack)
        person["agreed"] = eve.call("get_agreement_texts")["versions"]
        eve.call("sign_up", **{**person, "email": f"eve@{DOMAIN}", "password": PASSWORD})
    studio.query("UPDATE app.users SET confirmed_email = true WHERE email = %s", f"eve@{DOMAIN}")
    with studio.person("eve") as eve:
        eve.call("create_my_referral_link")
    assert studio.query(CONTACTS, f"eve@{DOMAIN}")
