"""What recurs by the business's clock: when it is due, and that each run is done and recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from master_template.server_shared import schedule
from scripts.operations.observing.checks_work import check_work
from scripts.operations.observing.database_look import look_into
from scripts.operations.observing.folder_look import FolderLook
from scripts.operations.observing.looking import InstanceLook, Look, Memory
from scripts.operations.observing.machine_look import MachineLook
from scripts.operations.observing.rules import Finding
from scripts.operations.observing.settings import Limits, Settings
from tests.product.conftest import fresh_database
from tests.product.studio import Refused, copy_template, open_studio
from tests.product.test_dashboard import CLOCK, ClockedStudio

NEW_YORK, KOLKATA = ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
JOHANNESBURG = ZoneInfo("Africa/Johannesburg")

# Jobs whose behaviour a test chooses by what stands in a file, and no others.
TRIAL_JOBS = """
import os
from pathlib import Path

from . import schedule
from .errors import AppError

FOLDER = Path({folder!r})


class OnlyTrials(dict):
    def __setitem__(self, name, job):
        if name.startswith("trial"):
            dict.__setitem__(self, name, job)


schedule.jobs = OnlyTrials()


@schedule.job("trial_often", "A trial that comes often", schedule.HOURLY, "Often.")
def trial_often(run):
    return {{"found": int((FOLDER / "found").read_text())}}


@schedule.job("trial", "A trial", schedule.Daily(2, 30), "Does what the test says.")
def trial(run):
    order = (FOLDER / "order").read_text() if (FOLDER / "order").exists() else ""
    run.report(seen=3)
    if order == "fail":
        raise AppError("The trial was told to fail.")
    if order == "die":
        os.kill(os.getpid(), 9)
    if order.startswith("booking_"):
        from anvil.tables import app_tables
        from . import happenings
        from .transactions import in_transaction

        booking = app_tables.bookings.get(booking_number="B-1")
        in_transaction(happenings.tell)(order, contact=booking["contact"], booking=booking)
    if order == "overtaken":
        from anvil.tables import app_tables
        run.row.update(lease="someone else's")
        run.report(seen=4)
    with (FOLDER / "done").open("a") as done:
        done.write("x")
    return {{"done": 1}}
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "now", "due", "key"),
    [
        (JOHANNESBURG, "2026-05-14T02:29:59+02:00", "2026-05-13T02:30:00+02:00", "2026-05-13"),
        (JOHANNESBURG, "2026-05-14T02:30:00+02:00", "2026-05-14T02:30:00+02:00", "2026-05-14"),
        # The clocks are put forward over it, and put back.
        (NEW_YORK, "2026-03-08T03:29:00-04:00", "2026-03-07T02:30:00-05:00", "2026-03-07"),
        (NEW_YORK, "2026-03-08T03:31:00-04:00", "2026-03-08T03:30:00-04:00", "2026-03-08"),
        (NEW_YORK, "2026-11-01T12:00:00-05:00", "2026-11-01T02:30:00-05:00", "2026-11-01"),
        (KOLKATA, "2026-05-14T09:00:00+05:30", "2026-05-14T02:30:00+05:30", "2026-05-14"),
    ],
)
def test_daily_work_is_due_once_on_each_day_of_the_business(
    zone: ZoneInfo, now: str, due: str, key: str
) -> None:
    assert schedule.Daily(2, 30).latest(at(now), zone) == schedule.Due(at(due), key)


def test_a_time_that_comes_twice_counts_once() -> None:
    rhythm = schedule.Daily(1, 30)
    first, second = at("2026-11-01T01:45:00-04:00"), at("2026-11-01T01:45:00-05:00")
    assert rhythm.latest(first, NEW_YORK) == rhythm.latest(second, NEW_YORK)
    assert rhythm.following(first, NEW_YORK) == at("2026-11-02T01:30:00-05:00")


