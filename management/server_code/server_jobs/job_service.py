"""Jobs for the operator agent: asked for here, done on the machine of the businesses."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_auth.rbac import current_actor
from master_template.server_shared import audit, clock
from master_template.server_shared.encryption import decrypt
from master_template.server_shared.errors import ConflictError, NotFoundError
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Choice, Record, Rule, Text

from ..server_console.callables import server_callable
from ..server_console.paging import PAGE_RULES, read_page
from .actions import ACTIONS, find_action

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
STATES = (WAITING, RUNNING, DONE, FAILED, CANCELLED)

JobEnded = Callable[[dict[str, Any]], None]
# Filled while modules are imported, constant afterwards.
_listeners: dict[str, list[JobEnded]] = {}

JOB_ID = Text("The job", max_chars=40, required=True)
# Made by the page when it opens, so that two clicks are one wish.
REQUEST_KEY = Text("The request", max_chars=80, min_chars=8, required=True)


def on_job_ended(action: str, function: JobEnded) -> None:
    """Have ``function(job)`` called, in the same transaction, when a job of this action has ended;
    ``job`` is what ``job_item`` gives. Said while modules are imported."""
    _listeners.setdefault(action, []).append(function)


def tell_ended(row: Any) -> None:
    """Call whoever wants to know. In the transaction in which the job ended."""
    for function in _listeners.get(row["action"], ()):
        function(job_item(row))


def queue_job(
    action: str, arguments: Mapping[str, Any], *, key: str, instance: str = "", by: str = ""
) -> dict[str, Any]:
    """Ask for a job; give it as ``job_item`` does. The same ``key`` gives the job that there is.

    Call it inside the transaction of the change that wants it. Raises :class:`InvalidError`.
    """
    cleaned = find_action(action).clean(arguments)
    row = app_tables.operator_jobs.get(key=key)
    if row is None:
        row = app_tables.operator_jobs.add_row(
            job_id=secrets.token_hex(8),
            key=key,
            action=action,
            arguments=cleaned,
            instance=instance or cleaned.get("name", ""),
            state=WAITING,
            attempts=0,
            log_tail="",
            requested_by=by or current_actor().email or current_actor().kind,
            created_at=clock.now(),
        )
        details = {"action": action, "instance": row["instance"], **cleaned}
        audit.record("create", "job", row["job_id"], details=details)
    return job_item(row)


def job_item(row: Any) -> dict[str, Any]:
    """A job as lists and pages show it; ``has_secret`` says that something can be shown once."""
    names = ("job_id", "action", "arguments", "instance", "state", "attempts", "log_tail", "result")
    times = ("created_at", "started_at", "ended_at")
    known = ACTIONS.get(row["action"])
    return {
        **{name: row[name] for name in (*names, *times, "error", "requested_by")},
        "title": known.title if known else row["action"],
        "has_secret": row["secret_encrypted"] is not None,
    }


def find_job(job_id: str) -> Any:
    """The row of a job. Raises :class:`NotFoundError`."""
    row = app_tables.operator_jobs.get(job_id=job_id)
    if row is None:
        raise NotFoundError("This job is not there.")
    return row


class Arguments(Rule):
    """The arguments of an action, checked by that action's own rules."""

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self.refuse("a set of named fields", value)
        return dict(value)


OFFERED = tuple(name for name, action in ACTIONS.items() if action.is_offered)


@server_callable(
    needs="fleet.manage",
    takes={
        "action": Choice("The action", OFFERED, required=True),
        "arguments": Arguments("The arguments", required=True),
        "key": REQUEST_KEY,
    },
    audit="job.create",
)
def request_job(action: str, arguments: dict[str, Any], key: str) -> dict[str, Any]:
    """Have something done with a business: ``{"job": ...}``. The same ``key`` asks only once."""
    return {"job": _request(action, arguments, key)}


