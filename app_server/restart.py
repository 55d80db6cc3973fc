"""Before this program is started anew in its own process: whether it would come up."""

from __future__ import annotations

import asyncio
import sys

from app_server.errors import StartupError

CHECK_SECONDS = 60.0


async def is_fit_to_start() -> None:
    """Try the code that is installed now in another process. StartupError where it does not even
    tell its options: then the server that runs had better go on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app_server",
        "--help",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await asyncio.wait_for(process.communicate(), CHECK_SECONDS)
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise StartupError("The server that is installed now does not start.") from error
    if process.returncode != 0:
        lines = errors.decode(errors="replace").strip().splitlines() or ["it says nothing"]
        raise StartupError(f"The server that is installed now does not start: {lines[-1]}")
