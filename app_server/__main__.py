"""``python -m app_server``: the embedded App Server."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Sequence

import uvloop

from app_server.config import ServerConfig, make_server_config
from app_server.errors import StartupError
from app_server.listening import become_new_process
from app_server.options import parse_arguments, usage
from app_server.server import AppServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped. Exit code 1, with one message, where it cannot start."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "--help" in words or "-h" in words:
        sys.stdout.write(usage() + "\n")
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("uvicorn.error", "websockets.server"):
        logging.getLogger(name).setLevel(logging.WARNING)

    def read_config() -> ServerConfig:
        return make_server_config(parse_arguments(words))

    # What has been imported stays; the collector need not look at it again and again.
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    try:
        server = uvloop.run(serve(read_config))
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if server.is_to_restart and server.listener is not None:
        become_new_process(server.listener, ["-m", "app_server", *words])
    return 0


async def serve(read_config: Callable[[], ServerConfig]) -> AppServer:
    """The server when it has ended."""
    server = AppServer(read_config(), read_config)
    await server.run()
    return server


if __name__ == "__main__":
    sys.exit(main())
