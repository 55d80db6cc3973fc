"""Counts and logs each call, and lets all that is logged meanwhile carry its id."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app_server.logs import Work, log_access, make_request_id, work
from app_server.metrics import NO_FUNCTION
from app_server.request import Origin, Reply, Request

UNKNOWN = "anvil.server.NoServerFunctionError"
CUT_OFF = "cut_off"
OK = "ok"


@contextmanager
def observed_call(request: Request) -> Iterator[Callable[[Reply], Reply]]:
    """For one call that no other call made. The function it gives is told the reply, and gives it
    back; without that the call was cut off."""
    started, outcome = time.perf_counter(), CUT_OFF

    def observe(reply: Reply) -> Reply:
        nonlocal outcome
        outcome = OK if reply.error is None else str(reply.error.get("type") or "error")
        return reply

    with at_work(request):
        try:
            yield observe
        finally:
            _note(request, outcome, time.perf_counter() - started)


def _note(request: Request, outcome: str, seconds: float) -> None:
    function, origin = _name_of(request, outcome), request.origin.value
    request.instance.metrics.add_call(function, origin, outcome, seconds)
    log_access(
        "call",
        function=function,
        origin=origin,
        outcome=outcome,
        duration_ms=round(seconds * 1000, 1),
    )


@contextmanager
def at_work(request: Request) -> Iterator[None]:
    """What is logged meanwhile belongs to this call. One that an HTTP request makes goes by that
    one's id."""
    outer = work.get()
    request_id = outer.request_id if outer is not None else make_request_id()
    request.work = Work(request_id, request.instance.name, request.session)
    token = work.set(request.work)
    try:
        yield
    finally:
        work.reset(token)


@contextmanager
def task_at_work(request: Request) -> Iterator[None]:
    """For a background task: its lines carry the id of the call that launched it and of who was
    logged in then; a scheduled one has an id of its own, and nobody's."""
    outer = work.get()
    with at_work(request):
        if outer is not None and request.work is not None:
            request.work.session = outer.session
        yield


@contextmanager
def resumed(request: Request) -> Iterator[None]:
    """For what a process that serves a call sends meanwhile: it comes by a task that was begun for
    somebody else, and belongs to that call."""
    current = request.root.work
    token = work.set(current)
    try:
        yield
    finally:
        work.reset(token)


def log_task(name: str, task_id: str, job_id: str | None, outcome: str, seconds: float) -> None:
    """Note that a background task has ended."""
    log_access(
        "task",
        function=name,
        origin="background" if job_id is None else "scheduled",
        outcome=outcome,
        task_id=task_id,
        job_id=job_id,
        duration_ms=round(seconds * 1000, 1),
    )


def _name_of(request: Request, outcome: str) -> str:
    """What it is counted as. Anybody may call what is not there, by any name: such names get no
    numbers of their own, nor do methods of objects that a browser made up."""
    name = request.description
    if request.origin is Origin.HTTP:
        # `route:/blog/some-post`: the request's own line has the path.
        return name.partition(":")[0]
    is_made_up = request.live_object is not None and outcome != OK
    if outcome == UNKNOWN or (is_made_up and not request.instance.metrics.knows(name)):
        return NO_FUNCTION
    return name
