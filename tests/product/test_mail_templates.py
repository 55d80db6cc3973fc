"""Owners change the words of mails: checked when saved, seen before, and tried on themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.product.conftest import fresh_database
from tests.product.mailbox import body_of, deliver_mail, read_mails
from tests.product.outside_world import World, connect, open_world
from tests.product.providers.server import Reply
from tests.product.studio import Caller, Refused

OLGA = "olga@yogastudio.example"
NEW_PERSON = {"email": "new@example.com", "role": "staff"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with fresh_database(postgres_url) as database_url, open_world(folder, database_url) as running:
        yield running


@pytest.fixture
def olga(world: World) -> Iterator[Caller]:
    with world.studio.person("olga") as caller:
        yield caller


def template(caller: Caller, name: str) -> dict:
    listed = caller.call("list_mail_templates")["templates"]
    return next(each for each in listed if each["name"] == name)


def reset(caller: Caller, name: str) -> None:
    caller.call("reset_mail_template", name, template(caller, name)["version"])


def test_an_owner_changes_the_words_and_takes_ours_again(world: World, olga: Caller) -> None:
    before = template(olga, "invitation")
    body = "Welcome {{ person_name }}!\n\n[Come in]({{ link }})"
    saved = olga.call("update_mail_template", "invitation", "Hi {{ person_name }}", body, 0)
    assert saved["template"]["is_changed"] is True
    assert template(olga, "invitation")["body"] == body
    olga.call("invite_user", **NEW_PERSON)
    deliver_mail(world.studio)
    [message] = read_mails(world.studio, "new@example.com")
    assert message["subject"].startswith("Hi")
    assert ">Come in</a>" in body_of(message)
    after = olga.call("reset_mail_template", "invitation", saved["template"]["version"])["template"]
    assert after == before
    assert template(olga, "invitation") == before


@pytest.mark.parametrize(
    ("subject", "body", "field", "reason"),
    [
        ("Hi {{ nobody }}", "[x]({{ link }})", "subject", "no variable called “nobody”"),
        ("Hi", "[x]({{ link }}) {{ nobody }}", "body", "no variable called “nobody”"),
        ("Hi", "No link here", "body", "must show {{ link }}"),
        ("Hi", "[x]({{ link|upper }})", "body", "must show {{ link }}"),
        ("Hi", "[x]({{ link }}) {% for a in b %}{% endfor %}", "body", "only variables"),
        ("Hi", "", "body", "is required"),
        ("{% if link == 'x' %}a{% endif %}", "[x]({{ link }})", "subject", "would be empty"),
    ],
)
def test_refuses_words_that_cannot_work(
    olga: Caller, subject: str, body: str, field: str, reason: str
) -> None:
    for name in ("update_mail_template", "preview_mail_template", "send_test_mail"):
        more = [0] if name == "update_mail_template" else []
        with pytest.raises(Refused) as refused:
            olga.call(name, "invitation", subject, body, *more)
        assert reason in refused.value.fields[field]
    assert template(olga, "invitation")["is_changed"] is False


def test_a_preview_shows_the_samples_and_the_business(olga: Caller) -> None:
    body = "Hello **{{ person_name }}** of {{ business_name }}\n\n[Go]({{ link }})"
    shown = olga.call("preview_mail_template", "invitation", "From {{ business_name }}", body)
    assert shown["subject"] == "From Sunrise Yoga"
    assert "<b>Thandi Mokoena</b> of Sunrise Yoga" in shown["html"]
    assert "Go:\nhttps://" in shown["text"]
    assert (
        "<script"
        not in olga.call("preview_mail_template", "test_mail", "x", "<script>alert(1)</script>")[
            "html"
        ]
    )


def test_two_who_edit_at_once_do_not_overwrite_each_other(olga: Caller) -> None:
    olga.call("update_mail_template", "test_mail", "One", "One", 0)
    with pytest.raises(Refused, match="edited_meanwhile"):
        olga.call("update_mail_template", "test_mail", "Two", "Two", 0)
    assert template(olga, "test_mail")["subject"] == "One"
    reset(olga, "test_mail")


def test_a_test_mail_goes_to_whoever_asks_and_to_nobody_else(world: World, olga: Caller) -> None:
    answer = olga.call("send_test_mail", "invitation", "Try {{ role_name }}", "[A]({{ link }})")
    assert answer["is_sent"] is True and OLGA in answer["message"]
    message = read_mails(world.studio, OLGA)[-1]
    assert message["subject"] == "Try Manager"
    assert message["to"] in (OLGA, f"Olga Naidoo <{OLGA}>")


def test_mails_go_through_brevo_once_it_is_connected(world: World, olga: Caller) -> None:
    connect(olga, "brevo", world.right_fields()["brevo"])
    try:
        assert olga.call("list_mail_templates")["sender"] == "Brevo"
        assert olga.call("send_test_mail", "test_mail", "By Brevo", "Hello")["is_sent"] is True
        [mail] = world.brevo.sent.values()
        assert (mail["subject"], mail["to"]) == (
            "By Brevo",
            [{"email": OLGA, "name": "Olga Naidoo"}],
        )
        assert mail["sender"] == {"name": "Sunrise Yoga", "email": world.brevo.sender}
        world.brevo.trouble = [Reply(400, {"code": "invalid_parameter", "message": "No, thanks"})]
        refused = olga.call("send_test_mail", "test_mail", "x", "y")
        assert refused["is_sent"] is False
        assert refused["message"] == "Brevo did not take the mail: No, thanks"
    finally:
        olga.call("delete_integration", "brevo")


def test_brevo_sends_a_mail_that_is_repeated_only_once(world: World, olga: Caller) -> None:
    """The answer to the first attempt is lost on the way; it arrived all the same."""
    connect(olga, "brevo", world.right_fields()["brevo"])
    world.brevo.sent.clear()
    requests = world.brevo.requests

    def lost() -> Reply:
        world.brevo.answer(requests[-1])
        return Reply(502, None)

    world.brevo.trouble = [lost]
    try:
        assert olga.call("send_test_mail", "test_mail", "Once", "Hello")["is_sent"] is True
        assert len(world.brevo.sent) == 1
    finally:
        olga.call("delete_integration", "brevo")


def test_mails_go_through_the_own_mail_server(world: World, olga: Caller) -> None:
    connect(olga, "smtp", world.right_fields()["smtp"])
    try:
        assert olga.call("list_mail_templates")["sender"] == "Own mail server"
        assert olga.call("send_test_mail", "test_mail", "Grüße", "Schönen Tag")["is_sent"] is True
        message = world.mail.messages[-1]
        assert (message["subject"], message["to"]) == ("Grüße", f"Olga Naidoo <{OLGA}>")
        assert message["from"] == "Sunrise Yoga <hello@yogastudio.example>"
        assert "Schönen Tag" in body_of(message, "plain")
        assert world.mail.return_paths[-1] == "hello@yogastudio.example"
        # What comes back says by its address which mail it was.
        bounces = {"bounce_email": "Bounces@yogastudio.example", "password": ""}
        connect(olga, "smtp", {**world.right_fields()["smtp"], **bounces})
        olga.call("send_test_mail", "test_mail", "x", "y")
        mail_id = world.mail.messages[-1]["message-id"].strip("<>").partition("@")[0]
        assert world.mail.return_paths[-1] == f"bounces+{mail_id}@yogastudio.example"
        world.mail.refused.add(OLGA)
        refused = olga.call("send_test_mail", "test_mail", "x", "y")
        assert refused == {**refused, "is_sent": False}
        assert "no such mailbox" in refused["message"]
    finally:
        world.mail.refused.clear()
        olga.call("delete_integration", "smtp")


def test_a_domain_with_letters_of_its_own_gets_mail(world: World, olga: Caller) -> None:
    connect(olga, "smtp", world.right_fields()["smtp"])
    try:
        olga.call("invite_user", email="nia@bücher.example", role="staff")
        deliver_mail(world.studio)
        assert world.mail.messages[-1]["to"] == "nia@xn--bcher-kva.example"
    finally:
        olga.call("delete_integration", "smtp")


def test_a_failed_mail_is_told_and_can_be_tried_again(world: World, olga: Caller) -> None:
    connect(olga, "smtp", world.right_fields()["smtp"])
    world.mail.refused.add("gone@example.com")
    try:
        olga.call("invite_user", email="gone@example.com", role="staff")
        deliver_mail(world.studio)
        [mail] = olga.call("list_mails", 1, "failed")["mails"]
        assert mail["recipient"] == "gone@example.com"
        assert mail["title"] == "Invitation to work here"
        assert "no such mailbox" in mail["error"]
        world.mail.refused.clear()
        assert olga.call("retry_mail", mail["mail_id"])["mail"]["status"] == "queued"
        deliver_mail(world.studio)
        found = olga.call("list_mails", search="gone@")["mails"]
        assert [each["status"] for each in found] == ["sent"]
        with pytest.raises(Refused, match="not_failed"):
            olga.call("retry_mail", mail["mail_id"])
    finally:
        world.mail.refused.clear()
        olga.call("delete_integration", "smtp")


def test_the_log_pages_in_the_database(world: World, olga: Caller) -> None:
    world.studio.query(
        "INSERT INTO app.email_log (mail_id, recipient_email, subject, template, status, "
        "attempts, queued_at) SELECT 'm' || n, 'many' || n || '@example.com', 'S_' || n, "
        "'invitation', 'sent', 1, now() - n * interval '1 minute' FROM generate_series(1, 45) n"
    )
    first = olga.call("list_mails", search="many")
    last = olga.call("list_mails", page=3, search="many")
    assert (first["total"], len(first["mails"]), len(last["mails"])) == (45, 20, 5)
    assert [first["mails"][0]["subject"], last["mails"][-1]["subject"]] == ["S_1", "S_45"]
    assert olga.call("list_mails", search="S_45")["total"] == 1
    assert olga.call("list_mails", search="S%45")["total"] == 0


def test_our_own_words_go_out_where_the_owners_fail(world: World, olga: Caller) -> None:
    """Saved by an older version that had one variable more, say."""
    world.studio.query(
        "INSERT INTO app.mail_templates (name, subject, body, version) "
        "VALUES ('invitation', 'Hi {{ gone }}', 'x', 1)"
    )
    try:
        olga.call("invite_user", email="safe@example.com", role="staff")
        deliver_mail(world.studio)
        [message] = read_mails(world.studio, "safe@example.com")
        assert "invites you" in message["subject"]
    finally:
        world.studio.query("DELETE FROM app.mail_templates")


def test_what_is_kept_of_mails_goes_with_the_person(world: World, olga: Caller) -> None:
    """Erasing a contact also takes what was sent to them, and what still waits for them."""
    person = {"first_name": "Thandi", "last_name": "Mokoena", "email": "thandi@example.com"}
    contact_id = olga.call("create_contact", person)["contact"]["contact_id"]
    for table, more in (
        ("email_log", "mail_id, status) VALUES ('thandi@example.com', 'm-thandi', 'sent'"),
        (
            "outbox",
            "kind, payload_encrypted, due_at, status, attempts) VALUES ('thandi@example.com', "
            "'mail', 'e1', now() + interval '1 hour', 'waiting', 1",
        ),
    ):
        world.studio.query(f"INSERT INTO app.{table} (recipient_email, {more})")
    erased = olga.call("erase_contact", contact_id)
    assert (erased["tables"]["email_log"], erased["tables"]["outbox"]) == (1, 1)
    for table in ("email_log", "outbox"):
        left = f"SELECT 1 FROM app.{table} WHERE recipient_email = 'thandi@example.com'"
        assert world.studio.query(left) == []
