"""Brevo's API: what is asked, and what each of its answers means for a mail."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from master_template.server_emails import mail_senders
from master_template.server_emails.mail_senders import LATER, REFUSED, TAKEN, UNKNOWN, OutgoingMail
from master_template.server_integrations import brevo_api, provider_checks
from master_template.server_marketing import brevo_integration, mail_events, scanners
from master_template.server_shared import http_client
from tests.product.providers.mail import Brevo
from tests.product.providers.server import Reply, serve

MAIL = OutgoingMail(
    mail_id="5e1f",
    to="thandi@example.com",
    to_name="Thandi Mokoena",
    subject="News",
    text="News",
    html="<p>News</p>",
    from_name="Sunrise Yoga",
    reply_to="hello@yogastudio.example",
    headers={"List-Unsubscribe": "<https://x.example/u>"},
    tags=["campaign_7"],
)


@pytest.fixture
def brevo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Brevo]:
    provider = Brevo()
    values = {"sender_email": provider.sender, "api_key": provider.key}
    with serve(provider):
        monkeypatch.setattr(provider_checks, "base_url", lambda name, usual: provider.url)
        monkeypatch.setattr(mail_senders, "is_connected", lambda name: name == "brevo")
        monkeypatch.setattr(mail_senders, "read_integration", lambda name: values)
        monkeypatch.setattr(http_client.time, "sleep", lambda seconds: None)
        yield provider
    assert provider.faults == []


def test_a_mail_is_sent_with_its_headers_and_tags(brevo: Brevo) -> None:
    attempt = mail_senders.attempt(MAIL)
    [(key, sent)] = brevo.sent.items()
    assert (attempt.state, attempt.provider) == (TAKEN, "brevo")
    assert attempt.reference == f"<{key}@smtp-relay.mailin.fr>"
    assert sent["headers"] == {
        "List-Unsubscribe": "<https://x.example/u>",
        "X-Mailin-custom": "5e1f",
        "idempotencyKey": str(uuid.UUID(key)),
    }
    assert (sent["to"], sent["tags"]) == (
        [{"email": "thandi@example.com", "name": "Thandi Mokoena"}],
        ["campaign_7"],
    )


def test_the_same_mail_twice_is_sent_once(brevo: Brevo) -> None:
    assert [mail_senders.attempt(MAIL).state for _ in range(2)] == [TAKEN, TAKEN]
    assert len(brevo.sent) == 1
    mail_senders.attempt(replace(MAIL, mail_id="5e20"))
    assert len(brevo.sent) == 2


@pytest.mark.parametrize(
    ("reply", "state", "code", "is_for_all", "words"),
    [
        (Reply(401, {"message": "Key not found"}), LATER, "provider_refused", True, "API key"),
        (Reply(403, {"code": "permission_denied"}), LATER, "provider_refused", True, "API key"),
        (
            Reply(402, {"code": "not_enough_credits", "message": "no credits"}),
            LATER,
            "provider_no_credits",
            True,
            "credits",
        ),
        (
            Reply(400, {"code": "invalid_parameter", "message": "email is not valid in to"}),
            REFUSED,
            "provider_failed",
            False,
            "email is not valid",
        ),
        (
            Reply(400, {"code": "invalid_parameter", "message": "Sender is not valid"}),
            LATER,
            "provider_refused",
            True,
            "as the sender",
        ),
        (Reply(500, {"message": "oops"}), UNKNOWN, "provider_failed", False, "oops"),
        (Reply(200, None, raw=b"<html>"), UNKNOWN, "provider_failed", False, "understood"),
        (Reply(201, None, raw=b"{'a'"), UNKNOWN, "provider_failed", False, "understood"),
        (Reply(404, None, raw=b"nothing"), REFUSED, "provider_failed", False, "404"),
    ],
    ids=["key", "network", "credits", "address", "sender", "error", "html", "broken", "path"],
)
def test_each_answer_means_something_for_the_mail(
    brevo: Brevo, reply: Reply, state: str, code: str, is_for_all: bool, words: str
) -> None:
    brevo.trouble = [reply]
    attempt = mail_senders.attempt(MAIL)
    assert (attempt.state, attempt.code, attempt.is_for_all) == (state, code, is_for_all)
    assert words in attempt.message and brevo.key not in attempt.message


def test_a_limit_says_how_long_to_wait(brevo: Brevo) -> None:
    for headers in ({"retry-after": "120"}, {"x-sib-ratelimit-reset": "120"}):
        brevo.trouble = [Reply(429, {"message": "slow down"}, headers)]
        attempt = mail_senders.attempt(MAIL)
        assert (attempt.state, attempt.code) == (LATER, "provider_busy")
        assert attempt.retry_after_seconds == 120 and attempt.is_for_all


def test_a_gateway_that_times_out_leaves_a_doubt(brevo: Brevo) -> None:
    brevo.trouble = [Reply(504)] * http_client.MAX_TRIES
    assert mail_senders.attempt(MAIL).state == UNKNOWN
    assert mail_senders.attempt(MAIL).state == TAKEN


def test_no_answer_leaves_a_doubt_and_no_connection_none(
    brevo: Brevo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*args: object, **kwargs: object) -> None:
        raise httpx.ReadTimeout("too long")

    monkeypatch.setattr(http_client.ProviderClient, "_ask", break_off)
    assert mail_senders.attempt(MAIL).state == UNKNOWN
    monkeypatch.undo()
    monkeypatch.setattr(http_client.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(mail_senders, "is_connected", lambda name: name == "brevo")
    values = {"sender_email": brevo.sender, "api_key": brevo.key}
    monkeypatch.setattr(mail_senders, "read_integration", lambda name: values)
    monkeypatch.setattr(provider_checks, "base_url", lambda name, usual: "http://127.0.0.1:9")
    attempt = mail_senders.attempt(MAIL)
    assert (attempt.state, attempt.code) == (LATER, "provider_unreachable")


def test_the_webhook_is_made_once_and_then_changed(brevo: Brevo) -> None:
    values = {"sender_email": brevo.sender, "api_key": brevo.key}
    brevo.webhooks[3] = {"url": "https://other.example/hook", "events": ["click"]}
    for token in ("a" * 48, "b" * 48):
        hook_id = brevo_api.ensure_webhook(values, "https://x.example/hook", token)
        assert brevo.webhooks[hook_id]["auth"]["token"] == token
    assert len(brevo.webhooks) == 2 and brevo.webhooks[3]["events"] == ["click"]


def test_an_address_is_put_on_brevos_own_block_list(brevo: Brevo) -> None:
    values = {"sender_email": brevo.sender, "api_key": brevo.key}
    brevo_api.block_contact(values, "gone@example.com")
    assert brevo.blocked == {"gone@example.com"}


EVENT = {
    "event": "delivered",
    "email": "Thandi@Example.com",
    "id": 26,
    "message-id": "<1@smtp-relay.mailin.fr>",
    "ts_event": 1_700_000_000,
    "X-Mailin-custom": "5e1f",
    "something_new": {"a": [1]},
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, mail_events.OPENED) for name in ("opened", "unique_opened", "uniqueOpened")),
        *((name, mail_events.HARD_BOUNCE) for name in ("hard_bounce", "hardBounce")),
        *((name, mail_events.SOFT_BOUNCE) for name in ("soft_bounce", "softBounce")),
        *((name, mail_events.INVALID) for name in ("invalid", "invalid_email")),
        ("delivered", mail_events.DELIVERED),
        ("click", mail_events.CLICKED),
        ("spam", mail_events.COMPLAINT),
        ("blocked", mail_events.BLOCKED),
        ("deferred", mail_events.DEFERRED),
        ("unsubscribed", mail_events.UNSUBSCRIBED),
        ("error", mail_events.ERROR),
    ],
)
def test_every_event_is_understood(name: str, kind: str) -> None:
    [report] = brevo_integration.read_reports({**EVENT, "event": name})
    assert (report.kind, report.send_key, report.email) == (kind, "5e1f", "thandi@example.com")
    assert report.occurred_at.timestamp() == 1_700_000_000


def test_a_batch_is_read_oldest_first_without_what_is_unknown() -> None:
    batch = [
        {**EVENT, "event": "opened", "ts_event": 30},
        {**EVENT, "event": "request"},
        {**EVENT, "event": "loved"},
        {**EVENT, "event": "delivered", "ts_event": None, "ts_epoch": 20_000_000_000_000},
        {**EVENT, "event": "click", "ts_event": 10, "link": "https://x.example/a"},
    ]
    found = brevo_integration.read_reports(batch)
    assert [report.kind for report in found] == ["clicked", "opened", "delivered"]
    assert brevo_integration.read_reports({"events": batch}) == found


def test_the_same_event_has_the_same_key_and_others_have_not() -> None:
    def key(**changes: object) -> str:
        [report] = brevo_integration.read_reports({**EVENT, **changes})
        return report.event_key

    assert key() == key(id=99, something_new=None)
    others = [{"event": "opened"}, {"ts_event": 2}, {"message-id": "<2@x>"}, {"email": "b@x.de"}]
    assert len({key(), *(key(**other) for other in others)}) == 5


@pytest.mark.parametrize("body", [1, "x", None, [1], [[]], [EVENT] * 1_001])
def test_what_is_no_message_of_brevos_is_refused(body: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        brevo_integration.read_reports(body)


@pytest.mark.parametrize(
    "odd",
    [
        {"ts_event": float("inf")},
        {"ts_event": "x", "ts": True},
        {"email": ["a"], "message-id": 7, "X-Mailin-custom": {"a": 1}},
        {"reason": "x" * 100_000, "link": None},
        {"event": "CLICK "},
    ],
)
def test_odd_values_break_nothing(odd: dict[str, object]) -> None:
    [report] = brevo_integration.read_reports({**EVENT, **odd})
    assert report.occurred_at.tzinfo is not None and len(report.detail) <= 2_000


@pytest.mark.parametrize(
    ("event", "scanner"),
    [
        ({"event": "unique_proxy_open"}, scanners.APPLE),
        ({"event": "opened", "user_agent": "Mozilla/5.0"}, scanners.APPLE),
        ({"event": "click", "user_agent": "BarracudaCentral"}, "Barracuda"),
        ({"event": "click", "user_agent": "Mozilla/5.0 (iPhone) Safari/604.1"}, ""),
        ({"event": "opened", "user_agent": "... (via ggpht.com GoogleImageProxy)"}, ""),
        ({"event": "delivered"}, ""),
    ],
)
def test_machines_are_told_apart(event: dict[str, str], scanner: str) -> None:
    [report] = brevo_integration.read_reports({**EVENT, **event})
    assert report.scanner == scanner
