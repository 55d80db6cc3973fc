"""systemd units for one machine, and a Caddyfile: see systemd.exec(5), systemd.service(5).

The socket is systemd's own, so that visitors wait while the server starts anew and nobody is
refused. Each unit may write into the installation's folders and nowhere else.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.operations.deploying.caddy import make_caddyfile
from scripts.operations.deploying.facts import Console, Tenant
from scripts.operations.deploying.files import HEAD, SECRETS_FOLDER, SecretFile
from scripts.operations.deploying.settings import Settings

STOP_SECONDS = 30
DATABASE_FILE = "database-url"
CREDENTIAL = "database-url"

# What is taken from a program that somebody got into. Chromium, which prints PDFs, compiles as it
# runs (so no MemoryDenyWriteExecute) and shuts itself in (so no RestrictNamespaces).
LOCKS = """\
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writable}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service @mount seccomp
SystemCallErrorNumber=EPERM
"""


def list_systemd_secrets(settings: Settings, database_url: str | None) -> dict[str, SecretFile]:
    """The URL of a Postgres that is elsewhere; the embedded one needs none."""
    if settings.has_own_database:
        return {}
    return {DATABASE_FILE: SecretFile(lambda: "", f"{database_url}\n" if database_url else None)}


def make_systemd_files(
    settings: Settings, tenants: Sequence[Tenant], folder: Path, console: Console | None
) -> dict[str, str]:
    """Units, a target that starts and stops them all, and the Caddyfile. ``folder`` is where they
    will lie: the database's URL is read from its ``secrets/``."""
    is_ours = settings.has_own_database
    to = ("--to", settings.backups) if settings.backups else ()
    since = ("--from", settings.backups) if settings.backups else ()
    # Of our own Postgres all that is written is archived, every two minutes; else only dumps are
    # made, and --if-due makes them when an hour is over.
    backup = ("instance", "backup", "--all", "--if-due", *to)
    moment = ("--point-in-time",) if is_ours else ()
    units = {
        "mybizz.socket": _make_socket(settings),
        "mybizz.service": _make_server(settings, folder),
        **_make_timed(settings, folder, "backup", "Back up every business", "*:0/2", backup),
        **_make_timed(
            settings,
            folder,
            "drill",
            "Prove that backups can be restored",
            "Sun 03:37",
            ("instance", "drill", "--all", *moment, *since),
        ),
        "mybizz-watch.service": _make_watcher(
            settings,
            "Watch over every business, and tell when something is wrong",
            ("fleet", "watch", "--log-format", "json"),
            folder,
        ),
        **_make_timed(
            settings, folder, "guard", "Look whether the watch lives", "*:*:30", ("fleet", "guard")
        ),
        "mybizz-requests.service": _make_watcher(
            settings,
            "Carry out the upgrades that owners ask for",
            ("fleet", "serve-requests"),
            folder,
        ),
    }
    if is_ours:
        units[DATABASE_UNIT] = _make_database(settings, folder)
    if console is not None:
        words = ("management", "run", "--port", str(console.port))
        units["mybizz-management.service"] = _make_watcher(
            settings, "The console, and its agent", words, folder
        )
    files = {"mybizz.target": _make_target(units), **units}
    upstream = f"127.0.0.1:{settings.port}"
    marked = {name: HEAD.format(kind="systemd") + text for name, text in files.items()}
    return {**marked, "Caddyfile": make_caddyfile(settings, tenants, upstream, console)}


DATABASE_UNIT = "mybizz-postgres.service"


def _make_target(units: Mapping[str, str]) -> str:
    """A service that a timer starts is none that always runs."""
    timed = {name.replace(".timer", ".service") for name in units if name.endswith(".timer")}
    wants = "\n".join(f"Wants={name}" for name in sorted(set(units) - timed))
    return f"""\
[Unit]
Description=Mybizz: all businesses on this machine
{wants}

[Install]
WantedBy=multi-user.target
"""


def _make_socket(settings: Settings) -> str:
    """Only programs of this machine get at it: Caddy does TLS for the world."""
    return f"""\
[Unit]
Description=Mybizz: where the server listens
PartOf=mybizz.target

[Socket]
ListenStream=127.0.0.1:{settings.port}
Backlog=1024
NoDelay=yes
"""


