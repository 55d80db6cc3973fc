"""One instance as it was at a moment, out of the archive of the whole server.

The server is recovered beside the running one, the instance's database is taken out of it as a
backup like any other (kind ``moment``), and that is what is restored: proven, exchanged in one step
and kept, as every backup is. The other instances are not touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from scripts.operations.backups import Backup, make_backup
from scripts.operations.databases import DatabaseServer, database_comment
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.wal.recovery import find_archive, recovered_server

LATEST = "latest"
MOMENT = "moment"
# A date alone could be either end of the day.
HAS_TIME = re.compile(r"\d[ T]\d{2}:\d{2}")


def read_moment(text: str, now: datetime | None = None) -> datetime | None:
    """What ``--at`` says; None for ``latest``. UTC unless it names an offset. Raises
    ``OperationError``."""
    if text == LATEST:
        return None
    try:
        if not HAS_TIME.search(text):
            raise ValueError
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OperationError(
            f"--at expects a moment such as '2026-11-21 13:05' or '2026-11-21T15:05:30+02:00' (UTC "
            f"unless it says otherwise), or latest; got {text!r}."
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    now = now or datetime.now(UTC)
    if aware > now:
        raise OperationError(
            f"--at {text} is {aware.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, which is still to "
            f"come: it is {now:%Y-%m-%d %H:%M:%S} UTC."
        )
    return aware.astimezone(UTC)


def back_up_moment(
    home: Home,
    server: DatabaseServer,
    instance: InstanceFolder,
    moment: datetime | None,
    *,
    archive_root: Path | None = None,
    target: Path | None = None,
    advance: Callable[[int], None] = lambda _count: None,
) -> Backup:
    """A backup of the instance as it was at the moment (None: as late as the archive goes). Raises
    ``OperationError``, also where it was not there then."""
    archive = find_archive(home, server, archive_root)
    with recovered_server(home, archive, moment, advance) as recovered:
        at = moment or recovered.reached or datetime.now(UTC)
        name = instance.database_name
        with recovered.server.connect() as connection:
            if database_comment(connection, name) is None:
                raise OperationError(f"There was no {instance.name} at {at:%Y-%m-%d %H:%M:%S} UTC.")
        url = recovered.server.url(name)
        return make_backup(home, instance, url, kind=MOMENT, target=target, at=at, advance=advance)
