"""What becomes of marketing mails: opened, clicked, bounced, by people and machines, each once."""

from __future__ import annotations

import html
import re
import smtplib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.product import returned_mail
from tests.product.conftest import fresh_database
from tests.product.mailbox import deliver_mail
from tests.product.outside_world import World, connect, open_world
from tests.product.studio import Caller, Refused, copy_template
from tests.product.tallies import recount, set_right, tallied

# Callables that no product has: to plan mails as broadcasts do, and to look as reports do.
OFFICE = """
from anvil.tables import app_tables

from ..server_marketing import ledger, mail_events, mail_tallies
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.validators import Items, Int, Text

SOURCE = Text("Source", max_chars=120, required=True)
CONTENT = {
    "subject": "News for {{ first_name }}",
    "preheader": "",
    "format": "markdown",
    "markdown": "Hello {{ first_name }}, [one](https://one.example/?n={{ first_name }}), "
    "[two](https://two.example), [three](https://three.example)",
    "blocks": [],
}


@server_callable(
    needs=TRUSTED_ONLY, takes={"source": SOURCE, "people": Items("People", Int("P"), max_items=99)}
)
def plan_mails(source, people):
    contacts = [app_tables.contacts.get(number=number) for number in people]
    ledger.plan(contacts, source, "mail", CONTENT)


@server_callable(needs=TRUSTED_ONLY, takes={"source": SOURCE})
def read_figures(source):
    figures = mail_tallies.read_totals([source])[source]
    happened = {
        column.removesuffix("_at"): figures[name] for name, column in mail_tallies.MOMENTS.items()
    }
    return {"figures": happened, "links": mail_events.clicked_links(source)}
"""
PERSON = {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605.1 Safari/604.1"}
GMAIL = {"user-agent": "Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("events")
    template = copy_template(
        folder,
        {
            # Tests send by themselves, when they want to.
            "server_code/server_marketing/ledger.py": [
                ("anvil.server.launch_background_task(TASK)", "pass")
            ],
            # A test reads a mail sooner than any person.
            "server_code/server_marketing/scanners.py": [
                ("TOO_SOON = timedelta(seconds=1)", "TOO_SOON = timedelta(0)")
            ],
        },
    )
    office = template / "server_code" / "server_office"
    office.mkdir()
    (office / "__init__.py").write_text("")
    (office / "mail_office.py").write_text(OFFICE)
    with (
        fresh_database(postgres_url) as database_url,
        open_world(folder, database_url, template=template) as running,
    ):
        with running.studio.person("olga") as olga:
            connect(olga, "brevo", running.right_fields()["brevo"])
            olga.call("update_sending_limit", 50)
        yield running


@pytest.fixture
def olga(world: World) -> Iterator[Caller]:
    with world.studio.person("olga") as caller:
        yield caller


_made = iter(range(1, 1_000))


class Sent:
    """A mail that went to a new contact, as it arrived."""

    def __init__(self, world: World, olga: Caller) -> None:
        self.studio = world.studio
        number = next(_made)
        self.source = f"broadcast:T-{number}"
        self.email = f"thandi{number}@example.com"
        contact = olga.call(
            "create_contact",
            {
                "first_name": "Thandi & Co",
                "last_name": "Mokoena",
                "email": self.email,
                "preferences": {"marketing_opt_in": True},
            },
        )["contact"]
        self.contact_id = contact["contact_id"]
        self.world = world
        self.send()

    def send(self) -> None:
        """Send them one more mail."""
        self.source = f"broadcast:T-{next(_made)}"
        with self.studio.uplink() as script:
            script.call("plan_mails", self.source, [int(self.contact_id[2:])])
            script.call("send_mails_now")
        mails = self.world.brevo.sent.values()
        self.mail = [mail for mail in mails if mail["to"][0]["email"] == self.email][-1]
        self.send_key = self.mail["headers"]["X-Mailin-custom"]
        self.page = self.mail["htmlContent"]

    @property
    def links(self) -> list[str]:
        return [html.unescape(link) for link in re.findall(r'<a [^>]*?href="([^"]+)"', self.page)]

    def link(self, words: str) -> str:
        [found] = [link for link in self.links if words in link and "/unsubscribe" not in link]
        return found

    @property
    def pixel(self) -> str:
        return html.unescape(re.findall(r'src="([^"]*/mail-open/[^"]*)"', self.page)[0])

    def get(self, address: str, method: str = "GET", headers: dict[str, str] = PERSON) -> Any:
        parts = urlsplit(address)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return httpx.request(method, self.studio.url + path, headers=headers)

    def figures(self) -> dict[str, int]:
        with self.studio.uplink() as script:
            found = script.call("read_figures", self.source)["figures"]
        return {name: count for name, count in found.items() if count}

    def report(self, event: str, **more: Any) -> httpx.Response:
        return post(
            self.studio,
            {
                "event": event,
                "email": self.email,
                "message-id": f"<{self.send_key}@x>",
                "X-Mailin-custom": self.send_key,
                "ts_event": int(self.now()),
                **more,
            },
        )

    def now(self) -> float:
        [(found,)] = self.studio.query("SELECT extract(epoch FROM now())")
        return float(found)

    def row(self, *columns: str) -> Any:
        listed = ", ".join(columns)
        [found] = self.studio.query(
            f"SELECT {listed} FROM app.mail_sends WHERE send_key = %s", self.send_key
        )
        return found[0] if len(columns) == 1 else found


def post(studio: Any, body: Any, token: str | None = None, **more: Any) -> httpx.Response:
    """Send what Brevo would, with the token that it was given."""
    content = more or {"json": body}
    given = token if token is not None else _token[0]
    known = {"Authorization": f"Bearer {given}"} if given else {}
    return httpx.post(studio.url + "/_/api/webhooks/brevo", headers=known, **content)


_token = [""]


@pytest.fixture(scope="module", autouse=True)
def token(world: World) -> str:
    with world.studio.person("olga") as caller:
        answer = caller.call("connect_brevo_reports")
    hook = world.brevo.webhooks[answer["webhook_id"]]
    assert hook["url"].endswith("/_/api/webhooks/brevo")
    _token[0] = hook["auth"]["token"]
    return _token[0]


def test_a_person_opens_and_clicks(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    assert sent.figures() == {}
    seen = sent.get(sent.pixel, headers=GMAIL)
    assert (seen.status_code, seen.headers["content-type"]) == (200, "image/gif")
    assert "set-cookie" not in seen.headers and "no-store" in seen.headers["cache-control"]
    assert sent.figures() == {"opened": 1}
    clicked = sent.get(sent.link("one.example"))
    assert clicked.status_code == 302 and "set-cookie" not in clicked.headers
    assert clicked.headers["location"] == "https://one.example/?n=Thandi%20%26%20Co"
    assert sent.figures() == {"opened": 1, "clicked": 1}
    with sent.studio.uplink() as script:
        links = script.call("read_figures", sent.source)["links"]
    assert links == [{"link": "https://one.example/?n=Thandi%20%26%20Co", "people": 1}]
    told = sent.studio.query(
        "SELECT event_type FROM app.contact_events WHERE contact_number = %s AND NOT user_visible",
        int(sent.contact_id[2:]),
    )
    assert {("email_opened",), ("email_clicked",)} <= set(told)


def test_a_click_without_pictures_is_an_open_too(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    sent.get(sent.link("two.example"))
    assert sent.figures() == {"opened": 1, "clicked": 1}


def test_the_same_visit_counts_once(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    for _ in range(5):
        sent.get(sent.pixel)
    rows = sent.studio.query(
        "SELECT count(*) FROM app.mail_events WHERE send_key = %s", sent.send_key
    )
    assert rows[0][0] <= 2  # a minute may have ended meanwhile


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"user-agent": "BarracudaCentral/1.0"}),
        ("GET", {"user-agent": "Mozilla/5.0"}),
        ("GET", {"user-agent": ""}),
        ("GET", {**PERSON, "sec-purpose": "prefetch;prerender"}),
        ("GET", {"user-agent": "python-requests/2.32"}),
    ],
    ids=["barracuda", "apple", "nameless", "prefetch", "script"],
)
def test_machines_count_apart(
    world: World, olga: Caller, method: str, headers: dict[str, str]
) -> None:
    sent = Sent(world, olga)
    sent.get(sent.pixel, method, headers)
    answer = sent.get(sent.link("one.example"), method, headers)
    assert answer.status_code == 302  # it looks where the link leads, and may
    assert sent.figures() == {"scanner_opened": 1, "scanner_clicked": 1}


def test_whoever_follows_the_hidden_link_was_a_machine_all_along(
    world: World, olga: Caller
) -> None:
    sent = Sent(world, olga)
    sent.get(sent.pixel)
    sent.get(sent.link("one.example"))
    assert sent.figures() == {"opened": 1, "clicked": 1}
    assert sent.get(sent.link("/mail-link/")).status_code == 204
    assert sent.figures() == {"scanner_opened": 1, "scanner_clicked": 1}


def test_whoever_clicks_everything_at_once_was_a_machine(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    for words in ("one.example", "two.example", "three.example"):
        sent.get(sent.link(words))
    assert sent.figures() == {"scanner_opened": 1, "scanner_clicked": 1}


def test_a_link_leads_only_where_the_mail_said(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    good = sent.link("two.example")
    path, _, target = good.partition("?to=")
    for bad in (
        f"{path}?to=https%3A%2F%2Fevil.example",
        path,
        f"{path}?to={target}&to=https%3A%2F%2Fevil.example",
        good.replace("/mail-click/", "/mail-click/x"),
        f"{path.replace(sent.send_key, 'f' * 24)}?to={target}",
        sent.pixel.replace("/mail-open/", "/mail-click/") + "?to=https%3A%2F%2Fevil.example",
    ):
        answer = sent.get(bad)
        assert answer.status_code == 404 and "location" not in answer.headers, bad
    assert sent.figures() == {}


def test_a_click_arrives_also_when_the_mail_is_no_longer_known(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    sent.studio.query("DELETE FROM app.mail_sends WHERE send_key = %s", sent.send_key)
    set_right(sent.studio)
    assert sent.get(sent.link("two.example")).headers["location"] == "https://two.example"


@pytest.mark.parametrize(
    ("setting", "choice", "is_counted"),
    [
        ("off", "allow", False),
        ("consented", "", False),
        ("consented", "allow", True),
        ("opted_in", "", True),
        ("opted_in", "refuse", False),
    ],
)
def test_only_those_are_counted_who_may_be(
    world: World, olga: Caller, setting: str, choice: str, is_counted: bool
) -> None:
    sent = Sent(world, olga)
    if choice:
        path = urlsplit(sent.link("/mail-choice/")).path
        # A scanner that follows links decides nothing.
        assert "Do not measure" in httpx.get(sent.studio.url + path).text
        answer = httpx.post(sent.studio.url + path, data={"choice": choice})
        assert 'role="status"' in answer.text
    olga.call("update_mail_settings", setting)
    try:
        sent.send()
        assert ("/mail-open/" in sent.page) is is_counted
        assert ("https://two.example" in sent.links) is not is_counted
        # Brevo may count by itself; what nobody allowed is not kept.
        sent.report("opened", user_agent=PERSON["user-agent"])
        assert sent.figures() == ({"opened": 1} if is_counted else {})
    finally:
        olga.call("update_mail_settings", "opted_in")


def test_a_customer_decides_in_their_account_too(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    with world.studio.person("carl") as carl:
        assert carl.call("get_my_account")["measuring"] is True
        carl.call("set_my_tracking_choice", False)
        assert carl.call("get_my_account")["measuring"] is False
        carl.call("set_my_marketing_consent", True)
        [(contact_id, sent.email)] = world.studio.query(
            "SELECT contact_id, email FROM app.contacts WHERE email LIKE 'carl@%%'"
        )
        sent.contact_id = contact_id
        sent.send()
        assert "/mail-open/" not in sent.page
        # What they say in a mail is the same choice.
        olga.call("update_mail_settings", "off")
        assert carl.call("get_my_account")["measuring"] is None
        olga.call("update_mail_settings", "consented")
        try:
            carl.call("set_my_tracking_choice", True)
            sent.send()
            httpx.post(
                sent.studio.url + urlsplit(sent.link("/mail-choice/")).path,
                data={"choice": "refuse"},
            )
            assert carl.call("get_my_account")["measuring"] is False
        finally:
            olga.call("update_mail_settings", "opted_in")


def test_reports_come_twice_late_and_out_of_order(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    now = sent.now()
    for _ in range(2):
        assert sent.report("click", ts_event=now - 5, link="https://two.example").is_success
        assert sent.report("opened", ts_event=now - 10).is_success
        assert sent.report("delivered", ts_event=now - 20).is_success
        assert sent.report("unique_opened", ts_event=now - 30).is_success
    assert sent.figures() == {"delivered": 1, "opened": 1, "clicked": 1}
    opened, delivered = sent.row("opened_at", "delivered_at")
    assert int(opened.timestamp()) == int(now - 30) and opened < delivered
    [(count,)] = sent.studio.query(
        "SELECT count(*) FROM app.mail_events WHERE send_key = %s", sent.send_key
    )
    assert count == 4


@pytest.mark.parametrize(
    ("event", "figure", "kind"),
    [
        ("hard_bounce", "bounced", "bounced"),
        ("invalid_email", "bounced", "bounced"),
        ("blocked", "bounced", "bounced"),
        ("spam", "complained", "complained"),
        ("unsubscribed", "unsubscribed", "unsubscribed"),
    ],
)
def test_what_ends_marketing_ends_it(
    world: World, olga: Caller, event: str, figure: str, kind: str
) -> None:
    sent = Sent(world, olga)
    assert sent.report(event, reason="550 5.1.1 no such user").is_success
    assert sent.figures() == {figure: 1}
    found = olga.call("list_suppressions", search=sent.email)["suppressions"]
    assert kind in [each["kind"] for each in found]
    deliver_mail(world.studio)
    assert (sent.email in world.brevo.blocked) is (figure != "bounced")
    if figure == "bounced":
        assert sent.row("bounce_text") == "550 5.1.1 no such user"


def test_a_full_mailbox_ends_it_only_when_it_stays_full(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    now = sent.now()
    for number in range(4):
        sent.report("soft_bounce", ts_event=now - 1000 + number)
    assert olga.call("list_suppressions", search=sent.email)["suppressions"] == []
    sent.report("delivered", ts_event=now - 500)
    sent.report("soft_bounce", ts_event=now - 400)
    assert olga.call("list_suppressions", search=sent.email)["suppressions"] == []
    for number in range(4):
        sent.report("soft_bounce", ts_event=now - 300 + number)
    assert len(olga.call("list_suppressions", search=sent.email)["suppressions"]) == 1


def test_a_report_settles_what_nobody_knew(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    sent.studio.query(
        "UPDATE app.mail_sends SET state = 'unknown', reason = 'interrupted' WHERE send_key = %s",
        sent.send_key,
    )
    set_right(sent.studio)
    sent.report("delivered")
    assert sent.row("state", "reason") == ("sent", None)


def test_a_bounce_of_another_mail_is_in_the_log(world: World, olga: Caller) -> None:
    world.studio.query(
        "INSERT INTO app.email_log (mail_id, recipient_email, template, subject, status, queued_at)"
        " VALUES ('abc123', 'ann@example.com', 'invitation', 'Hello', 'sent', now())"
    )
    body = {"event": "hard_bounce", "email": "ann@example.com", "X-Mailin-custom": "abc123"}
    assert post(world.studio, {**body, "reason": "no such user"}).is_success
    [mail] = olga.call("list_mails", search="ann@example.com")["mails"]
    assert (mail["status"], mail["error"]) == ("failed", "It came back: no such user")


def give(
    world: World, content: bytes, to: str = "bounces@localhost", sender: str = ""
) -> tuple[int, str]:
    """Give the instance a mail as another server does; how it answers."""
    with smtplib.SMTP("127.0.0.1", world.mail_port, timeout=60) as client:
        try:
            client.sendmail(sender, [to], content)
        except smtplib.SMTPDataError as error:
            return error.smtp_code, str(error.smtp_error, "ascii")
    return 250, ""


def report_on(sent: Sent, status: str, **names: str) -> bytes:
    """A report on a mail: by what names it, or by its signed link where nothing is said."""
    names = names or {"way_out": sent.mail["headers"]["List-Unsubscribe"]}
    given = {"message_id": "<x@relay.example>", "way_out": "<mailto:x@relay.example>", **names}
    return returned_mail.report(status, to=sent.email, **given)


GONE = ("failed", "5.1.1", "smtp; 550 5.1.1 no such user")


@pytest.mark.parametrize("way", ["signed link", "message id", "return path"])
def test_a_mail_that_comes_back_ends_marketing(world: World, olga: Caller, way: str) -> None:
    sent = Sent(world, olga)
    names, to = {}, "Bounces@localhost"
    if way == "message id":
        names = {"message_id": f"<{sent.send_key}@yogastudio.example>"}
    if way == "return path":
        names, to = {"message_id": "<x@y.example>"}, f"bounces+{sent.send_key}@localhost"
    # Reports call the recipient what they like, and come as often as they like.
    content = report_on(sent, returned_mail.status(*GONE, to="elsewhere@example.org"), **names)
    for _ in range(2):
        assert give(world, content, to)[0] == 250
    assert sent.figures() == {"bounced": 1}
    assert sent.row("bounce_text", "state") == ("550 5.1.1 no such user", "sent")
    found = olga.call("list_suppressions", search=sent.email)["suppressions"]
    assert [(each["kind"], each["source"]) for each in found] == [("bounced", sent.source)]
    assert olga.call("list_suppressions", search="elsewhere@example.org")["suppressions"] == []


def test_a_mail_that_is_late_or_refused_for_now_may_come_back(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    late = ("delayed", "4.4.1", "smtp; 451 timed out")
    full = ("failed", "5.2.2", "smtp; 552 5.2.2 over quota")
    for one in (late, full, full, full, full, full):
        give(world, report_on(sent, returned_mail.status(*one, to=sent.email)))
    kinds = sent.studio.query(
        "SELECT kind FROM app.mail_events WHERE send_key = %s ORDER BY kind", sent.send_key
    )
    assert kinds == [("deferred",), ("soft_bounce",)]  # one mail comes back once
    assert olga.call("list_suppressions", search=sent.email)["suppressions"] == []
    for _ in range(4):
        sent.send()
        give(world, report_on(sent, returned_mail.status(*full, to=sent.email)))
    assert len(olga.call("list_suppressions", search=sent.email)["suppressions"]) == 1


def test_whoever_makes_up_a_report_ends_nothing(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    gone = returned_mail.status(*GONE, to=sent.email)
    link = sent.mail["headers"]["List-Unsubscribe"]
    forged = link[:-5] + ("0000>" if link[-5:-1] != "0000" else "1111>")
    for names in (
        {"message_id": f"<{'f' * 24}@yogastudio.example>"},
        {"way_out": forged},
        {"way_out": link.replace(sent.send_key, "e" * 24)},
    ):
        assert give(world, report_on(sent, gone, **names))[0] == 250
    give(world, report_on(sent, gone, message_id=""), f"bounces+{'a' * 24}@localhost")
    # Whom a mail was never sent to, nothing comes back from.
    sent.studio.query(
        "UPDATE app.mail_sends SET state = 'failed', reason = 'gave_up', started_at = NULL "
        "WHERE send_key = %s",
        sent.send_key,
    )
    set_right(world.studio)
    give(world, report_on(sent, gone))
    # A machine's answer is none, and a person's neither: they hear that nobody reads it.
    assert give(world, returned_mail.AWAY, sender=sent.email) == (250, "")
    answer = returned_mail.ANSWER.replace(returned_mail.MAIL_ID.encode(), sent.send_key.encode())
    code, said = give(world, answer, sender=sent.email)
    assert (code, said.startswith("5.2.1 Nobody reads mail here.")) == (550, True)
    assert sent.figures() == {}
    assert olga.call("list_suppressions", search=sent.email)["suppressions"] == []


def test_a_batch_is_taken_whole(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    body = {"email": sent.email, "X-Mailin-custom": sent.send_key, "ts_event": int(sent.now())}
    events = [{**body, "event": name} for name in ("request", "delivered", "opened", "new_thing")]
    answer = post(sent.studio, events)
    assert (answer.status_code, answer.text) == (200, "2 taken, 2 new.")
    assert post(sent.studio, events).text == "2 taken, 0 new."


def test_nobody_else_reports_anything(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    for wrong in ("", "x", _token[0][:-1], _token[0].upper()):
        answer = post(sent.studio, {"event": "opened", "email": sent.email}, token=wrong)
        assert answer.status_code == 401
    assert sent.figures() == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b"[" * 50_000])
def test_nonsense_is_refused_in_words(world: World, body: bytes) -> None:
    answer = post(world.studio, None, content=body)
    assert (answer.status_code, answer.text) == (400, "The message is no list of events.")


def test_an_editor_sees_the_mail_and_what_is_wrong_with_it(world: World, olga: Caller) -> None:
    sent = Sent(world, olga)
    world.studio.query(
        "UPDATE app.contacts SET first_name = '' WHERE contact_id = %s", sent.contact_id
    )
    content = {
        "subject": "Hi {{ first_name }}",
        "blocks": [{"kind": "text", "markdown": "Hello"}, {"kind": "button", "label": "Go"}],
    }
    shown = olga.call("preview_mail", content, with_missing=True)
    assert shown["subject"] == "Hi Thandi" and "Hello" in shown["text"]
    assert [hint["field"] for hint in shown["hints"] if hint["level"] == "fault"] == [
        "blocks.1.link"
    ]
    [missing] = shown["missing"]
    assert missing["name"] == "first_name" and missing["missing"] >= 1
    assert missing["has_fallback"] is False
    with pytest.raises(Refused, match="Link is required"):
        olga.call("send_mail_test", content)


def test_a_test_goes_to_who_asks_for_it(world: World, olga: Caller) -> None:
    content = {"subject": "Hi", "format": "markdown", "markdown": "Hello"}
    answer = olga.call("send_mail_test", content)
    assert answer["is_sent"] and "olga@yogastudio.example" in answer["message"]
    [mail] = [each for each in world.brevo.sent.values() if each["subject"] == "[Test] Hi"]
    assert mail["to"][0]["email"] == "olga@yogastudio.example"
    assert "/mail-open/" not in mail["htmlContent"]
    assert "List-Unsubscribe" not in mail["headers"]


def test_a_script_sends_one_mail(world: World) -> None:
    with world.studio.uplink() as script:
        answer = script.call(
            "send_email",
            "ann@example.com",
            "Ann",
            "Hello",
            "<p>Hello <b>Ann</b></p><script>x</script>",
            campaign_id="7",
        )
    assert answer["is_sent"] and answer["message_id"]
    [mail] = [each for each in world.brevo.sent.values() if each.get("tags") == ["campaign_7"]]
    assert mail["textContent"] == "Hello Ann\n"


def test_brevo_was_asked_as_it_wants_to_be(world: World) -> None:
    assert world.brevo.faults == []
    # Opens, clicks and bounces of all these tests, machines and late news among them.
    assert tallied(world.studio) == recount(world.studio)
