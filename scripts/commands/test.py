"""``scripts/test``: set up what the tests need and run them all.

Chromium comes from the system (``apt-get`` where that is allowed); one Postgres serves all workers.
Arguments are passed on to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from app_server import postgres

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    given = os.environ.get("MYBIZZ_CHROMIUM")
    if given:
        return given if shutil.which(given) else None
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def install_chromium() -> None:
    """By Debian's package manager, which needs root; elsewhere say what to install."""
    apt = shutil.which("apt-get")
    if not apt or os.name == "nt" or os.geteuid() != 0:
        sys.exit(
            "The tests need Chromium, and none of "
            f"{', '.join(CHROMIUM_NAMES)} is on the PATH.\nInstall it (Debian and Ubuntu: "
            "`sudo apt-get install chromium`), or set MYBIZZ_CHROMIUM to its path."
        )
    complaint = install(apt, "chromium")
    if complaint:
        sys.exit(complaint)


def install_systemd() -> None:
    """The program that checks systemd's units, where we may install; elsewhere its tests are
    passed over. The package alone starts nothing."""
    apt = shutil.which("apt-get")
    if apt and os.name != "nt" and os.geteuid() == 0:
        complaint = install(apt, "systemd")
        if complaint:
            print(complaint, file=sys.stderr)


def install(apt: str, package: str) -> str:
    """'' once Debian's package is there, else what its package manager said."""
    print(f"Installing {package} with apt-get ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        [apt, "update", "-qq"],
        [apt, "install", "-y", "-qq", "--no-install-recommends", package],
    ):
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        if result.returncode:
            said = f"{result.stdout[-2000:]}{result.stderr[-2000:]}"
            return f"`{' '.join(command)}` failed:\n{said}"
    return ""


def find_caddy() -> str:
    """A folder with the program ``caddy``, which tries the Caddyfiles that are made; '' without
    one. Debian's package is unpacked, not installed: installed, it would serve this machine."""
    if shutil.which("caddy"):
        return ""
    folder = ROOT / ".build" / "caddy"
    apt, unpack = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if not (folder / "usr" / "bin" / "caddy").exists() and apt and unpack:
        with tempfile.TemporaryDirectory() as name:
            command = [apt, "download", "-qq", "caddy"]
            subprocess.run(command, cwd=name, capture_output=True)
            for package in Path(name).glob("*.deb"):
                subprocess.run([unpack, "-x", str(package), str(folder)], capture_output=True)
    return str(folder / "usr" / "bin") if (folder / "usr" / "bin" / "caddy").exists() else ""


def run_pytest(chromium: str, arguments: list[str]) -> int:
    """All tests in two workers on one Postgres; gives pytest's exit code."""
    # Below the system's temporary folder: as root, Postgres runs as a user who must get there.
    with tempfile.TemporaryDirectory(prefix="mybizz-tests-") as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            hurry(server.admin_url)
            environment = {
                **os.environ,
                "MYBIZZ_CHROMIUM": chromium,
                "PATH": os.pathsep.join(filter(None, [os.environ.get("PATH", ""), find_caddy()])),
                "MYBIZZ_TEST_POSTGRES": server.admin_url,
            }
            workers = [] if any(a.startswith("-n") for a in arguments) else ["-n", "2"]
            # A file's tests stay together: they share a server, and some the names of databases.
            command = [sys.executable, "-m", "pytest", *workers, "--dist", "loadfile"]
            return subprocess.run([*command, *arguments], cwd=ROOT, env=environment).returncode
        finally:
            server.stop()


def hurry(admin_url: str) -> None:
    """Test data need not survive a power cut."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def main() -> int:
    if "--help" in sys.argv[1:] or "-h" in sys.argv[1:]:
        print(__doc__)
        return 0
    if not find_chromium():
        install_chromium()
    chromium = find_chromium()
    if not chromium:
        sys.exit("Chromium was installed and is still not on the PATH; set MYBIZZ_CHROMIUM.")
    if not shutil.which("systemd-analyze"):
        install_systemd()
    return run_pytest(chromium, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
