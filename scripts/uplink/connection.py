"""Connect to an instance with Anvil's own uplink client, and leave cleanly."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import yaml
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect as open_socket

ROOT = Path(__file__).resolve().parents[2]
HANDSHAKE_SECONDS = 10
PROTOCOL_VERSION = 8  # what anvil-uplink 0.7 says it speaks


class UplinkError(Exception):
    """The work cannot be done. The message is the whole text that a person reads."""


@dataclass(frozen=True)
class Target:
    """Where an uplink goes: ``ws://host:port/_/uplink`` and the key that opens it."""

    url: str
    key: str
    name: str


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """The options by which a person names an instance."""
    parser.add_argument("--instance", metavar="NAME", help="a folder of client_instances")
    parser.add_argument(
        "--instances",
        metavar="FOLDER",
        type=Path,
        default=ROOT / "client_instances",
        help="where the instances are (default: client_instances)",
    )
    parser.add_argument("--url", help="address of the uplink, ws://host:port/_/uplink")
    parser.add_argument("--key", help="key of the server uplink (or set MYBIZZ_UPLINK_KEY)")
    parser.add_argument("--port", type=int, help="port of a server started with another --port")


def find_target(options: argparse.Namespace) -> Target:
    """The instance that the options name. Raises :class:`UplinkError`."""
    if options.url:
        key = options.key or os.environ.get("MYBIZZ_UPLINK_KEY")
        if not key:
            raise UplinkError("--url needs --key, or the key in MYBIZZ_UPLINK_KEY.")
        return Target(options.url, key, urlsplit(options.url).netloc)
    name = options.instance or _only_instance(options.instances)
    file = options.instances / name / "instance.yaml"
    try:
        config = yaml.safe_load(file.read_text())
    except FileNotFoundError:
        there = ", ".join(_instance_names(options.instances)) or "none yet"
        raise UplinkError(
            f"There is no instance {name!r}: expected {file}. Instances are: {there}."
        ) from None
    except (OSError, yaml.YAMLError) as error:
        raise UplinkError(f"Could not read {file}: {error}") from error
    if not isinstance(config, dict) or not config.get("uplink-key"):
        raise UplinkError(f"{file} has no uplink-key.")
    return Target(_uplink_url(config, options.port), str(config["uplink-key"]), name)


def _instance_names(folder: Path) -> list[str]:
    return sorted(file.parent.name for file in folder.glob("*/instance.yaml"))


def _only_instance(folder: Path) -> str:
    names = _instance_names(folder)
    if len(names) != 1:
        there = ", ".join(names) or "none yet"
        raise UplinkError(f"Which instance? Say --instance NAME. Instances are: {there}.")
    return names[0]


def _uplink_url(config: dict[str, Any], port: int | None) -> str:
    """Python cannot resolve ``*.localhost`` as a browser does; the server knows us by the key."""
    origin = urlsplit(str(config.get("origin") or f"http://localhost:{config.get('port', 3030)}"))
    host = origin.hostname or "localhost"
    if host == "localhost" or host.endswith(".localhost"):
        host = "127.0.0.1"
    scheme = "wss" if origin.scheme == "https" else "ws"
    port = port or origin.port or (443 if scheme == "wss" else 80)
    return f"{scheme}://{host}:{port}/_/uplink"


def check_target(target: Target) -> None:
    """Raise :class:`UplinkError` if nobody answers there, or the key is not right.

    Anvil's client would go on trying for ever in the background, so we knock first.
    """
    try:
        with open_socket(target.url, open_timeout=HANDSHAKE_SECONDS) as socket:
            socket.send(json.dumps({"key": target.key, "v": PROTOCOL_VERSION}))
            answer = json.loads(socket.recv(timeout=HANDSHAKE_SECONDS))
    except (OSError, TimeoutError, WebSocketException, ValueError) as error:
        raise UplinkError(
            f"Nobody answers at {target.url} ({error or type(error).__name__}). "
            "Is the server running? ./scripts/run starts it."
        ) from error
    if "error" in answer:
        raise UplinkError(f"The server at {target.url} refused the uplink key: {answer['error']}")
    if answer.get("priv") in ("client", "client_uplink"):
        raise UplinkError("This is the key of a client uplink; batch work needs the server's.")


Call = Callable[..., Any]


@contextmanager
def connected(target: Target) -> Iterator[Call]:
    """A function ``call(name, *args, **kwargs)`` that calls the instance.

    Our callables answer with an envelope; a refusal is raised as :class:`UplinkError`.
    """
    check_target(target)
    import anvil.server

    anvil.server.connect(target.key, url=target.url, quiet=True)

    def call(name: str, *args: Any, **kwargs: Any) -> Any:
        answer = anvil.server.call(name, *args, **kwargs)
        if isinstance(answer, dict) and answer.get("success") is False:
            raise UplinkError(str(answer.get("error")))
        return answer

    try:
        yield call
    finally:
        anvil.server.disconnect()


def finish(code: int) -> NoReturn:
    """End the process now.

    Anvil's client keeps a thread that sleeps up to ten seconds after a disconnect; a command
    should not.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
