"""What people are told: once when it begins, once when it is over; by channels that get what their
providers document."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from click.testing import CliRunner

from scripts.commands.mybizz.alerts import alerts
from scripts.operations.home import Home, OperationError
from scripts.operations.observing import channels
from scripts.operations.observing.asking import Answer, Reach
from scripts.operations.observing.channels import UnsentError
from scripts.operations.observing.folder_look import FolderLook
from scripts.operations.observing.guarding import guard_monitor
from scripts.operations.observing.looking import InstanceLook, Look, Memory
from scripts.operations.observing.machine_look import MachineLook
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.settings import (
    Settings,
    parse_settings,
    read_settings,
    settings_file,
    write_settings,
)
from scripts.operations.observing.store import (
    Silence,
    State,
    changing_state,
    read_alerts,
    state_file,
    take_round,
)
from scripts.operations.observing.telling import make_message, queue_messages
from scripts.operations.serving import find_free_port

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SLACK = {"webhook_url": "https://hooks.slack.com/services/T/B/x"}
BOTH = Settings(
    channels={
        "slack": SLACK,
        "whatsapp": {"phone_number_id": "1", "access_token": "t", "to": ["1"], "template": "a"},
    }
)


def finding(rule: str, instance: str | None = "inn", part: str | None = None) -> Finding:
    return Finding(RULES[rule], f"{rule} of {instance}.", f"Mend {rule}.", instance, part)


class Story:
    """Rounds, half a minute apart, and what people were told in them."""

    def __init__(self, settings: Settings = BOTH):
        self.settings = settings
        self.state = State()
        self.at = START
        self.silent: tuple[str, ...] = ()

    def round(self, *found: Finding, after: timedelta = timedelta(seconds=30)) -> list[str]:
        """One round; ``["channel: subject"]`` of what is told in it."""
        self.at += after
        look = Look(self.at, self.settings, MachineLook((), 50.0), (), Memory())
        change = take_round(self.state, found, look)
        queue_messages(self.state, change, self.settings, self.at)
        told = [f"{each['channel']}: {each['subject']}" for each in self.state.queue]
        self.last, self.state.queue = self.state.queue, []
        return told


def test_tells_once_that_it_begins_and_once_that_it_is_over():
    story = Story()
    bad = finding("outbox_dead")
    assert story.round(bad) == ["slack: Mybizz warning: Something was given up (inn)"]
    assert [story.round(bad) for _round in range(20)] == [[]] * 20
    assert story.round() == []
    assert story.round() == ["slack: Mybizz: over: Something was given up (inn)"]
    assert story.last[0]["text"] == "OVER: Something was given up: inn (11 minutes)."
    assert story.round() == []


def test_says_nothing_of_what_one_restart_explains():
    story = Story()
    away = finding("instance_down")
    assert story.round(away) == []
    assert story.round() == []
    assert story.round(away) == []
    assert len(story.round(away)) == 2


def test_one_message_holds_all_of_a_round_the_worst_first():
    story = Story()
    found = [finding("drill_old", f"spa-{n}") for n in range(12)] + [finding("backup_missing")]
    slack, whatsapp = story.round(*found)
    assert slack == (
        "slack: Mybizz CRITICAL: There is no backup (inn); No restore drill for a long time (spa-0,"
        " spa-1, spa-2, spa-3, spa-4, spa-5, spa-6, spa-7 and 4 more)"
    )
    assert whatsapp == "whatsapp: Mybizz CRITICAL: There is no backup (inn)"
    text = story.last[0]["text"]
    assert text.startswith("CRITICAL: backup_missing of inn.\n  Next step: Mend backup_missing.\n")
    assert text.count("Next step") == 13 and "docs/alerts.md#drill-old" in text


def test_reminds_once_a_day_until_somebody_looks_after_it():
    story = Story()
    bad = finding("outbox_dead")
    story.round(bad)
    hours = [story.round(bad, after=timedelta(hours=1)) for _hour in range(50)]
    assert [hour for hour, told in enumerate(hours) if told] == [23, 47]
    story.state.open[0].acknowledged_by = "olga"
    hours = [story.round(bad, after=timedelta(hours=1)) for _hour in range(50)]
    assert not any(hours)
    story.round()
    assert len(story.round()) == 1


def test_what_comes_and_goes_does_not_ring_all_night():
    """Two minutes there, five minutes away, for twelve hours: a hundred times."""
    story = Story()
    bad = finding("latency")
    messages = 0
    for _time in range(100):
        messages += sum(len(story.round(bad)) for _round in range(4))
        messages += sum(len(story.round()) for _round in range(10))
    assert 2 <= messages <= 8


def test_tells_after_a_silence_what_is_still_wrong():
    story = Story()
    until = (START + timedelta(hours=2)).isoformat()
    story.state.silences.append(Silence("a1", until, "olga", instance="inn"))
    mine, other = finding("backup_old"), finding("backup_old", "spa")
    assert story.round(mine, other)[0] == "slack: Mybizz CRITICAL: The newest backup is old (spa)"
    assert story.round(mine, other, after=timedelta(hours=1)) == []
    told = story.round(mine, other, after=timedelta(hours=1))
    assert told[0] == "slack: Mybizz CRITICAL: The newest backup is old (inn)"


def test_what_was_never_told_is_not_told_to_be_over():
    story = Story(Settings())
    story.round(finding("outbox_dead"))
    story.settings = BOTH
    assert story.round() == [] and story.round() == [] and not story.state.open


@pytest.mark.parametrize(
    ("rule", "blind"),
    [
        ("outbox_dead", InstanceLook(FolderLook("inn", Path("inn"), config={"app": "inn"}), 3030)),
        (
            "latency",
            InstanceLook(
                FolderLook("inn", Path("inn"), config={"app": "inn"}),
                3030,
                answer=Answer(Reach.REFUSED),
            ),
        ),
        ("latency", InstanceLook(FolderLook("inn", Path("inn"), problem="no YAML"))),
    ],
    ids=["no database", "no server", "no configuration"],
)
def test_nothing_is_over_while_nobody_can_look(rule: str, blind: InstanceLook):
    story = Story()
    story.round(finding(rule))
    for _round in range(10):
        look = Look(story.at, BOTH, MachineLook((), 50.0), (blind,), Memory())
        assert take_round(story.state, [], look).ended == ()
    assert [alert.rule for alert in story.state.open] == [rule]


def test_a_killed_write_leaves_the_state_of_before(home: Home):
    with changing_state(home) as state:
        state.silences.append(Silence("a1", START.isoformat(), "olga", rule="latency"))
    with pytest.raises(KeyboardInterrupt), changing_state(home) as state:
        state.silences.clear()
        raise KeyboardInterrupt
    assert [each["id"] for each in read_alerts(home)["silences"]] == ["a1"]
    state_file(home).write_text('{"format": 1, "alerts": [')
    assert read_alerts(home)["alerts"] == []


# Channels


class Provider(ThreadingHTTPServer):
    """Answers as it is told and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.answer: tuple[int, str] = (200, "ok")
        self.answers: list[tuple[int, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, json.loads(body)))
        answers = self.server.answers
        status, text = answers.pop(0) if answers else self.server.answer
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


