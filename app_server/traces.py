"""Traces as whoever wrote the app wants to read them: their own files and lines, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app_server.apps.model import App

# Anvil's libraries, in our own processes, in an uplink's, and in the browser.
INTERNAL = re.compile(
    r"/site-packages/(anvil|anvil_\w+)/|/anvil_downlink_\w+/|/app_server/|^(src/lib/)?anvil/"
)
MAX_FRAMES = 100
MAX_PATH_CHARS = 300


def own_frames(app: App, trace: Any, *, in_browser: bool = False) -> Iterator[str]:
    """``path:line``, and what stands there, for each frame of a wire error's ``trace``
    (``[[file, line], ...]``, the innermost first). Files of the app come with their path from the
    folder that the app stands in, others as they are; Anvil's libraries are left out."""
    frames = [frame for frame in _read_frames(trace) if not INTERNAL.search(frame[0])]
    base = app.folder.parent
    for name, line in frames or _read_frames(trace):
        path = app.find_code(name, in_browser=in_browser)
        if path is None:
            yield f"{name}:{line}"
            continue
        text = _read_line(app, path, line)
        place = f"{_relative(path, base)}:{line}"
        yield f"{place}    {text}" if text else place


def _read_frames(trace: Any) -> list[tuple[str, int]]:
    """What a browser or an uplink sends may be anything."""
    frames: list[tuple[str, int]] = []
    for frame in trace[:MAX_FRAMES] if isinstance(trace, list | tuple) else ():
        if isinstance(frame, list | tuple) and len(frame) == 2 and isinstance(frame[1], int):
            frames.append((str(frame[0])[:MAX_PATH_CHARS], frame[1]))
    return frames


def _relative(path: Path, base: Path) -> str:
    """From the app's surroundings, where the file is there (also by a link)."""
    for start in (base, base.resolve()):
        if path.is_relative_to(start):
            return path.relative_to(start).as_posix()
    return str(path)


def _read_line(app: App, path: Path, line: int) -> str:
    """The line as it was loaded; the file may have changed since."""
    lines = app.code_by_path.get(path, "").splitlines()
    return lines[line - 1].strip()[:200] if 0 < line <= len(lines) else ""