@pytest.mark.parametrize("zone", [NEW_YORK, KOLKATA, JOHANNESBURG, ZoneInfo("Pacific/Chatham")])
def test_every_day_of_a_year_has_its_run(zone: ZoneInfo) -> None:
    """Looked at every 105 minutes, which is never twice at the same time of a day."""
    for hour, minute in ((0, 0), (2, 0), (2, 30), (23, 45)):
        rhythm = schedule.Daily(hour, minute)
        now, keys, last = at("2026-01-01T12:00:00+00:00"), [], None
        for _ in range(365 * 24 * 60 // 105):
            due = rhythm.latest(now, zone)
            assert due.at <= now < rhythm.following(now, zone)
            if due.key != last:
                keys.append(last := due.key)
            now += timedelta(minutes=105)
        days = [datetime.fromisoformat(key).toordinal() for key in keys]
        assert days == list(range(days[0], days[0] + len(days)))


def test_hourly_work_is_due_at_the_hour() -> None:
    due = schedule.HOURLY.latest(at("2026-05-14T09:59:59+05:30"), KOLKATA)
    assert (due.at, due.key) == (at("2026-05-14T04:00:00+00:00"), "2026-05-14T04:00Z")
    assert schedule.HOURLY.tell() == "Every hour"
    assert schedule.Daily(2).tell() == "Every day at 02:00"


class Trial:
    """An instance with a job that does what the test says, and only that one."""

    def __init__(self, clocked: ClockedStudio, folder: Path):
        self.clocked = clocked
        self.folder = folder

    def order(self, text: str) -> None:
        (self.folder / "order").write_text(text)

    @property
    def done(self) -> int:
        file = self.folder / "done"
        return len(file.read_text()) if file.exists() else 0

    def run(self, **given: Any) -> list[dict[str, Any]]:
        """What a pass does, of the trial's runs."""
        with self.clocked.studio.uplink() as script:
            runs = script.call("run_schedule_now", **given)["runs"]
        return [run for run in runs if run["job"] == "trial"]

    def rows(self) -> list[tuple[Any, ...]]:
        return self.clocked.query(
            "SELECT run_key, state, attempts::int FROM app.scheduled_runs WHERE job = 'trial' "
            "ORDER BY created_at"
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("trial")
    before, after = CLOCK
    edit = (before, after.format(file=str(folder / "clock")))
    template = copy_template(folder, {"server_code/server_shared/clock.py": [edit]})
    module = template / "server_code" / "server_shared" / "trial_jobs.py"
    module.write_text(TRIAL_JOBS.format(folder=str(folder)))
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder, database_url, template=template) as studio,
    ):
        yield Trial(ClockedStudio(studio, folder / "clock"), folder)


@pytest.fixture
def trial(running: Trial) -> Trial:
    (running.folder / "found").write_text("0")
    running.clocked.query("DELETE FROM app.scheduled_runs")
    running.order("")
    (running.folder / "done").unlink(missing_ok=True)
    running.clocked.set_clock("2026-05-14T03:00:00+02:00")
    running.run()
    running.clocked.set_clock("2026-05-15T03:00:00+02:00")
    (running.folder / "done").unlink(missing_ok=True)
    return running


def test_what_is_due_is_done_once_and_recorded(trial: Trial) -> None:
    assert trial.run() == [
        {"job": "trial", "state": "done", "figures": {"seen": 3, "done": 1}, "error": None}
    ]
    assert trial.run() == []
    assert trial.done == 1
    with trial.clocked.studio.person("olga") as olga:
        jobs = olga.call("list_scheduled_jobs")
        [job] = [job for job in jobs["jobs"] if job["name"] == "trial"]
        assert (job["rhythm"], job["title"]) == ("Every day at 02:30", "A trial")
        assert job["last_run"]["figures"] == {"seen": 3, "done": 1}
        assert jobs["time_zone"] == "Africa/Johannesburg"
        assert olga.call("list_scheduled_runs", "trial")["total"] == 2


def test_missed_days_are_made_up_for_once(trial: Trial) -> None:
    trial.clocked.set_clock("2026-06-20T12:00:00+02:00")
    assert [run["state"] for run in trial.run()] == ["done"]
    assert trial.done == 1
    assert [key for key, _, _ in trial.rows()] == ["trial@2026-05-14", "trial@2026-06-20"]


def test_what_fails_is_tried_again_and_tells_the_operator(trial: Trial) -> None:
    trial.order("fail")
    assert trial.run()[0]["error"] == "The trial was told to fail."
    assert trial.run() == []  # not at once
    with trial.clocked.studio.person("olga") as olga:
        [job] = [job for job in olga.call("list_scheduled_jobs")["jobs"] if job["name"] == "trial"]
        assert job["last_run"]["state"] == "waiting"
        assert job["last_run"]["error"] == "The trial was told to fail."
    [alert] = alerts(trial)
    assert (alert.rule.name, alert.part) == ("job_failed", "SCHEDULE")
    assert "A trial: The trial was told to fail." in alert.text
    trial.order("")
    trial.clocked.set_clock("2026-05-15T03:16:00+02:00")
    assert [run["state"] for run in trial.run()] == ["done"]
    assert trial.rows()[-1] == ("trial@2026-05-15", "done", 2)
    assert alerts(trial) == [], "it is well again"


