"""``scripts/publish VERSION``: run the tests and freeze the template as it stands."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from scripts.operations.home import ROOT, Home, OperationError
from scripts.operations.releases import publish


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/publish", description=__doc__)
    parser.add_argument("version", help="the new version, such as v1.2.0")
    parser.add_argument("--notes", required=True, help="what changed, in the users' words")
    parser.add_argument("--data-dir", type=Path, help="as for scripts/run")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    options = parser.parse_args()
    home = Home.at(options.data_dir)
    if options.dry_run:
        print(
            f"Would run scripts/test and freeze the template as {home.releases}/{options.version}"
        )
        return 0
    tests = subprocess.run([str(ROOT / "scripts" / "test")])
    if tests.returncode:
        print("Not published: the tests failed.", file=sys.stderr)
        return 1
    try:
        home.make()
        release = publish(home, options.version, options.notes)
    except OperationError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Published {release.version}: {release.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
