"""Two subjects for one broadcast: who tries which, who wins, and that each person gets one mail."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master_template.server_marketing.subject_tests import FIRST, SECOND, choose, variant_of
from tests.product.mailbox import deliver_mail
from tests.product.studio import Caller, Refused, Studio
from tests.product.test_campaigns import mail

_numbers = itertools.count(1)
PEOPLE = 24


@given(st.text(min_size=1, max_size=20), st.integers(10, 50))
def test_shares_are_as_asked_for(broadcast_id: str, percent: int) -> None:
    tried = [variant_of(broadcast_id, number, percent) for number in range(2_000)]
    for variant in (FIRST, SECOND):
        assert abs(tried.count(variant) - 10 * percent) < 110
    assert tried == [variant_of(broadcast_id, number, percent) for number in range(2_000)]


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ((10, 5, 0), (10, 6, 0), SECOND),
        ((10, 5, 0), (10, 5, 9), FIRST),  # equal, and clicks were not asked for
        ((100, 10, 0), (10, 2, 0), SECOND),  # by shares
        ((0, 0, 0), (0, 0, 0), FIRST),
        ((0, 0, 0), (4, 1, 0), SECOND),
    ],
)
def test_the_higher_share_wins(
    first: tuple[int, ...], second: tuple[int, ...], winner: str
) -> None:
    names = ("sent", "opens", "clicks")
    figures = {
        FIRST: dict(zip(names, first, strict=True)),
        SECOND: dict(zip(names, second, strict=True)),
    }
    assert choose(figures, "opens") == winner


@pytest.fixture(scope="module")
def mia(empty_studio: Studio) -> Iterator[Caller]:
    with empty_studio.person("mia") as caller, empty_studio.uplink() as script:
        people = [
            {
                "first_name": "Ana",
                "last_name": f"Silva {number}",
                "email": f"ana{number}@try.example",
                "tags": ["try"],
                "preferences": {"marketing_opt_in": True},
            }
            for number in range(PEOPLE)
        ]
        assert script.call("import_contacts", people)["refused"] == []
        # Nothing goes out by itself: tests say what has, and who opened it.
        caller.call("update_sending_limit", 49)
        empty_studio.query("UPDATE app.mail_sending SET paused_until = now() + interval '1 day'")
        yield caller


def make(mia: Caller, **trial: Any) -> str:
    subject_test = {"subject": f"Second {next(_numbers)}", "percent": 50, "hours": 2, **trial}
    given = {
        "broadcast_name": f"Trial {next(_numbers)}",
        "content": mail(f"First {next(_numbers)}"),
        "recipients": {"tags": ["try"]},
        "subject_test": subject_test,
    }
    broadcast_id: str = mia.call("create_broadcast", given)["broadcast_id"]
    return broadcast_id


def by_subject(studio: Studio, broadcast_id: str) -> dict[str, int]:
    """How many mails of a broadcast there are, by the first word of their subjects."""
    found = studio.query(
        "SELECT split_part(c.subject, ' ', 1), count(*) FROM app.mail_sends s "
        "JOIN app.mail_contents c ON c._id = s.content WHERE s.source = %s GROUP BY 1",
        f"broadcast:{broadcast_id}",
    )
    return {str(subject): int(count) for subject, count in found}


def settle(studio: Studio, broadcast_id: str, opened: str = "") -> None:
    """Let all mails that are planned have gone out, opened by those whose subject begins so."""
    source = f"broadcast:{broadcast_id}"
    studio.query(
        "UPDATE app.mail_sends SET state = 'sent', started_at = now(), settled_at = now(), "
        "due_at = NULL, provider = 'server' WHERE source = %s AND state = 'planned'",
        source,
    )
    studio.query(
        "UPDATE app.mail_sends s SET opened_at = now() FROM app.mail_contents c "
        "WHERE c._id = s.content AND s.source = %s AND c.subject LIKE %s",
        source,
        f"{opened or 'Nobody'}%",
    )


def run_job(studio: Studio, *, is_later: bool = False) -> None:
    """Run the job, as if the time to wait were over where ``is_later``."""
    if is_later:
        studio.query(
            "UPDATE app.email_broadcasts SET subject_test_until = now() - interval '1 minute' "
            "WHERE subject_test_until IS NOT NULL AND subject_winner IS NULL"
        )
    with studio.uplink() as script:
        runs = script.call("run_schedule_now", job="broadcasts")["runs"]
    assert [run["state"] for run in runs] == ["done"], runs
    deliver_mail(studio)


def waits(studio: Studio, broadcast_id: str) -> bool:
    """Whether it waits, as long as was asked for, until the better subject is chosen."""
    [(is_waiting,)] = studio.query(
        "SELECT subject_test_until - now() BETWEEN interval '119 minutes' AND interval '2 hours' "
        "FROM app.email_broadcasts WHERE broadcast_id = %s",
        broadcast_id,
    )
    return bool(is_waiting)


def read(mia: Caller, broadcast_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = mia.call("get_broadcast_stats", broadcast_id)
    return answer


@pytest.mark.parametrize(("opened", "winner"), [("Second", 1), ("", 0)])
def test_the_rest_gets_the_better_subject(
    empty_studio: Studio, mia: Caller, opened: str, winner: int
) -> None:
    broadcast_id = make(mia)
    mia.call("send_broadcast", broadcast_id)
    deliver_mail(empty_studio)
    tried = by_subject(empty_studio, broadcast_id)
    assert 0 < sum(tried.values()) < PEOPLE
    run_job(empty_studio)  # while mails of the trial wait, nothing is waited for
    assert not waits(empty_studio, broadcast_id)
    settle(empty_studio, broadcast_id, opened)
    run_job(empty_studio)
    answer = read(mia, broadcast_id)
    # All that was planned is out, and it is not over.
    assert answer["broadcast"]["is_trying"] and answer["broadcast"]["status"] == "sending"
    assert waits(empty_studio, broadcast_id)
    assert by_subject(empty_studio, broadcast_id) == tried
    for _ in range(2):
        run_job(empty_studio, is_later=True)
    answer = read(mia, broadcast_id)
    assert [each["is_winner"] for each in answer["subjects"]] == [winner == 0, winner == 1]
    assert not answer["broadcast"]["is_trying"]
    assert answer["stats"]["planned"] == PEOPLE
    name = ("First", "Second")[winner]
    other = ("Second", "First")[winner]
    expected = {other: tried.get(other, 0), name: PEOPLE - tried.get(other, 0)}
    assert by_subject(empty_studio, broadcast_id) == {k: v for k, v in expected.items() if v}
    settle(empty_studio, broadcast_id)
    run_job(empty_studio)
    assert read(mia, broadcast_id)["broadcast"]["status"] == "sent"


def test_a_decision_is_made_once_and_survives_a_kill(empty_studio: Studio, mia: Caller) -> None:
    broadcast_id = make(mia, winner_by="clicks")
    mia.call("send_broadcast", broadcast_id)
    deliver_mail(empty_studio)
    # Killed in the middle of the trial's walk: whoever has a mail keeps it, and gets no second.
    empty_studio.query(
        "UPDATE app.email_broadcasts SET status = 'planning', plan_after = 0 "
        "WHERE broadcast_id = %s",
        broadcast_id,
    )
    tried = by_subject(empty_studio, broadcast_id)
    run_job(empty_studio)
    assert by_subject(empty_studio, broadcast_id) == tried
    settle(empty_studio, broadcast_id, "Second")
    run_job(empty_studio)
    run_job(empty_studio, is_later=True)
    # Opens were not what it was about, so the first one won; what happens later changes nothing.
    assert [each["is_winner"] for each in read(mia, broadcast_id)["subjects"]] == [True, False]
    empty_studio.query(
        "UPDATE app.mail_sends SET clicked_at = now() WHERE source = %s",
        f"broadcast:{broadcast_id}",
    )
    empty_studio.query(
        "UPDATE app.email_broadcasts SET status = 'planning', plan_after = 0 "
        "WHERE broadcast_id = %s",
        broadcast_id,
    )
    run_job(empty_studio)
    assert by_subject(empty_studio, broadcast_id).get("Second") == tried.get("Second")
    assert sum(by_subject(empty_studio, broadcast_id).values()) == PEOPLE


def test_what_is_no_trial_is_refused(empty_studio: Studio, mia: Caller) -> None:
    for trial in ({"percent": 60}, {"percent": 9}, {"hours": 49}, {"winner_by": "luck"}):
        with pytest.raises(Refused) as refusal:
            make(mia, **trial)
        assert set(refusal.value.fields) == {f"subject_test.{name}" for name in trial}
    broadcast_id = make(mia)
    broadcast = mia.call("get_broadcast", broadcast_id)["broadcast"]
    same = {**broadcast["subject_test"], "subject": broadcast["content"]["subject"]}
    mia.call("update_broadcast", broadcast_id, {"subject_test": same}, broadcast["version"])
    with pytest.raises(Refused, match="Both subjects are the same") as refusal:
        mia.call("send_broadcast", broadcast_id)
    assert set(refusal.value.fields) == {"subject_test.subject"}
    copied = mia.call("duplicate_broadcast", broadcast_id)["broadcast"]
    assert copied["subject_test"] == same
    mia.call("update_broadcast", copied["broadcast_id"], {"subject_test": None}, 1)
    mia.call("send_broadcast", copied["broadcast_id"])
    deliver_mail(empty_studio)
    assert sum(by_subject(empty_studio, copied["broadcast_id"]).values()) == PEOPLE
    assert read(mia, copied["broadcast_id"])["subjects"] == []
