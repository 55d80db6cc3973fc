"""What a worker process runs: Anvil's worker, which serves calls on a pipe.

Started as a file with a socket to the router as standard input and output. It says when it is
ready, that is when Anvil's libraries have been imported. Then the router says for which instance it
works (``ASSIGN``), and all else is between the router and Anvil's worker; the app comes with its
first call.
"""

import contextlib
import ctypes
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


def main() -> None:
    bind_to_router()
    # As with `python -m`: an app may import what lies in the folder where the server was started.
    sys.path[0] = os.getcwd()
    from anvil_downlink_worker import full_python_worker

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
