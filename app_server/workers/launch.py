"""What a worker process runs: Anvil's worker, which serves calls on a pipe.

Started as a file with a socket to the router as standard input and output. It says when it is
ready, that is when Anvil's libraries have been imported. Then the router says for which instance it
works (``ASSIGN``), and all else is between the router and Anvil's worker; the app comes with its
first call.
"""

import contextlib
import ctypes
import gc
import json
import os
import signal
import struct
import sys
import tempfile

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


def main() -> None:
    bind_to_router()
    # As with `python -m`: an app may import what lies in the folder where the server was started.
    sys.path[0] = os.getcwd()
    from anvil_downlink_worker import full_python_worker

    make_quicker()
    full_python_worker.write_pipe({"type": "READY"})
    try:
        assignment, _ = full_python_worker.PIPE_IN.receive()
        os.environ["TMPDIR"] = tempfile.tempdir = assignment["temporary-folder"]
        full_python_worker.run()
    except (EOFError, OSError, struct.error, KeyboardInterrupt):
        # The router has closed the pipe; threads that still run would keep the process.
        os._exit(1)


if __name__ == "__main__":
    main()
