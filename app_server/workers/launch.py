"""What a worker process runs: Anvil's worker, which serves calls on a pipe.

Started as a file with a socket to the router as standard input and output. It says when it is
ready, that is when Anvil's libraries have been imported. Then the router says for which instance it
works (``ASSIGN``), and all else is between the router and Anvil's worker; the app comes with its
first call.
"""

import builtins
import contextlib
import ctypes
import gc
import importlib.util
import json
import marshal
import os
import signal
import struct
import sys
import tempfile
from hashlib import sha256
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h
OOM_SCORE = "500"
"""When memory runs out, the system ends workers before the router or the database (proc(5))."""


def bind_to_router() -> None:
    """End with the router, even if that is killed; and before it when memory runs out. Only Linux
    can do either; elsewhere the end of the pipe ends an idle worker."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write(OOM_SCORE)


def make_quicker() -> None:
    """A third less time for a call that returns rows (scripts/bench)."""
    import orjson
    from anvil import _server
    from anvil_downlink_util import pipes

    options = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME

    class QuickJson:
        """``json`` for messages. What JSON has no place for was replaced before a message is
        written (``_server.fill_out_media``), or is left to the standard library."""

        @staticmethod
        def dumps(message: object) -> str:
            try:
                return orjson.dumps(message, option=options).decode()
            except TypeError:
                return json.dumps(message)

        @staticmethod
        def loads(text: bytes) -> object:
            try:
                return orjson.loads(text)
            except orjson.JSONDecodeError:
                return json.loads(text)

    pipes.json = QuickJson

    find_helper = _server._check_and_call_serialization_helper
    without_helper: set[str] = set()

    def has_helper(name: str) -> bool:
        """Asked of each value that is sent; most are of a few types of Python's own."""
        if name in without_helper:
            return False
        found: bool = find_helper(name)
        if not found and name.startswith("builtins."):
            without_helper.add(name)
        return found

    _server._check_and_call_serialization_helper = has_helper

    # What has been imported stays; the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


class AppFirst:
    """Finds the app's own modules before any that lie on the disk.

    Anvil's finder comes last, so a folder named as the app's package, in the folder where the
    server was started, would be run in place of the version that the instance pins.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        from anvil_downlink_worker import module_finder

        return module_finder.find_spec(name) if name in module_finder._modules else None


class CodeStore:
    """What modules were compiled to, by what they say: a file each in a folder that all processes
    of this user's servers share, as Python keeps it beside modules that lie on the disk. It is half
    of what the modules of an app cost at the start of a process (scripts/bench).

    A file that is missing, damaged or of another Python is made anew; where the folder cannot be
    written to, the modules are compiled each time.
    """

    def __init__(self, folder: str):
        self.folder = folder

    def compile(self, source: Any, filename: str, mode: str) -> Any:
        """As the built-in function."""
        if not isinstance(source, str) or mode != "exec":
            return builtins.compile(source, filename, mode)
        key = sha256(importlib.util.MAGIC_NUMBER)
        key.update(f"{filename}\0{source}".encode(errors="surrogatepass"))
        path = os.path.join(self.folder, key.hexdigest())
        code = self._read(path)
        if code is None:
            code = builtins.compile(source, filename, mode)
            self._write(path, marshal.dumps(code))
        return code

    def _read(self, path: str) -> Any:
        try:
            with open(path, "rb") as file:
                digest, data = file.read(sha256().digest_size), file.read()
        except OSError:
            return None
        # Python may crash on what ``marshal`` did not write.
        return marshal.loads(data) if sha256(data).digest() == digest else None

    def _write(self, path: str, data: bytes) -> None:
        with contextlib.suppress(OSError):
            half, name = tempfile.mkstemp(dir=self.folder)
            try:
                with open(half, "wb") as file:
                    file.write(sha256(data).digest() + data)
                os.replace(name, path)
            except OSError:
                os.unlink(name)


def main() -> None:
    bind_to_router()
    # As with `python -m`: an app may import what lies in the folder where the server was started.
    sys.path[0] = os.getcwd()
    import anvil_downlink_worker
    from anvil_downlink_worker import full_python_worker

    sys.meta_path.insert(0, AppFirst())
    make_quicker()
    full_python_worker.write_pipe({"type": "READY"})
    try:
        assignment, _ = full_python_worker.PIPE_IN.receive()
        os.environ["TMPDIR"] = tempfile.tempdir = assignment["temporary-folder"]
        if assignment["code-folder"]:
            anvil_downlink_worker.compile = CodeStore(assignment["code-folder"]).compile
        full_python_worker.run()
    except (EOFError, OSError, struct.error, KeyboardInterrupt):
        # The router has closed the pipe; threads that still run would keep the process.
        os._exit(1)


if __name__ == "__main__":
    main()
