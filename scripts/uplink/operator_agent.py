#!/usr/bin/env python3
"""The operator agent: stands between the console and the businesses of this machine.

    scripts/uplink/operator_agent.py                         the console of this installation
    scripts/uplink/operator_agent.py --url wss://console.example.com/_/uplink --key-file FILE

It tells the console every minute how each business is, which alerts are open, which releases there
are and which commands were run, and runs what is asked for there: only commands of a fixed list
(scripts/operations/agent/actions.py). It connects to the console, and again whenever the connection
is lost; it opens no port. It runs until Ctrl-C; `--once` does one round and waits for its jobs.

Exit code: 0 ended, 1 it cannot be: no console, a wrong key.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    import in_project  # type: ignore[import-not-found]  # noqa: F401

import argparse
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from app_server.errors import StartupError
from scripts.operations.agent.service import Agent
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.management import require_management
from scripts.operations.postgres import database_server
from scripts.uplink.connection import Target, UplinkError, check_target, finish

ROUND_SECONDS = 3.0
RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
KEY_VARIABLE = "MYBIZZ_UPLINK_KEY"

log = logging.getLogger("mybizz.agent")


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/uplink/operator_agent.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", help="the console's uplink, where it is on another machine")
    parser.add_argument(
        "--key-file",
        type=Path,
        help=f"a file with the console's uplink key (or set {KEY_VARIABLE})",
    )
    parser.add_argument("--data-dir", type=Path, help="the installation, as for scripts/run")
    parser.add_argument(
        "--database",
        metavar="URL",
        default=read_database(),
        help="the Postgres server of the instances (or set MYBIZZ_DATABASE, or a file's name in "
        "MYBIZZ_DATABASE_FILE); without it, the embedded one",
    )
    parser.add_argument("--once", action="store_true", help="one round, and end with its jobs")
    return parser.parse_args(arguments)


def read_database() -> str | None:
    """What the environment says, as for scripts/mybizz."""
    file = os.environ.get("MYBIZZ_DATABASE_FILE")
    given = os.environ.get("MYBIZZ_DATABASE")
    return given or (Path(file).read_text().strip() if file else None) or None


def find_console(options: argparse.Namespace, home: Home) -> Target:
    """Where the console is. Raises ``OperationError`` or :class:`UplinkError`."""
    if options.url:
        key = options.key_file.read_text() if options.key_file else os.environ.get(KEY_VARIABLE)
        if not key:
            raise UplinkError(f"--url needs --key-file, or the key in {KEY_VARIABLE}.")
        return Target(options.url, key.strip(), options.url)
    config = require_management(home).read_config()
    url = f"ws://127.0.0.1:{config['port']}/_/uplink"
    return Target(url, str(config["uplink-key"]), "console")


def wait_for(find: Callable[[], Target], stopping: threading.Event) -> Target | None:
    """The console, once it answers; None when we are asked to stop. A wrong key is told at once:
    it does not become right by waiting."""
    tries = 0
    while not stopping.is_set():
        target = find()  # anew: its port may have changed with its start
        try:
            check_target(target)
            return target
        except UplinkError as error:
            if "refused the uplink key" in str(error) or "client uplink" in str(error):
                raise
            pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
            log.warning("%s Trying again in %g s.", error, pause)
            tries += 1
            stopping.wait(pause)
    return None


def run(options: argparse.Namespace, home: Home, stopping: threading.Event) -> None:
    """Look after the console until asked to stop."""
    target = wait_for(lambda: find_console(options, home), stopping)
    if target is None:
        return
    import anvil.server

    own = ["--data-dir", str(home.data)] if options.data_dir else []
    if options.database:
        # For the commands, too; not on their command lines, which everybody here can read.
        os.environ["MYBIZZ_DATABASE"] = options.database
    with ExitStack() as stack:
        server = _open_database(stack, home, options.database)
        anvil.server.connect(target.key, url=target.url, quiet=True)
        stack.callback(anvil.server.disconnect)
        agent = Agent(home, server, anvil.server.call, own)
        stack.callback(agent.stop)
        log.info("Connected to the console at %s.", target.url)
        agent.round()
        while not stopping.wait(ROUND_SECONDS):
            if options.once and not agent.jobs:
                return
            agent.round()


def _open_database(stack: ExitStack, home: Home, url: str | None) -> DatabaseServer | None:
    """The database server for as long as we run; None where there is none, and the fleet is told
    of without what it knows."""
    try:
        return stack.enter_context(database_server(home, url))
    except (OperationError, StartupError) as error:
        log.warning("Without a database server: %s", error)
        return None


def main(arguments: list[str] | None = None) -> int:
    """Run until asked to stop; the exit code."""
    options = parse_options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    try:
        run(options, Home.at(options.data_dir), stopping)
    except (OperationError, UplinkError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    finish(main())
