"""systemd units for one machine, and a Caddyfile: see systemd.exec(5), systemd.service(5).

The socket is systemd's own, so that visitors wait while the server starts anew and nobody is
refused. Each unit may write into the installation's folders and nowhere else.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from scripts.operations.deploying.caddy import make_caddyfile
from scripts.operations.deploying.facts import Tenant, choose_memory
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
SystemCallFilter=@system-service @sandbox @mount
SystemCallErrorNumber=EPERM
"""


def list_systemd_secrets(settings: Settings, database_url: str | None) -> dict[str, SecretFile]:
    """The URL of a Postgres that is elsewhere; the embedded one needs none."""
    if settings.has_own_database:
        return {}
    return {DATABASE_FILE: SecretFile(lambda: "", f"{database_url}\n" if database_url else None)}


def make_systemd_files(
    settings: Settings, tenants: Sequence[Tenant], folder: Path
) -> dict[str, str]:
    """Units, a target that starts them all, and the Caddyfile. ``folder`` is where they will lie:
    the database's URL is read from its ``secrets/``."""
    files = {
        "mybizz.target": _make_target(),
        "mybizz.socket": _make_socket(settings),
        "mybizz.service": _make_server(settings, tenants, folder),
    }
    if settings.has_own_database:
        files[DATABASE_UNIT] = _make_database(settings, folder)
    target = ("--to", settings.backups) if settings.backups else ()
    source = ("--from", settings.backups) if settings.backups else ()
    for name, text, calendar, words in (
        ("backup", "Back up every business", "hourly", ("instance", "backup", "--all", *target)),
        (
            "drill",
            "Prove that backups can be restored",
            "Sun 03:37",
            ("instance", "drill", "--all", *source),
        ),
    ):
        files[f"mybizz-{name}.service"] = _make_job(settings, text, words, folder)
        files[f"mybizz-{name}.timer"] = _make_timer(text, calendar)
    for name, text, words in (
        ("watch", "Watch over every business, and tell when something is wrong", WATCH),
        ("requests", "Carry out the upgrades that owners ask for", REQUESTS),
    ):
        files[f"mybizz-{name}.service"] = _make_watcher(settings, text, words, folder)
    files["Caddyfile"] = make_caddyfile(settings, tenants, f"127.0.0.1:{settings.port}")
    return {name: HEAD.format(kind="systemd") + text for name, text in files.items()}


DATABASE_UNIT = "mybizz-postgres.service"
WATCH = ("fleet", "watch")
REQUESTS = ("fleet", "serve-requests")


def _make_target() -> str:
    return """\
[Unit]
Description=Mybizz: all businesses on this machine
Documentation=file:docs/deploying.md

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

[Install]
WantedBy=mybizz.target
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
{_make_locks(settings)}
[Install]
WantedBy=mybizz.target
"""


def _order(settings: Settings, others: str = "") -> str:
    """After the database, where that is ours, and after ``others``."""
    if not settings.has_own_database:
        return f"After={others} network-online.target\nWants=network-online.target"
    return f"Requires={DATABASE_UNIT}\nAfter={DATABASE_UNIT} {others}".rstrip()


def _make_server(settings: Settings, tenants: Sequence[Tenant], folder: Path) -> str:
    words = ("serve", "--port", str(settings.port), "--log-format", "json")
    memory = choose_memory(settings, tenants).replace("i", "")
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
MemoryHigh={memory}
OOMPolicy=continue
{_make_locks(settings)}
[Install]
WantedBy=mybizz.target
"""


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


def _make_timer(text: str, calendar: str) -> str:
    return f"""\
[Unit]
Description=Mybizz: {text}
PartOf=mybizz.target

[Timer]
OnCalendar={calendar}
RandomizedDelaySec=120
Persistent=yes

[Install]
WantedBy=mybizz.target
"""


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
{_make_locks(settings)}
[Install]
WantedBy=mybizz.target
"""


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