def _request(action: str, arguments: Mapping[str, Any], key: str) -> dict[str, Any]:
    wanted = f"{current_actor().email}:{key}"
    if app_tables.operator_jobs.get(key=wanted) is not None:
        audit.unchanged()
    elif action == "instance.create":
        refuse_taken(arguments["name"])
    return queue_job(action, arguments, key=wanted)


@server_callable(
    needs="fleet.manage",
    takes={
        "business": Record("The business", ACTIONS["instance.create"].takes, required=True),
        "key": REQUEST_KEY,
    },
    audit="job.create",
)
def request_instance(business: dict[str, Any], key: str) -> dict[str, Any]:
    """Have a business made: ``{"job": ...}``. Raises :class:`ConflictError` (``name_taken``)."""
    return {"job": _request("instance.create", business, key)}


def refuse_taken(name: str) -> None:
    """Raise :class:`ConflictError` where a business has this name, or is about to get it."""
    row = app_tables.fleet_instances.get(name=name, removed_at=None)
    if row is not None or is_being_made(name):
        raise ConflictError(
            f"There is a business {name!r} already. Choose another name.",
            code="name_taken",
            field="name",
        )


def is_being_made(name: str) -> bool:
    """Whether a job that makes a business of this name waits or runs."""
    found = app_tables.operator_jobs.search(
        action="instance.create", instance=name, state=q.any_of(WAITING, RUNNING)
    )
    return len(found) > 0


@server_callable(
    needs="fleet.view",
    takes={
        "instance": Text("Business", max_chars=100),
        "state": Choice("State", STATES),
        "action": Choice("Action", tuple(ACTIONS)),
        **PAGE_RULES,
    },
)
def list_jobs(
    instance: str | None = None,
    state: str | None = None,
    action: str | None = None,
    offset: int = 0,
    page_size: int = 25,
) -> dict[str, Any]:
    """One page of the jobs, newest first: ``jobs`` (see ``job_item``), ``total``, ``offset``."""
    given = {"instance": instance, "state": state, "action": action}
    condition = {name: value for name, value in given.items() if value}
    rows, total = read_page(
        app_tables.operator_jobs,
        [("created_at", False)],
        condition,
        offset=offset,
        page_size=page_size,
    )
    return {"jobs": [job_item(row) for row in rows], "total": total, "offset": offset}


@server_callable(needs="fleet.view", takes={"job_id": JOB_ID})
def get_job(job_id: str) -> dict[str, Any]:
    """``{"job": ...}``."""
    return {"job": job_item(find_job(job_id))}


@server_callable(needs="fleet.manage", takes={"job_id": JOB_ID}, audit="job.cancel")
def cancel_job(job_id: str) -> dict[str, Any]:
    """Take back a job that nobody has begun. Raises :class:`ConflictError` (``begun``)."""
    row = find_job(job_id)
    if row["state"] != WAITING:
        raise ConflictError("This job has begun already.", code="begun")
    row.update(state=CANCELLED, ended_at=clock.now())
    audit.record("cancel", "job", job_id, {"state": [WAITING, CANCELLED]})
    tell_ended(row)
    return {"job": job_item(row)}


@server_callable(needs="fleet.manage", takes={"job_id": JOB_ID}, audit="job.reveal")
def reveal_job_secret(job_id: str) -> dict[str, Any]:
    """What a job made for one pair of eyes: ``{"secret": {...}}``; it is shown once, and gone.

    Raises :class:`NotFoundError` where it was shown before.
    """
    return {"secret": _reveal(job_id)}


@in_transaction
def _reveal(job_id: str) -> Any:
    row = find_job(job_id)
    if row["secret_encrypted"] is None:
        raise NotFoundError("This has been shown already. Ask for a new link for the owner.")
    found = json.loads(decrypt(row["secret_encrypted"]))
    row.update(secret_encrypted=None)
    audit.record("reveal", "job", job_id, details={"instance": row["instance"]})
    return found
