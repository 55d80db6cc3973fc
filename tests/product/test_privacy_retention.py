"""What is too old goes, by the work of every night, which may be killed anywhere."""

from __future__ import annotations

import importlib
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from tests.app_server.running import CallFailed
from tests.product.conftest import fresh_database
from tests.product.studio import Studio, copy_template, open_studio

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = yaml.safe_load((ROOT / "master_template" / "anvil.yaml").read_text())
RETENTION = "server_code/server_privacy/retention.py"

# Scope A8, and what came after it. A table of these that is made must get into the register.
PERIODS = {
    "audit_log": timedelta(days=2 * 365),
    "bookings": timedelta(days=7 * 365),
    "bulk_change_rows": timedelta(days=30),
    "bulk_changes": timedelta(days=90),
    "callable_metrics": timedelta(days=90),
    "contact_campaigns": timedelta(days=3 * 365),
    "contact_exports": timedelta(days=1),
    "contact_import_batches": timedelta(days=30),
    "contact_imports": timedelta(days=30),
    "dashboard_cache": timedelta(days=7),
    "email_log": timedelta(days=90),
    "invitations": timedelta(days=90),
    "lead_submissions": timedelta(days=7),
    "mail_conversions": timedelta(days=7 * 365),
    "mail_events": timedelta(days=90),
    "mail_sends": timedelta(days=2 * 365),
    "mail_tallies": timedelta(days=3 * 365),
    "outbox": timedelta(days=90),
    "rate_counters": timedelta(days=1),
    "referrals": timedelta(days=7),
    "scheduled_runs": timedelta(days=90),
    "tasks": timedelta(days=90),
    "payments": timedelta(days=7 * 365),
    "upgrade_requests": timedelta(days=2 * 365),
}


def add_old_entries(studio: Studio, count: int, age: str) -> None:
    studio.query(
        "INSERT INTO app.audit_log (logged_at, action, resource_id) "
        f"SELECT now() - interval '{age}', 'old', n::text FROM generate_series(1, {count}) n"
    )


def old_entries(studio: Studio) -> int:
    [(count,)] = studio.query("SELECT count(*) FROM app.audit_log WHERE action = 'old'")
    assert isinstance(count, int)
    return count


def batches(studio: Studio) -> list[int]:
    """How many rows each batch deleted, as the audit log says."""
    return [
        count
        for (count,) in studio.query(
            "SELECT (details->>'deleted')::int FROM app.audit_log WHERE action = 'retention' "
            "ORDER BY logged_at"
        )
    ]


def test_the_register_keeps_to_the_periods_of_the_specification() -> None:
    retention = importlib.import_module("master_template.server_privacy.retention")
    kept = {one.table: one for one in retention.KEPT}
    assert set(kept) == set(PERIODS) & set(MANIFEST["db_schema"])
    for table, one in kept.items():
        assert timedelta(0) <= timedelta(days=one.days) - PERIODS[table] <= timedelta(days=7)
        columns = {column["name"]: column for column in MANIFEST["db_schema"][table]["columns"]}
        assert columns[one.column]["type"] == "datetime"


def launch(studio: Studio) -> str:
    """Do the nightly work; give how it ended."""
    state: str = studio.do_job("retention")["state"]
    return state


def test_deletes_what_is_too_old_and_nothing_else(studio: Studio) -> None:
    add_old_entries(studio, 1203, "3 years")
    add_old_entries(studio, 7, "23 months")
    [(others,)] = studio.query("SELECT count(*) FROM app.audit_log WHERE action <> 'old'")
    assert launch(studio) == "done"
    assert old_entries(studio) == 7
    assert batches(studio) == [500, 500, 203]
    # Once more changes nothing and says nothing.
    assert launch(studio) == "done"
    assert old_entries(studio) == 7
    [(after,)] = studio.query("SELECT count(*) FROM app.audit_log WHERE action <> 'old'")
    assert after == others + 3
    with studio.person("olga") as olga:
        jobs = {each["name"]: each for each in olga.call("list_scheduled_jobs")["jobs"]}
        assert {"metrics", "retention", "unconfirmed_accounts"} < set(jobs)
        assert jobs["retention"]["rhythm"] == "Every day at 04:30"
        second, first = olga.call("list_scheduled_runs", "retention")["runs"]
    assert (first["state"], first["figures"]["audit_log"]) == ("done", 1203)
    assert (second["state"], second["figures"]["audit_log"]) == ("done", 0)


# Dies once, at the worst moment: a batch is deleted, its transaction is not at its end.
DIES = """    if BATCH_ROWS == 100 and not os.path.exists({marker!r}) and before_last(kept):
        open({marker!r}, "w").close()
        os._exit(1)
    return len(rows)


def before_last(kept: Kept) -> bool:
    return len(app_tables.audit_log.search(action="old")) < 150
"""


def test_killed_halfway_it_is_finished_by_the_next_run(tmp_path: Path, postgres_url: str) -> None:
    marker = str(tmp_path / "died")
    edits = [
        ("import logging\n", "import logging\nimport os\n"),
        ("BATCH_ROWS = 500", "BATCH_ROWS = 100"),
        ("    return len(rows)\n", DIES.format(marker=marker)),
    ]
    template = copy_template(tmp_path, {RETENTION: edits})
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(tmp_path, database_url, template=template) as studio,
    ):
        add_old_entries(studio, 330, "3 years")
        with pytest.raises(CallFailed):
            launch(studio)
        # One batch is done; the second was taken back together with its entry.
        assert old_entries(studio) == 230
        assert batches(studio) == [100]
        # The lease of the one that died runs out.
        studio.query("UPDATE app.scheduled_runs SET next_try_at = now()")
        assert launch(studio) == "done"
        assert old_entries(studio) == 0
        assert batches(studio) == [100, 100, 100, 30]