MESSAGE = {
    "id": "ab12",
    "subject": "Mybizz CRITICAL: A <disk> & more",
    "text": "CRITICAL: 3 < 5\n  Next step: free it",
    "line": "The disk is\nfull.\tNext step:     free it",
    "made_at": START.isoformat(),
}


def test_slack_gets_text_with_its_three_signs_escaped(provider: Provider):
    channel = {"webhook_url": f"{provider.url}/services/T/B/x"}
    channels.send("slack", channel, MESSAGE)
    path, headers, body = provider.requests[0]
    assert (path, headers["content-type"]) == ("/services/T/B/x", "application/json")
    assert body == {
        "text": "*Mybizz CRITICAL: A &lt;disk&gt; &amp; more*\n"
        "CRITICAL: 3 &lt; 5\n  Next step: free it"
    }
    provider.answer = (404, "no_service")
    with pytest.raises(UnsentError, match="Slack answered 404: no_service") as error:
        channels.send("slack", channel, MESSAGE)
    assert error.value.is_permanent


def test_slack_that_is_away_is_told_without_its_secret_address():
    with pytest.raises(UnsentError) as error:
        channels.send("slack", {"webhook_url": "http://127.0.0.1:9/services/SECRET"}, MESSAGE)
    assert "SECRET" not in str(error.value) and "could not be reached" in str(error.value)