def _make_database(settings: Settings, folder: Path) -> str:
    """Postgres has a unit of its own: what another one starts ends with that, also for all others
    that have come to use it."""
    return f"""\
[Unit]
Description=Mybizz: Postgres
PartOf=mybizz.target

[Service]
Type=notify
NotifyAccess=main
{_make_start(settings, ("serve", "--only-database"), folder)}KillMode=mixed
TimeoutStartSec=5min
TimeoutStopSec=2min
Restart=on-failure
RestartSec=2
OOMScoreAdjust=-500
{_make_locks(settings)}"""


def _order(settings: Settings, others: str = "") -> str:
    """After the database, where that is ours, and after ``others``."""
    if not settings.has_own_database:
        return f"After={others} network-online.target\nWants=network-online.target"
    return f"Requires={DATABASE_UNIT}\nAfter={DATABASE_UNIT} {others}".rstrip()


def _make_server(settings: Settings, folder: Path) -> str:
    words = ("serve", "--port", str(settings.port), "--log-format", "json")
    # On a machine of its own the server judges itself who takes too much.
    limit = f"MemoryMax={settings.memory.replace('i', '')}\n" if settings.memory else ""
    return f"""\
[Unit]
Description=Mybizz: the server of all businesses
Requires=mybizz.socket
{_order(settings, "mybizz.socket")}
PartOf=mybizz.target
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
{_make_start(settings, words, folder)}ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
TimeoutStopSec={STOP_SECONDS}
Restart=on-failure
RestartSec=2
LimitNOFILE=65536
TasksMax=8192
{limit}OOMPolicy=continue
{_make_locks(settings)}"""


def _make_job(settings: Settings, text: str, words: Sequence[str], folder: Path) -> str:
    return f"""\
[Unit]
Description=Mybizz: {text}
{_order(settings)}

[Service]
Type=oneshot
{_make_start(settings, words, folder)}TimeoutStartSec=6h
Nice=10
IOSchedulingClass=idle
{_make_locks(settings)}"""


def _make_timed(
    settings: Settings, folder: Path, name: str, text: str, calendar: str, words: Sequence[str]
) -> dict[str, str]:
    """A service and the timer that starts it. What was missed while the machine was off is made up
    for."""
    timer = f"""\
[Unit]
Description=Mybizz: {text}
PartOf=mybizz.target

[Timer]
OnCalendar={calendar}
AccuracySec=5s
Persistent=yes
"""
    return {
        f"mybizz-{name}.service": _make_job(settings, text, words, folder),
        f"mybizz-{name}.timer": timer,
    }


def _make_watcher(settings: Settings, text: str, words: Sequence[str], folder: Path) -> str:
    return f"""\
[Unit]
Description=Mybizz: {text}
{_order(settings)}
PartOf=mybizz.target
StartLimitIntervalSec=0

[Service]
Type=exec
{_make_start(settings, words, folder)}Restart=always
RestartSec=10
{_make_locks(settings)}"""


def _make_start(settings: Settings, words: Sequence[str], folder: Path) -> str:
    """Who runs what, and where. The URL of a database elsewhere comes as a credential: a file that
    only this unit can read (systemd.exec(5), "Credentials")."""
    python = f"{settings.project}/.venv/bin/python"
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    if settings.data:
        environment["MYBIZZ_DATA_DIR"] = settings.data
    if settings.domain:
        environment["MYBIZZ_DOMAIN"] = settings.domain
    lines = [f"User={settings.account}", f"WorkingDirectory={settings.project}"]
    if not settings.has_own_database:
        lines.append(f"LoadCredential={CREDENTIAL}:{folder / SECRETS_FOLDER / DATABASE_FILE}")
        environment["MYBIZZ_DATABASE_FILE"] = f"%d/{CREDENTIAL}"
    lines += [f"Environment={name}={value}" for name, value in environment.items()]
    command = shlex.join([python, "-m", "scripts.commands.mybizz", *words])
    return "\n".join([*lines, f"ExecStart={command}", ""])


def _make_locks(settings: Settings) -> str:
    project = settings.project
    own = (
        [settings.data]
        if settings.data
        else [
            *(f"-{project}/{name}" for name in (".data", "releases", "client_instances")),
        ]
    )
    # Compiled code of apps is kept there.
    writable = [*own, f"-{project}/.build"]
    if settings.backups:
        writable.append(settings.backups)
    return LOCKS.format(writable=" ".join(writable))
