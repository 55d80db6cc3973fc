"""``scripts/run``: one command, and a tenant's business is open in the browser."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from scripts.operations import releases
from scripts.operations.command_log import read_words, recorded
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.inside import uplink
from scripts.operations.instances import InstanceFolder, find_instance, origin_of
from scripts.operations.observing.guard_thread import guarding
from scripts.operations.postgres import database_server
from scripts.operations.provision import (
    move_to_port,
    move_to_server,
    pinned_release,
    provision,
)
from scripts.operations.serving import (
    anvil_command,
    embedded_command,
    require_free_port,
    running,
    wait_until_served,
)
from scripts.operations.setup import read_log_ins, set_up
from scripts.operations.upgrading import attend, settle_all

TENANT = "yogastudio"
TITLE = "Sunrise Yoga Studio"
VERTICAL = "yoga-studio"
OWNER_EMAIL = "olga@yogastudio.example"
OWNER_NAME = ("Olga", "Petrova")
FIRST_NOTES = "The template as it stood when this installation was first started."


def parse_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/run",
        description="Set everything up, provision the tenant 'yogastudio' with sample data, and "
        "serve it until Ctrl-C.",
    )
    parser.add_argument("--port", type=int, default=3030, help="serve here (default: 3030)")
    parser.add_argument(
        "--data-dir", type=Path, help="keep database, releases and instances below this folder"
    )
    parser.add_argument(
        "--database", metavar="URL", help="use this Postgres server instead of the embedded one"
    )
    parser.add_argument(
        "--server",
        choices=("embedded", "anvil"),
        default="embedded",
        help="the embedded server, or Anvil's own (needs a Java runtime)",
    )
    parser.add_argument(
        "--no-sample-data", action="store_true", help="start with an empty business"
    )
    return parser.parse_args(arguments)


def say(text: str) -> None:
    print(text, flush=True)


def ensure_release(home: Home) -> releases.Release:
    """The newest release; the template as it stands becomes the first where there is none."""
    published = releases.list_releases(home)
    if published:
        return published[-1]
    release = releases.publish(home, releases.project_version(), FIRST_NOTES)
    say(f"  Published {release.version} of the template: {release.folder}")
    return release


def ensure_instance(home: Home, server: DatabaseServer, port: int) -> InstanceFolder:
    instance = find_instance(home, TENANT)
    if instance.exists():
        releases.verify(pinned_release(home, instance))
        move_to_port(instance, port)
    else:
        release = ensure_release(home)
        provision(home, server, TENANT, release, title=TITLE, port=port)
        say(f"  Provisioned {TENANT} with {release.version}: {instance.path}")
    return instance


def set_up_and_welcome(
    instance: InstanceFolder, port: int, started: float, *, sample_data: bool
) -> None:
    """Complete the first set-up of an instance that answers, and say how to get in."""
    if instance.unfinished_marker.exists():
        with uplink(instance, port) as call:
            set_up(
                instance,
                call,
                title=TITLE,
                owner_email=OWNER_EMAIL,
                owner_name=OWNER_NAME,
                vertical=VERTICAL,
                sample_data=sample_data,
                with_log_ins=True,
                say=say,
            )
    print_welcome(instance, port, time.monotonic() - started)


def print_welcome(instance: InstanceFolder, port: int, seconds: float) -> None:
    origin = origin_of(instance.name, port)
    say(f"\nReady in {seconds:.1f} s.\n")
    say(f"  Public site   {origin}/")
    say(f"  The app       {origin}/app\n")
    log_ins = read_log_ins(instance)
    if log_ins:
        width = max(len(log_in["email"]) for log_in in log_ins)
        for log_in in log_ins:
            say(f"  {log_in['role']:<9}  {log_in['email']:<{width}}  {log_in['password']}")
        say(f"\n  (kept in {instance.log_ins_file}; change them after the first log-in)")
    say("\nCtrl-C stops it.")


def serve(options: argparse.Namespace, home: Home, server: DatabaseServer) -> int:
    started = time.monotonic()
    settle_all(home, server, say)
    instance = ensure_instance(home, server, options.port)
    if not options.database:
        move_to_server(instance, server)
    is_embedded = options.server == "embedded"
    command = embedded_command(home, options.port) if is_embedded else anvil_command(instance)
    if not is_embedded:
        say("  Starting Anvil's own server; at its first start it downloads itself ...")
    with running(command, cwd=None if is_embedded else instance.path) as child:
        wait_until_served(
            instance,
            options.port,
            child,
            path="/_/health" if is_embedded else "/",
            seconds=60 if is_embedded else 300,
        )
        set_up_and_welcome(instance, options.port, started, sample_data=not options.no_sample_data)
        with guarding(home):
            code = attend(child, home, server, say)
    say(f"The server stopped by itself (exit code {code}).")
    return code or 1


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def serve_until_stopped(
    data_dir: Path, port: int, database: str | None, serve: Callable[[Home, DatabaseServer], int]
) -> int:
    """Run ``serve`` on a database server. What does not work is told in a line; Ctrl-C and SIGTERM
    end it."""
    signal.signal(signal.SIGTERM, interrupt)
    home = Home.at(data_dir)
    try:
        require_free_port(port)
        home.make()
        with recorded(home, read_words()) as outcome:
            outcome.code = _serve(home, database, serve)
        return outcome.code
    except OperationError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def _serve(home: Home, database: str | None, serve: Callable[[Home, DatabaseServer], int]) -> int:
    try:
        with database_server(home, database) as server:
            return serve(home, server)
    except KeyboardInterrupt:
        say("\nStopped.")
        return 0


def main() -> int:
    options = parse_options(sys.argv[1:])
    return serve_until_stopped(
        options.data_dir,
        options.port,
        options.database,
        lambda home, server: serve(options, home, server),
    )


if __name__ == "__main__":
    sys.exit(main())