def test_nobody_gets_it_twice_because_another_number_is_wrong(provider: Provider):
    channel = {
        **{"phone_number_id": "1055", "access_token": "EAAG", "template": "mybizz_alert"},
        **{"to": ["111", "222"], "base_url": provider.url},
    }
    message = make_message("whatsapp", [], [], START)
    provider.answers = [(200, "{}"), (400, '{"error": {"message": "Recipient not allowed"}}')]
    with pytest.raises(UnsentError, match="Recipient not allowed"):
        channels.send("whatsapp", channel, message)
    channels.send("whatsapp", channel, message)
    assert [body["to"] for _path, _headers, body in provider.requests] == ["111", "222", "222"]


def test_whatsapp_gets_a_template_with_one_line_each_number_once(provider: Provider):
    channel = {
        "phone_number_id": "1055",
        "access_token": "EAAG",
        "template": "mybizz_alert",
        "to": ["+27 82 123 4567", "+49 30 1234"],
        "base_url": f"{provider.url}/v23.0",
    }
    message = {**MESSAGE, "told": ["+27 82 123 4567"]}
    channels.send("whatsapp", channel, message)
    ((path, headers, body),) = provider.requests
    assert path == "/v23.0/1055/messages" and headers["authorization"] == "Bearer EAAG"
    text = "The disk is full. Next step: free it"
    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "49301234",
        "type": "template",
        "template": {
            "name": "mybizz_alert",
            "language": {"code": "en"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": text}]}],
        },
    }
    provider.answer = (401, '{"error": {"message": "Error validating access token"}}')
    with pytest.raises(UnsentError, match="401: Error validating access token"):
        channels.send("whatsapp", channel, {**MESSAGE, "told": []})


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))
        return "250 OK"


@contextmanager
def mail_server(password: bytes) -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()

    def judge(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == password, handled=False)

    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=find_free_port(),
        authenticator=judge,
        auth_required=False,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield mailbox, controller.server.sockets[0].getsockname()[1]
    finally:
        controller.stop()


def test_a_mail_goes_to_all_and_is_the_same_when_it_is_sent_again():
    with mail_server(b"right") as (mailbox, port):
        channel = {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "username": "alerts",
            "password": "right",
            "sender": "alerts@mybizz.example",
            "to": ["a@x.example", "b@x.example"],
        }
        for _time in range(2):
            channels.send("email", channel, MESSAGE)
        with pytest.raises(UnsentError, match="does not accept the user name and password"):
            channels.send("email", {**channel, "password": "wrong"}, MESSAGE)
    assert [rcpt for rcpt, _mail in mailbox.mails] == [["a@x.example", "b@x.example"]] * 2
    first, second = (mail for _rcpt, mail in mailbox.mails)
    assert first["Message-ID"] == second["Message-ID"] == "<ab12.alert@mybizz.example>"
    assert first["Subject"] == MESSAGE["subject"] and first["Auto-Submitted"] == "auto-generated"
    assert first.get_content().split() == str(MESSAGE["text"]).split()


# Settings and commands


def run(*words: object, base: Path, expected: int = 0) -> str:
    """What `scripts/mybizz fleet alerts` says, here in this process."""
    arguments = [*map(str, words), "--data-dir", str(base)]
    done = CliRunner().invoke(alerts, arguments)
    assert done.exit_code == expected, done.output
    return done.output


