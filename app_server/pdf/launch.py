"""Becomes Chromium, with its pipe where Chromium looks for it, and with limits.

Run as a script: ``launch.py READ_FD WRITE_FD USER_ID PROGRAM ARGUMENT...``; USER_ID is empty where
the user stays.
"""

from __future__ import annotations

import os
import resource
import sys

CHROMIUM_READS, CHROMIUM_WRITES = 3, 4
CPU_SECONDS = 120
FILE_BYTES = 1024**3


def main() -> None:
    reads, writes, user, program, *arguments = sys.argv[1:]
    # Out of the way first: one of them may be in the other's place.
    ends = [os.dup(os.dup(os.dup(int(end)))) for end in (reads, writes)]
    os.dup2(ends[0], CHROMIUM_READS)
    os.dup2(ends[1], CHROMIUM_WRITES)
    os.closerange(CHROMIUM_WRITES + 1, 256)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if user:
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    os.execv(program, [program, *arguments])


main()
