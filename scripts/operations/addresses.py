"""The public address of an instance."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder, list_instances

CONSOLE = "management"
LOCAL = re.compile(r"localhost|127\.0\.0\.1|[a-z0-9-]+\.localhost")
# RFC 1123, section 2.1; names in other scripts as IDNA writes them (xn--...).
HOST_NAME = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])"
)


def set_origin(home: Home, instance: InstanceFolder, origin: str, *, is_dry: bool = False) -> str:
    """Give an instance another address; gives it as it is kept. Raises ``OperationError`` where it
    can be none, or another instance has that host name."""
    wanted = check_origin(origin)
    host = urlsplit(wanted).hostname
    others = [*list_instances(home), find_console(home)]
    for other in filter(InstanceFolder.exists, others):
        taken = urlsplit(str(other.read_config().get("origin", ""))).hostname
        if other.name != instance.name and taken == host:
            raise OperationError(f"{host} is the address of {other.name} already.")
    config = instance.read_config()
    if config.get("origin") != wanted and not is_dry:
        instance.write_config({**config, "origin": wanted})
        instance.log("address", origin=wanted, former=config.get("origin"))
    return wanted


def find_console(home: Home) -> InstanceFolder:
    """The founder's console, which has a folder like an instance's; it may not be there."""
    return InstanceFolder(CONSOLE, home.data / CONSOLE)


def check_origin(origin: str) -> str:
    """Scheme, host and port in lower case, without a slash at its end."""
    expected = f"An address looks like https://www.seaview.example; this is {origin!r}."
    try:
        parts = urlsplit(origin.strip().lower().rstrip("/"))
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise OperationError(expected) from error
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise OperationError(f"{expected} Leave out what stands behind the name.")
    if parts.scheme == "http" and not LOCAL.fullmatch(host):
        raise OperationError(
            f"{expected} Without https log-ins could be read on their way: only an address on this "
            "machine (*.localhost) may do without."
        )
    if parts.scheme not in ("http", "https") or not (
        HOST_NAME.fullmatch(host) or LOCAL.fullmatch(host)
    ):
        raise OperationError(expected)
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")