def ask(*words: object, base: Path) -> Any:
    return json.loads(run(*words, "--json", base=base))


def test_secrets_are_kept_for_their_owner_alone_and_never_shown(tmp_path: Path):
    secret = tmp_path / "webhook"
    secret.write_text("https://hooks.slack.com/services/T/B/SECRET\n")
    base = tmp_path / "home"
    assert ask("set", "slack", "--webhook-file", secret, base=base)["ok"]
    run("set", "limits", "backup_hours=26", base=base)
    file = settings_file(Home.at(base))
    assert file.stat().st_mode & 0o777 == 0o600 and "SECRET" in file.read_text()
    shown = run("channels", "--json", base=base)
    assert "SECRET" not in shown and json.loads(shown)["channels"]["slack"]["minimum"] == "warning"
    assert read_settings(Home.at(base)).limits.backup_hours == 26
    os.chmod(file, 0o644)
    told = run("channels", base=base, expected=1)
    assert f"chmod 600 {file}" in told


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"channels": {"fax": {}}}, "'fax' is no channel; there are email, slack, whatsapp"),
        ({"channels": {"slack": {}}}, "slack: webhook_url is missing"),
        ({"channels": {"slack": {"webhook_url": "hooks"}}}, "an address such as https://"),
        ({"channels": {"slack": {**SLACK, "minimum": "mild"}}}, "minimum is critical or warning"),
        ({"channels": {"slack": {**SLACK, "colour": 1}}}, "'colour' is not known"),
        ({"limits": {"backup_hour": 1}}, "'backup_hour' is no limit; there are "),
        ({"limits": {"backup_hours": "often"}}, "a number was expected, not 'often'"),
        ({"interval_seconds": 600}, "a number from 5 to 60 was expected"),
        ({"chanels": {}}, "'chanels' is no setting"),
        ([], "a map of settings was expected"),
    ],
    ids=lambda value: None if isinstance(value, str) else "",
)
def test_says_what_is_wrong_with_the_settings(given: Any, says: str):
    with pytest.raises(OperationError, match=says):
        parse_settings(given)


def test_settings_are_the_same_when_they_are_written_and_read(home: Home):
    write_settings(home, BOTH)
    assert read_settings(home) == BOTH


def test_a_monitor_that_never_ran_is_missed_after_two_minutes(home: Home):
    write_settings(home, Settings(channels={"slack": SLACK}))
    sent: list[str] = []

    def send(kind: str, _channel: Any, message: Any) -> None:
        sent.append(f"{kind}: {message['subject']}")

    now = datetime.now(UTC)
    assert guard_monitor(home, now, send=send) is None
    for minutes in (3, 4, 5):
        assert guard_monitor(home, now + timedelta(minutes=minutes), send=send)
    assert sent == ["slack: Mybizz CRITICAL: The monitor does not run"]


def test_nobody_misses_a_monitor_that_nobody_wants(home: Home):
    assert guard_monitor(home, datetime.now(UTC)) is None


def test_an_alert_is_acknowledged_and_silenced_by_command(home: Home):
    with changing_state(home) as state:
        look = Look(START, BOTH, MachineLook((), 50.0), (), Memory())
        take_round(state, [finding("outbox_dead")], look)
    base = home.data
    told = run("acknowledge", "outbox_dead:spa", base=base, expected=1)
    assert "there are: outbox_dead:inn" in told
    words = ("acknowledge", "outbox_dead:inn", "--note", "new mail server")
    assert ask(*words, base=base)["by"]
    silence = ("silence", "--instance", "inn", "--for", "2h")
    made = ask(*silence, base=base)
    (alert,) = ask("list", base=base)["alerts"]
    assert alert["note"] == "new mail server" and alert["is_silenced"] and alert["acknowledged_at"]
    ask("unsilence", made["id"], base=base)
    assert not ask("list", base=base)["alerts"][0]["is_silenced"]
    wrong = ("silence", "--rule", "latency", "--for", "for ever")
    assert "30m, 2h or 3d" in run(*wrong, base=base, expected=1)
