"""``scripts/migrate``: show or make the changes that an app's tables need, and what is set aside.

The app may be served meanwhile: calls go on, and servers notice the change by themselves.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg

from app_server.apps import load_app
from app_server.config import (
    DEFAULT_PORT,
    NO_DATABASE,
    InstanceConfig,
    make_server_config,
    read_instance_config,
)
from app_server.embedded import open_embedded
from app_server.errors import StartupError
from app_server.tables.migration import (
    Migration,
    Options,
    migrate,
    plan_migration,
    purge_aside,
    read_aside,
    read_migration,
)
from app_server.tables.pool import Connection, connect
from app_server.tables.store import libpq_url
from app_server.tables.wanted import schema_of
from scripts.operations.command_log import Outcome, read_words, recorded
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.postgres import database_server
from scripts.operations.provision import move_to_server


def parse_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/migrate", description=__doc__)
    parser.add_argument("instance", nargs="?", help="the instance's name")
    parser.add_argument("--app", type=Path, metavar="DIR", help="an app's folder instead")
    parser.add_argument(
        "--dep-id",
        action="append",
        default=[],
        metavar="ID=DIR",
        help="with --app: as for the server",
    )
    parser.add_argument("--config-file", metavar="FILE", help="with --app: the server's options")
    parser.add_argument("--data-dir", type=Path, help="as for scripts/run, or for the server")
    parser.add_argument("--database", metavar="URL", help="as for scripts/run, or for the server")
    parser.add_argument(
        "--plan", action="store_true", help="change nothing, only say what would be"
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    parser.add_argument(
        "--allow-data-loss",
        action="store_true",
        help="values that do not fit their new type become None; the old ones are kept aside",
    )
    parser.add_argument("--aside", action="store_true", help="list what is set aside")
    parser.add_argument("--purge", action="store_true", help="delete for good what is set aside")
    parser.add_argument(
        "--older-than",
        type=float,
        default=0,
        metavar="DAYS",
        help="with --aside or --purge: only what has been set aside for so long",
    )
    options = parser.parse_args(arguments)
    if (options.instance is None) == (options.app is None):
        parser.error("name an instance, or give --app DIR")
    if options.instance and (options.dep_id or options.config_file):
        parser.error("--dep-id and --config-file go with --app")
    if options.older_than < 0 or (options.older_than and not (options.aside or options.purge)):
        parser.error("--older-than takes a number of days, with --aside or --purge")
    return options


@contextmanager
def found_app(options: argparse.Namespace) -> Iterator[tuple[InstanceConfig, str]]:
    """The configuration and the database's address, with the database up meanwhile."""
    if options.app is None:
        home = Home.at(options.data_dir)
        folder = find_instance(home, options.instance)
        if not folder.exists():
            raise OperationError(f"There is no instance {options.instance!r} in {home.instances}.")
        with database_server(home, options.database) as server:
            if not options.database:
                move_to_server(folder, server)
            config = read_instance_config(folder.path, DEFAULT_PORT)
            yield config, _address(config)
        return
    given: dict[str, Any] = {"app": str(options.app)}
    if options.config_file:
        given["config-file"] = options.config_file
    if options.database:
        given["database"] = options.database
    if options.data_dir:
        given["data-dir"] = str(options.data_dir)
    if options.dep_id:
        given["dep-id"] = dict(each.partition("=")[::2] for each in options.dep_id)
    served = make_server_config(given).instance
    assert served is not None
    if served.database is not None:
        yield served, _address(served)
        return
    embedded = open_embedded(served.data_dir)
    try:
        yield served, embedded.url
    finally:
        embedded.stop()


def _address(config: InstanceConfig) -> str:
    if config.database is None or config.database == NO_DATABASE:
        raise OperationError(f"{config.name} runs without a database, so it has no tables.")
    return libpq_url(config.database)


def read_wanted(config: InstanceConfig, options: argparse.Namespace) -> Migration:
    allowed = Options(
        auto_migrate=True, allow_data_loss=options.allow_data_loss or config.allow_data_loss
    )
    app = load_app(config.app_folder, config.dep_ids)
    return read_migration(**schema_of(app), options=allowed)


async def run(config: InstanceConfig, database: str, options: argparse.Namespace) -> int:
    try:
        connection = await connect(database)
    except psycopg.Error as error:
        raise OperationError(f"The database cannot be reached: {error}") from error
    async with connection:
        if options.aside or options.purge:
            return await do_aside(connection, options)
        return await do_migration(connection, read_wanted(config, options), options)


async def do_aside(connection: Connection, options: argparse.Namespace) -> int:
    is_done = options.purge and not options.plan
    if is_done:
        aside = await purge_aside(connection, options.older_than)
    else:
        aside = await read_aside(connection, options.older_than)
    if options.json:
        print(json.dumps({"purged": is_done, "aside": [each.to_json() for each in aside]}))
        return 0
    done = "Purged" if is_done else "Would be purged" if options.purge else "Set aside"
    print(f"{done}:" if aside else "Nothing is set aside.")
    for each in aside:
        print(f"  - {each}" + ("" if is_done else f"\n    kept in {each.place}"))
    return 0


async def do_migration(
    connection: Connection, wanted: Migration, options: argparse.Namespace
) -> int:
    """Exit code 1 where the plan is refused."""
    if not options.plan:
        _, plan = await migrate(connection, wanted)
        refusal = ""
    else:
        plan = await plan_migration(connection, wanted)
        refusal = plan.refusal(allow_data_loss=wanted.options.allow_data_loss)
    if options.json:
        print(json.dumps({"made": not options.plan, **plan.to_json()}, ensure_ascii=False))
    elif not plan:
        print("The tables are as the app wants them.")
    else:
        print("These changes are needed:" if options.plan else "Made these changes:")
        print(plan)
        if refusal:
            print(f"\nThey would be refused. {refusal}")
    return 1 if refusal else 0


def note(options: argparse.Namespace) -> None:
    """Into the instance's history."""
    if options.instance and not options.plan and not (options.aside and not options.purge):
        folder: InstanceFolder = find_instance(Home.at(options.data_dir), options.instance)
        facts = {"allow_data_loss": options.allow_data_loss, "older_than_days": options.older_than}
        folder.log("purge" if options.purge else "migrate", **facts)


def main() -> int:
    options = parse_options(sys.argv[1:])
    # An app outside of an installation has no log of commands.
    home = Home.at(options.data_dir) if options.instance else None
    noting = recorded(home, read_words()) if home else nullcontext(Outcome())
    try:
        with noting as outcome:
            with found_app(options) as (config, database):
                code = asyncio.run(run(config, database, options))
            note(options)
            outcome.code = code
    except (OperationError, StartupError, psycopg.Error) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