def alerts(trial: Trial) -> list[Finding]:
    """What the operator is told of scheduled work after its next pass."""
    studio = trial.clocked.studio
    newest = "SELECT id, status FROM _mybizz.background_tasks ORDER BY started_at DESC LIMIT 1"
    with studio.uplink() as script:
        before = studio.query(newest)
        script.socket.call("anvil.private.background_tasks.launch", "run_schedule")
        deadline = time.monotonic() + 60
        while (found := studio.query(newest)) == before or found[0][1] is None:
            assert time.monotonic() < deadline, "the pass does not end"
            time.sleep(0.05)
    # As if the server's own scheduler had launched it.
    studio.query(
        "UPDATE _mybizz.background_tasks SET job_id = 'SCHEDULE' WHERE id = %s", found[0][0]
    )
    now = datetime.now(UTC)
    database = look_into(studio.database_url, now, Limits(), time.time)
    assert database.is_read, database.problem
    folder = FolderLook("inn", Path("inn"), config={"app": "inn"})
    instance = InstanceLook(folder, 3030, database=database)
    machine = MachineLook(disks=(), free_memory_percent=50.0)
    seen = Look(now, Settings(), machine, [instance], Memory())
    return [each for each in check_work(seen) if each.rule.name == "job_failed"]


def test_of_what_comes_often_only_runs_that_did_something_are_kept(trial: Trial) -> None:
    for hour, found in enumerate("010020"):
        trial.clocked.set_clock(f"2026-05-16T0{hour}:00:00+02:00")
        (trial.folder / "found").write_text(found)
        trial.run()
    kept = trial.clocked.query(
        "SELECT (figures->>'found')::int FROM app.scheduled_runs WHERE job = 'trial_often' "
        "ORDER BY due_at"
    )
    assert kept == [(1,), (2,), (0,)]


def test_after_some_attempts_it_stays_failed(trial: Trial) -> None:
    trial.order("fail")
    now, states = at("2026-05-15T03:00:00+02:00"), []
    for _ in range(6):
        states += [run["state"] for run in trial.run()]
        now += timedelta(hours=2)
        trial.clocked.set_clock(now)
    assert states == ["waiting", "waiting", "waiting", "failed"]
    trial.clocked.set_clock("2026-05-16T03:00:00+02:00")
    trial.order("")
    assert [run["state"] for run in trial.run()] == ["done"]


def test_a_run_that_was_killed_is_done_again(trial: Trial) -> None:
    trial.order("die")
    with pytest.raises(Exception, match="."):
        trial.run()
    assert trial.rows()[-1] == ("trial@2026-05-15", "running", 1)
    trial.order("")
    assert trial.run() == []  # as far as anybody knows it is still going on
    trial.clocked.set_clock("2026-05-15T03:31:00+02:00")
    assert [run["state"] for run in trial.run()] == ["done"]
    assert trial.done == 1


def test_who_was_taken_for_dead_stops(trial: Trial) -> None:
    trial.order("overtaken")
    assert [run["state"] for run in trial.run()] == ["running"]
    assert trial.done == 0


def test_tasks_follow_bookings_at_once(trial: Trial) -> None:
    """Who comes soon needs instructions now; nobody need see to a booking that is cancelled."""
    query = trial.clocked.query
    query(
        "INSERT INTO app.contacts (number, contact_id, first_name, status, total_spent_cents, "
        "total_transactions) VALUES (900, 'C-900', 'Ada', 'lead', 0, 0)"
    )
    query(
        "INSERT INTO app.bookings (number, booking_number, contact, start_at, end_at, status, "
        "payment_status, attendee_count, total_cents, deposit_cents, currency) "
        "SELECT 1, 'B-1', _id, '2026-05-16 10:00Z', '2026-05-18 10:00Z', 'confirmed', 'unpaid', "
        "1, 0, 0, 'ZAR' FROM app.contacts WHERE number = 900"
    )
    query(
        "INSERT INTO app.task_rules (name, is_enabled, days, version) "
        "VALUES ('arrival_instructions', true, 7, 1)"
    )
    states = "SELECT title, due_date::text, status FROM app.tasks"
    for happening, status in (
        ("booking_created", "pending"),
        ("booking_created", "pending"),
        ("booking_cancelled", "dismissed"),
        ("booking_created", "dismissed"),
    ):
        trial.order(happening)
        [run] = trial.run(job="trial")
        assert (run["state"], run["error"]) == ("done", None)
        assert query(states) == [
            ("Send arrival instructions to Ada for 16 May 2026", "2026-05-15", status)
        ]
    [(last, following)] = query(
        "SELECT last_booking_at, next_booking_at FROM app.contacts WHERE number = 900"
    )
    assert (last, following) == (None, at("2026-05-16T10:00:00+00:00"))


def test_an_owner_may_have_it_done_now_and_others_not(trial: Trial) -> None:
    trial.run()
    with trial.clocked.studio.person("olga") as olga:
        olga.call("run_scheduled_job", "trial")
        with pytest.raises(Refused, match="no scheduled work called nothing"):
            olga.call("run_scheduled_job", "nothing")
    trial.run(job="trial")  # or the task that it has launched does it
    assert trial.done >= 1
    assert trial.clocked.query(
        "SELECT resource_id FROM app.audit_log WHERE resource_type = 'scheduled_work'"
    ) == [("trial",)]
    with trial.clocked.studio.person("mia") as mia, pytest.raises(Refused, match="may not"):
        mia.call("run_scheduled_job", "trial")
