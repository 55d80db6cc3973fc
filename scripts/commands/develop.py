"""``scripts/develop``: the checkout itself, served and followed while it is changed."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from scripts.commands.run import TENANT, TITLE, say, serve_until_stopped, set_up_and_welcome
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import ROOT, Home
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.provision import move_to_port, move_to_server, provision, write_app
from scripts.operations.releases import APPS, Release
from scripts.operations.serving import (
    embedded_command,
    running,
    wait_until_served,
)

DATA = ROOT / ".data" / "develop"
LOOK_SECONDS = 0.5


def parse_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/develop",
        description="Serve master_template and m3 as they stand in this checkout, with sample data "
        "of their own, and follow every change of a file until Ctrl-C.",
    )
    parser.add_argument("--port", type=int, default=3030, help="serve here (default: 3030)")
    parser.add_argument(
        "--data-dir", type=Path, default=DATA, help="keep the database below this folder"
    )
    parser.add_argument(
        "--source", type=Path, default=ROOT, help="serve the apps of this checkout instead"
    )
    return parser.parse_args(arguments)


def link_checkout(home: Home, source: Path) -> Release:
    """The checkout in the place of a release."""
    folder = home.data / "checkout"
    folder.mkdir(exist_ok=True)
    for app in APPS:
        link = folder / app
        if link.is_symlink() and Path(os.readlink(link)) != source / app:
            link.unlink()
        if not link.is_symlink():
            link.symlink_to(source / app, target_is_directory=True)
    return Release("dev", folder, is_published=False)


def ensure_instance(
    home: Home, server: DatabaseServer, release: Release, port: int
) -> InstanceFolder:
    instance = find_instance(home, TENANT)
    if instance.exists():
        write_app(instance, release, TITLE)
        move_to_port(instance, port)
        move_to_server(instance, server)
    else:
        provision(home, server, TENANT, release, title=TITLE, port=port)
    return instance


def follow(instance: InstanceFolder, release: Release, child: subprocess.Popen[bytes]) -> int:
    """The server follows code by itself. What an instance has of the template's ``anvil.yaml``
    (tables, services, tasks) is a copy, which is made again when that changes."""
    source = release.folder / "master_template" / "anvil.yaml"
    seen = source.stat().st_mtime_ns
    while child.poll() is None:
        time.sleep(LOOK_SECONDS)
        if not source.exists() or source.stat().st_mtime_ns == seen:
            continue
        seen = source.stat().st_mtime_ns
        try:
            if write_app(instance, release, TITLE):
                say("The template's tables, services or tasks changed.")
        except Exception as error:  # noqa: BLE001  whatever somebody typed so far
            say(f"{source} cannot be read yet: {error}")
    return child.returncode


def serve(home: Home, server: DatabaseServer, source: Path, port: int) -> int:
    started = time.monotonic()
    release = link_checkout(home, source)
    instance = ensure_instance(home, server, release, port)
    with running(embedded_command(home, port)) as child:
        wait_until_served(instance, port, child)
        set_up_and_welcome(instance, port, started, sample_data=True)
        say("Change a file below master_template/ or m3/, then reload the page.")
        code = follow(instance, release, child)
    say(f"The server stopped by itself (exit code {code}).")
    return code or 1


def main() -> int:
    options = parse_options(sys.argv[1:])
    return serve_until_stopped(
        options.data_dir,
        options.port,
        None,
        lambda home, server: serve(home, server, options.source.resolve(), options.port),
    )


if __name__ == "__main__":
    sys.exit(main())
