"""Make the console as a whole: its folder and database, then settings and the founder's account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scripts.operations.databases import DatabaseServer
from scripts.operations.destruction import destroy, is_half_created
from scripts.operations.home import Home, OperationError
from scripts.operations.inside import calling, checked
from scripts.operations.instances import InstanceFolder
from scripts.operations.management import (
    TITLE,
    complete_management,
    management_folder,
    provision_management,
)
from scripts.operations.owner_links import OwnerLink, ask_for_link
from scripts.operations.setup import BUSINESS


@dataclass(frozen=True)
class WantedConsole:
    """What the console shall be; ``business`` has the keys of ``setup.BUSINESS``."""

    founder_email: str
    founder_name: tuple[str, str]
    port: int
    title: str = TITLE
    business: Mapping[str, str] = field(default_factory=lambda: BUSINESS)


def create_management(
    home: Home, server: DatabaseServer, wanted: WantedConsole, say: Callable[[str], None]
) -> tuple[InstanceFolder, OwnerLink]:
    """Make the console, or complete one whose making was interrupted; give it with the founder's
    one-time link. Raises ``OperationError`` where there is a whole one."""
    folder = management_folder(home)
    if is_half_created(folder):
        destroy(server, folder)
    is_new = not folder.exists()
    if is_new:
        say("  Making the console's database and folder ...")
        provision_management(home, server, port=wanted.port)
    elif folder.unfinished_marker.exists():
        say("  Completing the console, which was interrupted ...")
        complete_management(server, folder)
    else:
        raise OperationError(
            f"The console exists already in {folder.path}. Serve it: scripts/mybizz management "
            "run. Lost your way in? scripts/mybizz management founder-link"
        )
    try:
        return folder, _set_up(folder, wanted, say)
    except BaseException:
        if is_new:
            destroy(server, folder)
        raise


def _set_up(folder: InstanceFolder, wanted: WantedConsole, say: Callable[[str], None]) -> OwnerLink:
    say("  Setting it up ...")
    with calling(folder, say=say) as call:
        first, last = wanted.founder_name
        answer = call(
            "set_up_instance",
            business={"business_name": wanted.title, **wanted.business},
            owner={
                "email": wanted.founder_email,
                "password": None,
                "first_name": first,
                "last_name": last,
            },
            features={},
        )
        checked(answer, "The set-up of the console")
        link = ask_for_link(folder, call)
    folder.unfinished_marker.unlink()
    folder.log("set up")
    return link
