"""What the dashboard shows: figures that are an hour old at most, and what happened lately."""

from __future__ import annotations

import logging
from typing import Any

from ..server_auth.rbac import current_actor
from ..server_customers.timeline_service import get_recent_activity
from ..server_shared import clock
from ..server_shared.callables import STAFF_ONLY, server_callable
from ..server_shared.config import read_business
from ..server_shared.validators import Bool
from . import dashboard_cache
from .dashboard_metrics import METRICS, RECENT_DAYS, Metric, Question
from .dashboard_scope import ALL, current_scope

SHOWN_EVENTS = 10
# Raise it when the shape of any figure changes: what an older version kept is not read then.
FIGURES_VERSION = 1

log = logging.getLogger("mybizz.analytics")


@server_callable(needs=STAFF_ONLY, takes={"refresh": Bool("Refresh", default=False)})
def get_dashboard(refresh: bool = False) -> dict[str, Any]:
    """What the dashboard shows to this user.

    ``metrics`` maps the name of each figure that they may see to ``figures`` (the keys are told by
    its function in ``dashboard_metrics``; None where it could not be worked out), ``as_of`` and
    ``is_stale`` (older than it should be, because a new one could not be worked out). With
    ``refresh`` all of them are worked out anew.

    ``activity``: as ``get_recent_activity`` of the last ``recent_days``; None without
    ``customers.view``. ``today``: the day it is for the business.
    """
    actor, business, scope = current_actor(), read_business(), current_scope()
    question = Question(business, clock.now(), scope)
    wanted = [
        metric
        for metric in METRICS
        if metric.is_for(actor, business) and (scope.key == ALL or not metric.is_of_everything)
    ]
    activity = None
    if actor.may("customers.view"):
        activity = get_recent_activity(days=RECENT_DAYS, limit=SHOWN_EVENTS)["activity"]
    return {
        "metrics": _answer_all(wanted, question, refresh),
        "activity": activity,
        "recent_days": RECENT_DAYS,
        "today": question.today,
    }


def _answer_all(wanted: list[Metric], question: Question, refresh: bool) -> dict[str, Any]:
    """Each figure as it is kept, or worked out and kept from now on."""
    business, now, key = question.business, question.now, question.scope.key
    basis = f"{FIGURES_VERSION} {question.today} {business.time_zone} {business.currency}"
    kept = dashboard_cache.read_all(key, basis) if wanted else {}
    answers: dict[str, Any] = {}
    computed: dict[str, Any] = {}
    for metric in wanted:
        old = kept.get(metric.name)
        if old is not None and old.is_fresh(now, refresh=refresh):
            answers[metric.name] = _answer(old.figures, old.computed_at)
            continue
        try:
            figures = metric.compute(question)
        except Exception:
            # One figure that cannot be worked out takes nothing else along.
            log.exception("the figure %s could not be worked out", metric.name)
            answers[metric.name] = (
                _answer(old.figures, old.computed_at, is_stale=True) if old else _answer(None, now)
            )
        else:
            computed[metric.name] = figures
            answers[metric.name] = _answer(figures, now)
    if computed:
        dashboard_cache.write_all(key, basis, computed, now)
    return answers


def _answer(figures: Any, as_of: Any, *, is_stale: bool = False) -> dict[str, Any]:
    return {"figures": figures, "as_of": as_of, "is_stale": is_stale}
