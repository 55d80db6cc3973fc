"""``scripts/provision NAME``: make one more instance, whole or not at all."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.operations import releases
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import check_name, find_instance, origin_of
from scripts.operations.postgres import database_server
from scripts.operations.provision import provision, remove_instance
from scripts.operations.serving import (
    ask,
    embedded_command,
    find_free_port,
    running,
    wait_until_served,
)
from scripts.operations.setup import read_log_ins, set_up


def parse_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/provision", description=__doc__)
    parser.add_argument("name", help="the instance's name and address, such as sea-view-inn")
    parser.add_argument("--title", help="the business's name as people see it")
    parser.add_argument("--owner", required=True, metavar="EMAIL", help="the owner's log-in")
    parser.add_argument("--owner-name", default="Business Owner", metavar="'FIRST LAST'")
    parser.add_argument("--release", help="pin this version (default: the newest)")
    parser.add_argument("--sample-data", action="store_true", help="a business to show around")
    parser.add_argument("--port", type=int, default=3030, help="where instances are served")
    parser.add_argument("--data-dir", type=Path, help="as for scripts/run")
    parser.add_argument("--database", metavar="URL", help="as for scripts/run")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    return parser.parse_args(arguments)


def choose_release(home: Home, version: str | None) -> releases.Release:
    if version:
        return releases.find_release(home, version)
    published = releases.list_releases(home)
    if not published:
        raise OperationError("Nothing is published yet; run scripts/publish first.")
    return published[-1]


def run_set_up(options: argparse.Namespace, home: Home, name: str) -> None:
    """Through the server that serves these instances if one runs, else through one of our own."""
    instance = find_instance(home, name)
    first, _, last = options.owner_name.partition(" ")
    arguments = {
        "title": options.title or name,
        "owner_email": options.owner,
        "owner_name": (first, last or first),
        "sample_data": options.sample_data,
        "say": print,
    }
    if ask(instance, options.port, "/_/health") == "":
        set_up(instance, options.port, **arguments)
        return
    port = find_free_port()
    with running(embedded_command(home, port)) as child:
        wait_until_served(instance, port, child)
        set_up(instance, port, **arguments)


def provision_whole(options: argparse.Namespace, home: Home, server: DatabaseServer) -> None:
    instance = find_instance(home, options.name)
    is_new = not instance.exists()
    if is_new:
        release = choose_release(home, options.release)
        title = options.title or options.name
        provision(home, server, options.name, release, title=title, port=options.port)
    elif not instance.unfinished_marker.exists():
        raise OperationError(f"The instance {options.name!r} exists already in {instance.path}.")
    try:
        run_set_up(options, home, options.name)
    except BaseException:
        if is_new:
            remove_instance(server, instance)
        raise
    print(f"\n{origin_of(options.name, options.port)}/app")
    for log_in in read_log_ins(instance):
        print(f"  {log_in['role']:<9}  {log_in['email']}  {log_in['password']}")


def main() -> int:
    options = parse_options(sys.argv[1:])
    home = Home.at(options.data_dir)
    try:
        check_name(options.name)
        if options.dry_run:
            release = choose_release(home, options.release)
            print(
                f"Would make database and role mybizz_{options.name.replace('-', '_')}, the folder "
                f"{home.instances / options.name} pinned to {release.version}, and the owner "
                f"{options.owner}."
            )
            return 0
        home.make()
        with database_server(home, options.database) as server:
            provision_whole(options, home, server)
    except OperationError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
