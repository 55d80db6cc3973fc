"""Create an instance as a whole: database, folder, and its first set-up through a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scripts.operations import releases
from scripts.operations.databases import DatabaseServer, finish_database
from scripts.operations.destruction import destroy, is_half_created
from scripts.operations.home import Home, OperationError
from scripts.operations.inside import calling
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.owner_links import OwnerLink
from scripts.operations.provision import move_to_server, provision
from scripts.operations.setup import BUSINESS, set_up


@dataclass(frozen=True)
class Wanted:
    """What a new instance shall be. ``port`` is where instances are served; ``vertical`` is one of
    ``setup.VERTICALS``; ``with_log_ins`` gives everyone a password in place of a link."""

    name: str
    title: str
    owner_email: str
    owner_name: tuple[str, str]
    release: releases.Release
    port: int
    vertical: str | None = None
    sample_data: bool = False
    with_log_ins: bool = False
    business: Mapping[str, str] = field(default_factory=lambda: BUSINESS)


@dataclass(frozen=True)
class Created:
    """A new instance, and the link by which its owner gets in, where no log-ins were made."""

    instance: InstanceFolder
    owner_link: OwnerLink | None


def choose_release(home: Home, version: str | None) -> releases.Release:
    """The release of this version, else the newest."""
    if version:
        return releases.find_release(home, version)
    published = releases.list_releases(home)
    if not published:
        raise OperationError(
            "Nothing is published yet. `scripts/run` makes a first release of this checkout as it "
            "stands; `scripts/mybizz release publish minor --notes ...` runs all tests before."
        )
    return published[-1]


def create(
    home: Home, server: DatabaseServer, wanted: Wanted, say: Callable[[str], None]
) -> Created:
    """Make the instance, or complete one that was interrupted. A new one that fails is undone;
    whatever a kill leaves, the next run with the same name completes."""
    instance = find_instance(home, wanted.name)
    if is_half_created(instance):
        destroy(server, instance)
    is_new = not instance.exists()
    if is_new:
        say(f"  Making the database and the folder of {wanted.name} ...")
        provision(home, server, wanted.name, wanted.release, title=wanted.title, port=wanted.port)
    elif instance.unfinished_marker.exists():
        say(f"  Completing {wanted.name}, which was interrupted ...")
        # It may have been killed between the folder and this.
        finish_database(server, instance.database_name)
        move_to_server(instance, server)
    else:
        raise OperationError(f"The instance {wanted.name!r} exists already in {instance.path}.")
    try:
        link = _set_up_served(instance, wanted, say)
    except BaseException:
        if is_new:
            destroy(server, instance)
        raise
    return Created(instance, link)


def _set_up_served(
    instance: InstanceFolder, wanted: Wanted, say: Callable[[str], None]
) -> OwnerLink | None:
    """Through the server that serves these instances if one runs, else through one of our own."""
    with calling(instance, wanted.port, say) as call:
        return set_up(
            instance,
            call,
            title=wanted.title,
            owner_email=wanted.owner_email,
            owner_name=wanted.owner_name,
            vertical=wanted.vertical,
            sample_data=wanted.sample_data,
            with_log_ins=wanted.with_log_ins,
            business=wanted.business,
            say=say,
        )
