"""``python -m app_server``: the embedded App Server."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence

import uvloop

from app_server.config import ServerConfig, make_server_config
from app_server.errors import StartupError
from app_server.listening import become_new_process
from app_server.logs import choose_format, is_json_wanted, set_up_logging, tell_failure
from app_server.options import parse_arguments, usage
from app_server.server import AppServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped. Exit code 1, with one message, where it cannot start."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "--help" in words or "-h" in words:
        sys.stdout.write(usage() + "\n")
        return 0
    set_up_logging()

    def read_config() -> ServerConfig:
        config = make_server_config(parse_arguments(words))
        choose_format(config.log_format)
        return config

    # What has been imported stays; the collector need not look at it again and again.
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    try:
        server = uvloop.run(serve(read_config))
    except StartupError as error:
        tell_failure(str(error), is_json=is_json_wanted(words))
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
