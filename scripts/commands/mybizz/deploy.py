"""``mybizz deploy ...``: manifests to run an installation elsewhere than in a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from scripts.commands.mybizz.job import NOT_PROVEN, Answer, Job, database, dry_run, operation
from scripts.operations.deploying.making import (
    Deployment,
    compare_deployment,
    make_deployment,
    write_deployment,
)
from scripts.operations.deploying.preparing import (
    WAIT_SECONDS,
    image_releases,
    take_releases,
    wait_for_database,
)
from scripts.operations.deploying.settings import PORT, SERVERS, choose_settings
from scripts.operations.home import OperationError
from scripts.operations.instances import list_instances
from scripts.operations.provision import move_to_port

Options = dict[str, Any]


@click.group()
def deploy() -> None:
    """Make what it takes to run this installation for good.

    Each command writes files into a folder (--out) from what the installation holds: its instances,
    their addresses, which server. What was asked for is kept there in mybizz-deploy.yaml, so that
    after a change the same command without options is enough. The folder can be committed: secrets
    are below secrets/, which git leaves out.

    \b
      scripts/mybizz deploy systemd --domain mybizz.example --email ops@mybizz.example
      scripts/mybizz deploy compose --out ~/mybizz-compose --domain mybizz.example
      scripts/mybizz deploy kubernetes --out ~/mybizz-k8s --domain mybizz.example \\
          --image registry.example.com/mybizz:1.2.0
      scripts/mybizz deploy kubernetes --out ~/mybizz-k8s --check
    """


def described(kind: str) -> Callable[[Callable[..., Answer]], Any]:
    """The options that every kind has, and what it does with them."""

    def decorate(function: Callable[..., Answer]) -> Any:
        for option in reversed(_common_options(kind)):
            function = option(function)
        return function

    return decorate


def _common_options(kind: str) -> list[Callable[..., Any]]:
    return [
        click.option(
            "--out",
            "folder",
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help=f"Write here (without it, deploy/{kind} in the installation's data folder).",
        ),
        click.option(
            "--domain",
            metavar="NAME",
            help="Instances without an address of their own are NAME.DOMAIN, also new ones.",
        ),
        click.option("--memory", metavar="SIZE", help="Of one server (by its instances)."),
        click.option(
            "--check", "is_check", is_flag=True, help="Only compare; exit code 3: not so."
        ),
    ]


email_option = click.option(
    "--email", metavar="ADDRESS", help="Who is told when a certificate cannot be had (Caddy)."
)


def image_options(function: Callable[..., Any]) -> Any:
    """What containers need beside."""
    for option in (
        click.option("--cpus", metavar="NUMBER", help="Processors that one server may use (2)."),
        click.option("--image", metavar="REF", help="Of our container, with its registry."),
        click.option(
            "--server",
            type=click.Choice(SERVERS),
            help="The embedded one for all instances, or Anvil's own, one for each.",
        ),
    ):
        function = option(function)
    return function


@deploy.command("compose")
@described("compose")
@email_option
@image_options
@click.option("--backups", metavar="DIR", help="Backups go to this folder, best of another disk.")
@database
@dry_run
@operation()
def compose_command(job: Job, folder: Path | None, is_check: bool, **options: Any) -> Answer:
    """Write a Compose project: server, Postgres, Caddy (TLS by itself), backups, drills.

    With --database, that Postgres server is used and none is made. Every container runs with a
    read-only root, without capabilities and within limits.

    \b
      scripts/mybizz deploy compose --out ~/compose --domain mybizz.example --email me@my.example
      docker compose --project-directory ~/compose up --build --detach --wait
    """
    return _deploy(
        job,
        "compose",
        folder,
        is_check,
        options,
        "docker compose up --build --detach --wait, there",
    )


@deploy.command("kubernetes")
@described("kubernetes")
@image_options
@click.option("--namespace", metavar="NAME", help="For everything (mybizz).")
@click.option("--ingress-class", metavar="NAME", help="Which controller takes visitors (nginx).")
@click.option("--ingress-namespace", metavar="NAME", help="Where it runs (ingress-nginx).")
@click.option("--issuer", metavar="NAME", help="cert-manager's ClusterIssuer (letsencrypt).")
@click.option("--storage-class", metavar="NAME", help="Of all volumes (the cluster's usual one).")
@click.option("--snapshot-class", metavar="NAME", help="Of the database's nightly snapshots.")
@click.option("--storage", metavar="SIZE", help="Of the volume with folders and releases (20Gi).")
@click.option("--database-storage", metavar="SIZE", help="Of each copy of the database (50Gi).")
@click.option("--database-copies", type=click.IntRange(1, 9), help="Of the database (3).")
@database
@dry_run
@operation()
def kubernetes_command(job: Job, folder: Path | None, is_check: bool, **options: Any) -> Answer:
    """Write Kubernetes manifests, with Postgres by CloudNativePG.

    The cluster needs an ingress controller, cert-manager and, unless --database is given, the
    operator CloudNativePG. The namespace enforces the level "restricted".

    \b
      scripts/mybizz deploy kubernetes --out ~/k8s --domain mybizz.example --image REGISTRY/mybizz:1
      kubectl apply -f ~/k8s/00-namespace.yaml && kubectl apply -f ~/k8s/secrets/secret.yaml
      kubectl apply -f ~/k8s
    """
    return _deploy(
        job,
        "kubernetes",
        folder,
        is_check,
        options,
        "kubectl apply, first the namespace and the secret",
    )


@deploy.command("systemd")
@described("systemd")
@email_option
@click.option("--account", metavar="NAME", help="Whom the server runs as (mybizz).")
@click.option("--port", type=click.IntRange(1024, 65535), help="Where it listens (3030).")
@click.option("--backups", metavar="DIR", help="Backups go to this folder, best of another disk.")
@database
@dry_run
@operation()
def systemd_command(job: Job, folder: Path | None, is_check: bool, **options: Any) -> Answer:
    """Write systemd units for this machine, and a Caddyfile.

    Server (with the embedded Postgres, unless --database is given), hourly backups, weekly drills,
    the monitor; each shut in as far as it can be.

    \b
      scripts/mybizz deploy systemd --domain mybizz.example --backups /mnt/other-disk/mybizz
    """
    # Where there is a data folder of its own, all three folders are below it.
    if job.home.instances.parent == job.home.data:
        options["data"] = str(job.home.data)
    return _deploy(
        job, "systemd", folder, is_check, options, "put the units into /etc/systemd/system"
    )


def _deploy(
    job: Job, kind: str, folder: Path | None, is_check: bool, options: Options, following: str
) -> Answer:
    target = (folder or job.home.data / "deploy" / kind).expanduser().absolute()
    if job.database:
        options["has_own_database"] = False
        try:
            options["database_port"] = urlsplit(job.database.removeprefix("jdbc:")).port or 5432
        except ValueError as error:
            raise OperationError(f"--database: {error}.") from error
    settings = choose_settings(kind, target, options)
    deployment = make_deployment(job.home, settings, target, job.database)
    facts = {
        "folder": str(target),
        "files": sorted(deployment.files),
        "secrets": sorted(deployment.secrets),
        "instances": [
            {"name": each.name, "host": each.host, "is_moved": each.is_moved}
            for each in deployment.tenants
        ],
    }
    if is_check:
        return _tell_comparison(deployment, target, facts)
    if job.is_dry:
        listed = "\n".join(f"  {name}" for name in sorted(deployment.files))
        return Answer(facts, f"Would write into {target}:\n{listed}")
    changed = write_deployment(deployment, target)
    lines = [f"  {name}" for name in changed] or ["  (nothing has changed)"]
    lines = [f"Written into {target}:", *lines, *_tell_unmoved(deployment)]
    lines.append(f"\nNext: {following}; see docs/deploying.md.")
    return Answer({**facts, "changed": changed}, "\n".join(lines))


def _tell_unmoved(deployment: Deployment) -> list[str]:
    """Instances whose own configuration has another address than the manifests."""
    unmoved = [each for each in deployment.tenants if not each.is_moved]
    if not unmoved:
        return []
    lines = [
        f"  scripts/mybizz instance address {each.name} https://{each.host}" for each in unmoved
    ]
    return ["\nThese still have an address on this machine. Give them the public one:", *lines]


def _tell_comparison(deployment: Deployment, folder: Path, facts: Options) -> Answer:
    found = compare_deployment(deployment, folder)
    groups = {
        "missing": found.missing,
        "changed": found.changed,
        "not wanted any more": found.left,
        "can be read by others": found.readable,
    }
    facts = {**facts, **{name.replace(" ", "_"): names for name, names in groups.items()}}
    if found.is_same:
        return Answer(facts, f"{folder} is as it would be made now.")
    lines = [f"{name}: {each}" for name, names in groups.items() for each in names]
    again = f"scripts/mybizz deploy {deployment.settings.kind} --out {folder}"
    return Answer(facts, "\n".join([*lines, f"\nTo bring it in line: {again}"]), NOT_PROVEN)


@deploy.command("prepare")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Take releases from here (without it, those beside this program).",
)
@click.option(
    "--wait",
    "seconds",
    type=click.IntRange(0),
    default=int(WAIT_SECONDS),
    show_default=True,
    help="So many seconds for the database to answer.",
)
@database
@operation()
def prepare_command(job: Job, source: Path | None, seconds: int) -> Answer:
    """Prepare a container's volume: folders, the image's releases; wait for the database.

    The manifests run it before the server. Releases that are there stay as they are. Instances that
    still have an address on somebody's machine get one below MYBIZZ_DOMAIN.
    """
    releases = source or image_releases()
    taken = take_releases(job.home, releases) if releases.exists() else []
    if job.database:
        wait_for_database(job.database, job.say, seconds)
    for each in list_instances(job.home):
        move_to_port(each, PORT)
    versions = [release.version for release in taken]
    told = f"Releases taken over: {', '.join(versions)}." if versions else "No new release."
    where = {"folder": str(job.home.data), "account": os.getuid()}
    return Answer({"releases": versions, **where}, f"{told} {job.home.data} is prepared.")
