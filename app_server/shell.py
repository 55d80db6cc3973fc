"""``--shell``: Anvil's interactive Python shell, connected to the app by an uplink."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from urllib.parse import urlsplit

from app_server.config import InstanceConfig, ServerConfig

logger = logging.getLogger(__name__)

MODULE = "anvil_app_server.shell"
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


async def run_shell(instance: InstanceConfig, server: ServerConfig, port: int) -> int:
    """Run it on our terminal until it is left; its exit code. Source: ``launch-shell!`` in
    anvil.app-server.run."""
    environment = {
        **os.environ,
        "ANVIL_UPLINK_URL": uplink_url(instance, server, port),
        "ANVIL_UPLINK_KEY": instance.uplink_key or "",
        "ANVIL_APP_PATH": str(instance.app_folder.parent),
    }
    python = os.environ.get("PYTHON_INTERPRETER") or sys.executable
    process = await asyncio.create_subprocess_exec(python, "-m", MODULE, env=environment)
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    logger.info("The shell ended with exit code %d; the server ends, too", code)
    return code


def uplink_url(instance: InstanceConfig, server: ServerConfig, port: int) -> str:
    """Where the shell finds this server: on this machine, or with a certificate under the name
    that stands in it."""
    if server.tls is not None:
        return f"wss://{urlsplit(instance.origin).hostname}:{port}/_/uplink"
    host = ANY_ADDRESS.get(server.ip) or (f"[{server.ip}]" if ":" in server.ip else server.ip)
    return f"ws://{host}:{port}/_/uplink"
