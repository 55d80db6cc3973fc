"""Mail: queued with the change it belongs to, delivered after the commit, at least once."""

from __future__ import annotations

import html
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.product.conftest import fresh_database
from tests.product.mailbox import body_of, deliver_mail, read_mails
from tests.product.studio import Refused, Studio, copy_template, open_studio

# Callables that no product has, to send mails as services do.
POST_OFFICE = """
import os
import pathlib
import threading

from anvil.tables import app_tables

from ..server_emails.mail_service import queue_mail
from ..server_shared import outbox
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.errors import AppError, ProviderError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Record, Rule, Text


class Anything(Rule):
    def clean(self, value):
        return value


@server_callable(
    needs=TRUSTED_ONLY,
    takes={"to": Anything("To"), "variables": Anything("Variables"), "fail": Bool("Fail")},
)
def post_mail(to, variables, fail=False):
    return {"mail_id": in_transaction(_post)(to, variables, fail)}


def _post(to, variables, fail):
    mail_id = queue_mail("invitation", to, variables)
    if fail:
        raise AppError("Something else went wrong.")
    return mail_id


def _deliver(entry):
    if entry.payload.get("permanent"):
        raise ProviderError("It is refused for good.", permanent=True)
    raise ProviderError("It does not answer.")


outbox.handlers["broken"] = outbox.Handler(_deliver, lambda entry, outcome: None)


@server_callable(needs=TRUSTED_ONLY, takes={"permanent": Bool("Permanent")})
def post_broken(permanent):
    in_transaction(outbox.add)("broken", {"permanent": permanent})


def _deliver_at_the_second_try(entry):
    marker = pathlib.Path(entry.payload["marker"])
    if marker.exists():
        marker.write_text("delivered")
        return
    pathlib.Path(f"{marker}.new").write_text(str(os.getpid()))
    os.replace(f"{marker}.new", marker)
    threading.Event().wait()  # until the process is killed


outbox.handlers["endless"] = outbox.Handler(
    _deliver_at_the_second_try, lambda entry, outcome: None
)


@server_callable(needs=TRUSTED_ONLY, takes={"marker": Text("Marker", max_chars=500)})
def post_endless(marker):
    in_transaction(outbox.add)("endless", {"marker": marker})
"""
INVITATION = {
    "person_name": "Thandi Mokoena",
    "inviter_name": "Olga [evil](https://evil.example) <b>Naidoo</b>",
    "role_name": "manager",
    "link": "https://yogastudio.example/app/invitation/s3cret_tok-en",
    "expires_on": "28 November 2026",
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    """An instance with the post office."""
    folder = tmp_path_factory.mktemp("office")
    template = copy_template(folder, {})
    service = template / "server_code" / "server_post"
    service.mkdir()
    (service / "__init__.py").write_text("")
    (service / "post_office.py").write_text(POST_OFFICE)
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder / "instance", database_url, template=template) as studio,
    ):
        yield studio


def test_a_mail_goes_out_after_the_commit_by_itself(office: Studio) -> None:
    """Nobody asks for delivery here: the call that queued it starts the task."""
    with office.uplink() as script:
        mail_id = script.call("post_mail", "Thandi@Example.com", INVITATION)["mail_id"]
        _wait_for(lambda: office.query("SELECT 1 FROM app.email_log WHERE status = 'sent'"))
    [message] = read_mails(office, "thandi@example.com")
    subject = "Olga [evil](https://evil.example) <b>Naidoo</b> invites you to Sunrise Yoga"
    assert " ".join(message["subject"].split()) == subject
    assert message["from"].startswith("Sunrise Yoga <")
    page = body_of(message)
    assert f'href="{html.escape(INVITATION["link"])}"' in page
    assert "<b>Olga [evil](https://evil.example) &lt;b&gt;Naidoo&lt;/b&gt;</b>" in page
    assert INVITATION["link"] in body_of(message, "plain")
    [(recipient, status, attempts, provider)] = office.query(
        "SELECT recipient_email, status, attempts, provider FROM app.email_log WHERE mail_id = %s",
        mail_id,
    )
    assert (recipient, status, attempts, provider) == ("thandi@example.com", "sent", 1, "server")
    assert office.query("SELECT 1 FROM app.outbox") == []


def test_nothing_goes_out_when_the_change_is_rolled_back(office: Studio) -> None:
    with office.uplink() as script, pytest.raises(Refused, match="Something else"):
        script.call("post_mail", "never@example.com", INVITATION, True)
    deliver_mail(office)
    assert read_mails(office, "never@example.com") == []
    found = "SELECT 1 FROM app.email_log WHERE recipient_email = 'never@example.com'"
    assert office.query(found) == []


@pytest.mark.parametrize(
    ("to", "changed"),
    [
        ("a@example.com\r\nBcc: all@example.com", {}),
        ("a@example.com, b@example.com", {}),
        ("a@example.com", {"inviter_name": "Olga\r\nBcc: all@example.com"}),
        ("a@example.com", {"inviter_name": "Olga\u2028Bcc: all@example.com"}),
        ("a@example.com", {"person_name": "Ann\nX: y"}),
        ("a@example.com", {"role_name": "x\x00y"}),
    ],
)
def test_refuses_what_could_begin_another_header(
    office: Studio, to: str, changed: dict[str, str]
) -> None:
    with office.uplink() as script, pytest.raises(Refused, match="invalid"):
        script.call("post_mail", to, {**INVITATION, **changed})
    assert read_mails(office, "all@example.com") == []


