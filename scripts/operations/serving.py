"""Start and stop the processes that serve instances, and wait until one answers."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from scripts.operations.home import ROOT, Home, OperationError
from scripts.operations.instances import InstanceFolder

STOP_SECONDS = 10
# prctl(2)
PR_SET_PDEATHSIG = 1


@contextmanager
def running(
    command: Sequence[str], cwd: Path | None = None, output: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a process group of its own; on leaving, stop that group and only that. What
    it says goes to the terminal, or to ``output``."""
    child = subprocess.Popen(
        command,
        cwd=cwd,
        stdout=output,
        stderr=output,
        # Python finds our packages wherever it starts.
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    try:
        yield child
    finally:
        stop_group(child)


def end_with_parent() -> None:
    """In the child: be asked to end when we are killed without a chance to do so (Linux only;
    elsewhere such a child stays, and the next start says that the port is taken)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def stop_group(child: subprocess.Popen[bytes]) -> None:
    """Ask a child's group to end, and insist after ``STOP_SECONDS``."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    try:
        # Whatever the child had started and not taken along.
        os.killpg(child.pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return


def embedded_command(home: Home, port: int) -> list[str]:
    """The embedded server on all instances."""
    return [*_local_server(port), "--instances", str(home.instances)]


def single_command(instance: InstanceFolder, port: int) -> list[str]:
    """The embedded server on one instance alone, to be run in its folder."""
    return [*_local_server(port), "--config-file", str(instance.config_file)]


def _local_server(port: int) -> list[str]:
    return [sys.executable, "-m", "app_server", "--ip", "127.0.0.1", "--port", str(port)]


def anvil_command(instance: InstanceFolder) -> list[str]:
    """Anvil's own server on one instance. It needs a JVM, and at its first start it downloads
    itself, which we can't do for it."""
    program = shutil.which("anvil-app-server") or str(
        Path(sys.executable).with_name("anvil-app-server")
    )
    if not Path(program).exists():
        raise OperationError("anvil-app-server is not installed; run scripts/run once without it.")
    if not shutil.which("java"):
        raise OperationError(
            "--server anvil needs a Java runtime (Debian: apt-get install default-jre-headless); "
            "there is no `java` on the PATH. The embedded server needs none."
        )
    return [program, "--config-file", str(instance.config_file)]


def is_port_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def require_free_port(port: int) -> None:
    if not 0 < port < 65536:
        raise OperationError(f"--port expects a number from 1 to 65535; this is {port}.")
    if not is_port_free(port):
        raise OperationError(
            f"Port {port} is taken by another program. Stop that one, or choose another port: "
            f"scripts/run --port {port + 1 if port < 65535 else port - 1}"
        )


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_served(
    instance: InstanceFolder,
    port: int,
    child: subprocess.Popen[bytes],
    *,
    path: str = "/_/health",
    seconds: float = 60,
) -> None:
    """Return once the instance answers. Raises ``OperationError`` when its server ends or the
    time is up, with the last thing that it said."""
    deadline = time.monotonic() + seconds
    last = "no answer"
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise OperationError(
                f"The server stopped while it was starting (exit code {child.returncode}); "
                "the reason stands above."
            )
        last = ask(instance, port, path)
        if last == "":
            return
        time.sleep(0.05)
    raise OperationError(f"{instance.name} did not answer within {seconds:.0f} s: {last}.")


def _read_host(instance: InstanceFolder, port: int) -> str:
    """The name by which servers know the instance: that of its origin."""
    host = f"{instance.name}.localhost:{port}"
    if not instance.exists():
        return host
    return urlsplit(str(instance.read_config().get("origin", ""))).netloc or host


def ask(instance: InstanceFolder, port: int, path: str) -> str:
    """'' when the instance answers with 200, else what it did instead."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Host": _read_host(instance, port)}
    )
    try:
        with urllib.request.urlopen(request, timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        return f"status {error.code}, {error.read(300).decode(errors='replace').strip()}"
    except (OSError, urllib.error.URLError) as error:
        return str(getattr(error, "reason", error))
