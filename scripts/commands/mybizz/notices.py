"""``mybizz fleet notify`` and ``fleet serve-requests``: tenants hear of releases, and choose."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import click

from scripts.commands.mybizz.job import FAILED, Answer, Job, database, dry_run, operation
from scripts.commands.mybizz.tables import make_table
from scripts.operations import notices
from scripts.operations.home import ROOT, Home, OperationError
from scripts.operations.inspection import is_served
from scripts.operations.instances import InstanceFolder, list_instances, require_instance
from scripts.operations.postgres import database_server
from scripts.operations.provision import pinned_release
from scripts.operations.reaching import alone_with
from scripts.operations.releases import Release

LEASE_SECONDS = 900
RENEW_SECONDS = 120
EVERY_SECONDS = 20
# What the upgrade says of itself, and how an owner is told of it.
STEPS = {
    "Backing up": "A backup is made.",
    "Trying": "The new version is tried on a copy of your data.",
    "Changing over": "The versions change places. For less than a minute nothing can be saved.",
    "Taking it back": "Something went wrong, and everything is put back.",
}


@click.command("notify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--release", "version", help="The newest to tell of (without it, the newest).")
@database
@dry_run
@operation()
def notify_command(job: Job, names: tuple[str, ...], version: str | None) -> Answer:
    """Tell instances of newer releases: a notice above every page, and a page with the notes.

    Without NAME, all of them. Whoever may see the settings is told what kind of release it is,
    what changes, and for a breaking one the migration guide; the owner can start the upgrade
    there, which `fleet serve-requests` carries out. Safe to repeat, and to be done after every
    `release publish`. Instances that cannot be reached are named, with exit code 1.

    \b
      scripts/mybizz fleet notify
      scripts/mybizz fleet notify yogastudio --release v1.1.0
    """
    newest = notices.choose_newest(job.home, version)
    chosen = _choose(job, names)
    if job.is_dry:
        plan = [
            notices.Notified(each.name, installed.version, _newer(job, installed, newest))
            for each, installed in ((each, pinned_release(job.home, each)) for each in chosen)
        ]
        return Answer({"instances": [each.to_json() for each in plan]}, _show(plan, []))
    told: list[notices.Notified] = []
    failed: list[dict[str, str]] = []
    with database_server(job.home, job.database):
        for each in chosen:
            job.say(f"  Telling {each.name} ...")
            try:
                with alone_with(job.home, each.name):
                    told.append(notices.notify(job.home, each, newest, job.say))
            except OperationError as error:
                failed.append({"name": each.name, "error": str(error)})
    facts = {"instances": [each.to_json() for each in told], "failed": failed}
    return Answer(facts, _show(told, failed), FAILED if failed else 0)


def _choose(job: Job, names: tuple[str, ...]) -> list[InstanceFolder]:
    found = [require_instance(job.home, name) for name in names] or list_instances(job.home)
    return [each for each in found if not each.unfinished_marker.exists()]


def _newer(job: Job, installed: Release, newest: Release) -> tuple[str, ...]:
    described = notices.describe_releases(job.home, installed, newest)
    return tuple(reversed([each["version"] for each in described[1:]]))


def _show(told: list[notices.Notified], failed: list[dict[str, str]]) -> Any:
    rows: list[list[Any]] = [
        [each.name, each.installed, ", ".join(each.available) or "has the newest"] for each in told
    ]
    rows += [[each["name"], "", each["error"]] for each in failed]
    return make_table(["name", "runs", "is told of"], rows, "There is no instance yet.")


@click.command("serve-requests")
@click.option("--once", is_flag=True, help="Look at each instance once, and end.")
@click.option(
    "--every",
    type=click.IntRange(1, 3600),
    default=EVERY_SECONDS,
    show_default=True,
    help="Seconds between two looks.",
)
@database
@operation()
def serve_requests_command(job: Job, once: bool, every: int) -> Answer:
    """Carry out the upgrades that owners ask for, one after the other, until Ctrl-C.

    It looks at every instance that is being served, takes the request that is due, and runs
    `instance upgrade` for it, which backs up first and returns to the old version by itself where
    something fails. The owner sees how far it is. Killed meanwhile, the request is taken up again
    when its lease has run out (15 minutes).

    \b
      scripts/mybizz fleet serve-requests
      scripts/mybizz fleet serve-requests --once --json      # from a timer
    """
    done: list[dict[str, Any]] = []
    while True:
        for request in _due(job):
            outcome = _carry_out(job, request)
            if once:
                done.append(outcome)
        if once:
            break
        time.sleep(every)
    heads = ["instance", "to", "state", "message"]
    rows = [[each["name"], each["version"], each["state"], each["message"]] for each in done]
    return Answer({"requests": done}, make_table(heads, rows, "Nothing is asked for."))


def _due(job: Job) -> Iterator[notices.Request]:
    for each in list_instances(job.home):
        if each.unfinished_marker.exists() or not is_served(each):
            continue
        try:
            found = notices.look(each)
            if notices.correct(job.home, each, found):
                job.say(f"  {each.name} was told what it runs now.")
            request = notices.take_request(job.home, each, LEASE_SECONDS) if found.is_due else None
        except OperationError as error:
            # One that cannot be asked must not keep the others from their upgrade.
            job.say(f"  {each.name}: {error}")
            continue
        if request:
            yield request


def _carry_out(job: Job, request: notices.Request) -> dict[str, Any]:
    name, version = request.instance.name, request.version
    job.say(f"  Upgrading {name} to {version}, as its owner asked ...")
    _tell(job, request, "The upgrade has begun.")
    error = _run_upgrade(job, request)
    is_done = not error and pinned_release(job.home, request.instance).version == version
    message = error or ("" if is_done else "The upgrade ended without the new version.")
    newest = notices.choose_newest(job.home, None)
    try:
        notices.finish(job.home, request, is_done=is_done, message=message, newest=newest)
    except OperationError as failure:
        # The lease runs out, and whoever takes the request next finds the upgrade done or refused.
        job.say(f"  {name} could not be told how it ended: {failure}")
    state = "done" if is_done else "failed"
    job.say(f"  {name}: {state} {message}".rstrip())
    return {"name": name, "version": version, "state": state, "message": message}


def _run_upgrade(job: Job, request: notices.Request) -> str:
    """Run the command, which is safe to kill and to run again; what went wrong, or ''."""
    words = ["instance", "upgrade", request.instance.name, "--to", request.version]
    command = [sys.executable, "-m", "scripts.commands.mybizz", *words, "--yes", "--json"]
    command += [] if job.home == Home.at(None) else ["--data-dir", str(job.home.data)]
    # Not as an argument: everybody on the machine can read those, and it holds a password.
    given = {"MYBIZZ_DATABASE": job.database} if job.database else {}
    environment = {**os.environ, **given, "MYBIZZ_PROGRESS": "1"}
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        try:
            for line in _follow(child):
                step = next((told for said, told in STEPS.items() if said in line), None)
                if step or not line:
                    _tell(job, request, step or "Still at it: a large business takes some minutes.")
            child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
        if child.returncode == 0:
            return ""
        output.seek(0)
        return _read_error(output.read(), child.returncode)


def _follow(child: subprocess.Popen[str]) -> Iterator[str]:
    """What it says about how far it is, a line each; '' when it has been silent for a while."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert child.stderr
        for line in child.stderr:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=RENEW_SECONDS)
        except queue.Empty:
            line = ""
        if line is None:
            return
        if line == "" or line.strip():
            yield line.strip()


def _read_error(said: str, code: int) -> str:
    try:
        return str(json.loads(said).get("error") or "No reason was given.")
    except ValueError:
        return f"The upgrade ended with exit code {code}."


def _tell(job: Job, request: notices.Request, step: str) -> None:
    """Progress is good to know; while writes are stopped it cannot be told."""
    try:
        notices.report(request, step, LEASE_SECONDS)
    except OperationError as error:
        job.say(f"  {request.instance.name} was not told how far it is: {error}")