def test_secrets_are_not_to_be_read_in_the_database(office: Studio) -> None:
    """The link is a key to an account: as long as it waits, it is encrypted."""
    office.query("CREATE TABLE app.seen AS SELECT * FROM app.outbox WHERE false")
    office.query(
        "CREATE FUNCTION app.see() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO app.seen SELECT NEW.*; RETURN NEW; END $$"
    )
    office.query(
        "CREATE TRIGGER see AFTER INSERT ON app.outbox FOR EACH ROW EXECUTE FUNCTION app.see()"
    )
    try:
        with office.uplink() as script:
            script.call("post_mail", "quiet@example.com", INVITATION)
        deliver_mail(office)
        [(row,)] = office.query("SELECT t::text FROM app.seen t")
        assert "quiet@example.com" in row
        assert "s3cret" not in row
        assert "Olga" not in row
    finally:
        office.query("DROP TRIGGER see ON app.outbox")
        office.query("DROP FUNCTION app.see()")
        office.query("DROP TABLE app.seen")
    log = office.query("SELECT string_agg(t::text, '') FROM app.email_log t")
    assert "s3cret" not in log[0][0]


def test_what_fails_is_tried_again_later_and_later_and_then_given_up(office: Studio) -> None:
    with office.uplink() as script:
        script.call("post_broken", False)
        pauses = []
        for _ in range(9):
            deliver_mail(office)
            [(status, pause)] = office.query(
                "SELECT status, extract(epoch FROM due_at - now()) FROM app.outbox"
            )
            assert status == "waiting"
            pauses.append(float(pause))
            office.query("UPDATE app.outbox SET due_at = now()")
        deliver_mail(office)
    # A minute, doubled each time; less what a slow machine took to look.
    assert pauses[0] < 70 and pauses[-1] > 200 * 60
    assert pauses == sorted(pauses)
    found = office.query("SELECT status, attempts, last_error FROM app.outbox")
    assert found == [("dead", 10, "It does not answer.")]
    office.query("DELETE FROM app.outbox")


def test_what_cannot_get_better_is_given_up_at_once(office: Studio) -> None:
    with office.uplink() as script:
        script.call("post_broken", True)
    deliver_mail(office)
    found = office.query("SELECT status, attempts FROM app.outbox")
    assert found == [("dead", 1)]
    office.query("DELETE FROM app.outbox")


def test_an_entry_whose_worker_died_is_delivered_when_its_lease_ends(office: Studio) -> None:
    """What a killed run leaves behind: leased rows. Until the lease ends they are someone's."""
    office.query(
        "CREATE FUNCTION app.stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "NEW.lease = 'dead-worker'; NEW.attempts = 1; NEW.due_at = now() + interval '10 minutes';"
        "RETURN NEW; END $$"
    )
    office.query(
        "CREATE TRIGGER stay BEFORE INSERT ON app.outbox FOR EACH ROW EXECUTE FUNCTION app.stay()"
    )
    try:
        with office.uplink() as script:
            script.call("post_mail", "later@example.com", INVITATION)
            answer = script.call("deliver_outbox_now")
            assert answer["delivered"] == 0
            assert answer["entries"]["leased"] == 1
    finally:
        office.query("DROP TRIGGER stay ON app.outbox")
        office.query("DROP FUNCTION app.stay()")
    assert read_mails(office, "later@example.com") == []
    office.query("UPDATE app.outbox SET due_at = now()")
    deliver_mail(office)
    assert len(read_mails(office, "later@example.com")) == 1


def test_a_run_that_is_killed_at_work_loses_nothing(office: Studio, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with office.uplink() as script:
        script.call("post_endless", str(marker))
    _wait_for(marker.exists)
    os.kill(int(marker.read_text()), signal.SIGKILL)
    found = office.query("SELECT status, attempts, lease IS NOT NULL FROM app.outbox")
    assert found == [("waiting", 1, True)]
    office.query("UPDATE app.outbox SET due_at = now()")  # the lease has run out
    deliver_mail(office)
    assert marker.read_text() == "delivered"
    assert office.query("SELECT 1 FROM app.outbox") == []


def test_many_runs_at_once_deliver_each_mail_once(office: Studio) -> None:
    """Callers that deliver at the same time share the work and do none of it twice."""
    from concurrent.futures import ThreadPoolExecutor

    with office.uplink() as script:
        for number in range(12):
            script.call("post_mail", f"crowd{number}@example.com", INVITATION)

    def deliver() -> None:
        with office.uplink() as script:
            script.call("deliver_outbox_now")

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(deliver) for _ in range(4)]:
            done.result()
    deliver_mail(office)
    counts = [len(read_mails(office, f"crowd{number}@example.com")) for number in range(12)]
    assert counts == [1] * 12


def _wait_for(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen within a minute"
