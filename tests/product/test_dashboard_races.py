"""Many who ask for the dashboard at once: each gets it, and each figure is kept once.

The window between looking and writing is held open. The control shows that without the guards there
would be doubles.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from tests.product.studio import Caller, Studio, copy_template, open_studio

CACHE = "server_code/server_analytics/dashboard_cache.py"
OPEN_WINDOW = (
    "    fresh = []\n    with tables.batch_update:\n",
    "    fresh = []\n    import time; time.sleep(0.05)\n    with tables.batch_update:\n",
)
NO_TRANSACTION = ("@in_transaction\ndef _write(", "def _write(")
PEOPLE, ROUNDS = 5, 3
CONTROL_ROUNDS = 40


def ask_at_once(studio: Studio, rounds: int) -> int:
    """How many figures are kept twice or more after everyone has got an answer, in the first round
    that has such; on a busy machine it may take a few until two meet."""
    doubles = 0
    with ExitStack() as stack:
        callers = [stack.enter_context(studio.uplink()) for _ in range(PEOPLE)]
        for _ in range(rounds):
            studio.query("DELETE FROM app.dashboard_cache")
            start = Barrier(PEOPLE)

            def ask(caller: Caller, start: Barrier = start) -> dict[str, Any]:
                start.wait()
                return caller.call("get_dashboard")

            with ThreadPoolExecutor(PEOPLE) as pool:
                answers = list(pool.map(ask, callers))
            for answer in answers:
                assert {m["figures"] is None for m in answer["metrics"].values()} == {False}
            rows = studio.query("SELECT name, count(*) FROM app.dashboard_cache GROUP BY 1")
            assert {name for name, _ in rows} == set(answers[0]["metrics"])
            doubles = sum(count > 1 for _, count in rows)
            if doubles:
                break
    return doubles


@pytest.mark.parametrize(
    ("transaction", "constraint", "is_safe"),
    [(True, True, True), (True, False, True), (False, True, True), (False, False, False)],
)
def test_each_figure_is_kept_once(
    tmp_path: Path, database_url: str, transaction: bool, constraint: bool, is_safe: bool
) -> None:
    edits = [OPEN_WINDOW] + ([] if transaction else [NO_TRANSACTION])
    template = copy_template(tmp_path, {CACHE: edits})
    if not constraint:
        (template / "constraints.yaml").unlink()
    with open_studio(tmp_path / "instance", database_url, template=template) as studio:
        doubles = ask_at_once(studio, ROUNDS if is_safe else CONTROL_ROUNDS)
    assert (doubles == 0) is is_safe, doubles
