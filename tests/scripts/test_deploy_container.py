"""The server under the very conditions of the manifests: account, read-only root, probes, end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from scripts.operations.databases import DatabaseServer, drop_database
from scripts.operations.home import Home
from scripts.operations.instances import find_instance
from scripts.operations.provision import provision
from scripts.operations.releases import publish, remove_folder
from scripts.operations.serving import find_free_port
from tests.scripts import containing
from tests.scripts.conftest import make_checkout
from tests.scripts.containing import Container
from tests.scripts.deploying import deploy, find, list_pods, read_compose, read_manifests

pytestmark = pytest.mark.skipif(
    not containing.is_possible(), reason="mount namespaces need root on Linux"
)
NAME, HOST = "delta-inn", "delta-inn.mybizz.example"
START_SECONDS = 120


@dataclass
class Place:
    """An installation's volume with one instance, and the manifests for it."""

    base: Path
    manifests: list[dict[str, Any]]
    compose: dict[str, Any]

    @property
    def pod(self) -> dict[str, Any]:
        pod: dict[str, Any] = list_pods(self.manifests)["server"]["spec"]
        return pod

    def container(self, pod: dict[str, Any]) -> Container:
        """With everything that the pod's manifest mounts, and nothing else."""
        folders = {volume["name"]: self.base / volume["name"] for volume in pod["volumes"]}
        scratch = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
        mounted = pod["containers"][0]["volumeMounts"]
        return Container(
            self.base / "root",
            pod["securityContext"]["runAsUser"],
            find(self.manifests, "ConfigMap")["data"],
            {
                each["mountPath"]: (folders[each["name"]], not each.get("readOnly"))
                for each in mounted
                if each["name"] not in scratch
            },
            [each["mountPath"] for each in mounted if each["name"] in scratch],
        )


@pytest.fixture(scope="module")
def place(postgres_url: str) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="mybizz-deploy-") as name:
        base = Path(name)
        home = Home.at(base / "data")
        home.make()
        parts = psycopg.conninfo.conninfo_to_dict(postgres_url)
        server = DatabaseServer(postgres_url, str(parts["host"]), int(parts.get("port") or 5432))
        release = publish(home, "v1.0.0", "First.", make_checkout(base))
        made = provision(home, server, NAME, release, title="Delta Inn", port=3030)
        made.unfinished_marker.unlink()
        options = {"has_own_database": False, "database_port": server.port}
        deploy(home, base / "k8s", "kubernetes", postgres_url, **options)
        deploy(home, base / "compose", "compose", postgres_url, **options)
        manifests = read_manifests(base / "k8s")
        secret = find(manifests, "Secret")["stringData"]
        for folder, file, key in (
            ("database", "url", "database-url"),
            ("server", "server.yaml", "server.yaml"),
        ):
            (base / folder).mkdir()
            (base / folder / file).write_text(secret[key])
        (base / "backups").mkdir()
        found = Place(base, manifests, read_compose(base / "compose"))
        user = found.pod["securityContext"]["runAsUser"]
        for path in [base / "backups", base / "data", *(base / "data").rglob("*")]:
            os.chown(path, user, user, follow_symlinks=False)
        yield found
        drop_database(server, made.database_name)
        remove_folder(base / "data" / "releases")


@pytest.fixture(scope="module")
def prepared(place: Place) -> dict[str, Any]:
    """What the init container says."""
    command = place.pod["initContainers"][0]["command"]
    done = place.container(place.pod).run(*command, "--json", "--wait", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def serving(
    place: Place, prepared: dict[str, Any]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The server as the Deployment starts it, on a port that is free here."""
    port = find_free_port()
    words = [
        str(port) if word == "3030" else word for word in place.pod["containers"][0]["command"]
    ]
    output = (place.base / "server.log").open("wb")
    child = subprocess.Popen(place.container(place.pod).command(words), stderr=output)
    deadline = time.monotonic() + START_SECONDS
    probe = place.pod["containers"][0]["startupProbe"]["httpGet"]["path"]
    while ask(port, probe) != 200:
        assert child.poll() is None, (place.base / "server.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield child, port
    if child.poll() is None:
        child.kill()
        child.wait()
    output.close()


def ask(port: int, path: str, **headers: str) -> int:
    """As a kubelet asks: by the pod's address."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=20).status_code
    except httpx.TransportError:
        return 0


def test_compose_and_kubernetes_run_the_same(place: Place):
    ours = {
        "server": place.pod["containers"][0]["command"],
        "prepare": place.pod["initContainers"][0]["command"],
    }
    for name, command in ours.items():
        service = place.compose["services"][name]
        assert [word for word in service["command"] if not word.startswith("/run/")] == [
            word for word in command if not word.startswith("/run/")
        ]
        assert service["user"] == f"{place.pod['securityContext']['runAsUser']}:10001"
        environment = find(place.manifests, "ConfigMap")["data"]
        assert set(service["environment"]) == set(environment)


def test_the_root_is_read_only_and_the_account_has_no_rights(place: Place):
    """A negative control: these conditions would show."""
    container = place.container(place.pod)
    for path in ("/srv/mybizz/x", "/etc/x", "/x", "/run/secrets/database/x"):
        done = container.run("sh", "-c", f"touch {path}")
        assert done.returncode and ("Read-only" in done.stderr or "denied" in done.stderr), path
    status = container.run(
        "sh",
        "-c",
        "id -u; touch /data/x /tmp/x /cache/x && rm /data/x; "
        "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status",
    ).stdout
    assert status.split() == [
        *("10001", "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"),
    ]


def test_prepare_finds_folders_and_database(place: Place, prepared: dict[str, Any]):
    assert prepared["account"] == 10001
    # It was made on somebody's machine, and moves to the domain.
    made = find_instance(Home.at(place.base / "data"), NAME)
    assert made.read_config()["origin"] == f"https://{HOST}"


def test_probes_are_answered(place: Place, serving: tuple[subprocess.Popen[bytes], int]):
    _child, port = serving
    container = place.pod["containers"][0]
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert ask(port, container[name]["httpGet"]["path"]) == 200, name
    healthcheck = place.compose["services"]["server"]["healthcheck"]["test"]
    words = [word.replace(":3030/", f":{port}/") for word in healthcheck[1:]]
    done = place.container(place.pod).run(*words)
    assert done.returncode == 0, done.stderr


def test_the_instance_is_served_to_the_proxy(
    place: Place, serving: tuple[subprocess.Popen[bytes], int]
):
    _child, port = serving
    assert ask(port, "/_/health", Host=HOST) == 200
    assert ask(port, f"/_/serves?domain={HOST}") == 200
    assert ask(port, "/_/serves?domain=other.example") == 404
    token = (place.base / "server" / "server.yaml").read_text().split()[1]
    forwarded = {"Host": HOST, "X-Forwarded-For": "203.0.113.9"}
    assert ask(port, "/_/metrics", **forwarded) == 403
    assert ask(port, "/_/metrics", Authorization=f"Bearer {token}", **forwarded) == 200


@pytest.mark.skipif(not shutil.which("caddy"), reason="scripts/test fetches Caddy where it may")
def test_caddy_has_certificates_for_instances_only(
    place: Place, serving: tuple[subprocess.Popen[bytes], int]
):
    """The Compose project's Caddyfile, with an authority and ports of this machine."""
    _child, port = serving
    tls_port = find_free_port()
    text = (place.base / "compose" / "Caddyfile").read_text()
    local = f"{{\n\tlocal_certs\n\tskip_install_trust\n\tadmin off\n\thttps_port {tls_port}\n"
    local += f"\thttp_port {find_free_port()}\n"
    file = place.base / "Caddyfile"
    file.write_text(text.replace("server:3030", f"127.0.0.1:{port}").replace("{\n", local, 1))
    folders = {name: str(place.base / "caddy") for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with (place.base / "caddy.log").open("wb") as output:
        caddy = subprocess.Popen(
            ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"],
            env={**os.environ, **folders},
            stderr=output,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while ask_by_tls(tls_port, HOST) != 200:
            assert caddy.poll() is None, (place.base / "caddy.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # The handshake itself is refused.
        assert ask_by_tls(tls_port, "other.mybizz.example") == 0
    finally:
        caddy.terminate()
        caddy.wait(30)


def ask_by_tls(port: int, host: str) -> int:
    """The status of an instance's health by way of Caddy; 0 without an answer."""
    try:
        with httpx.Client(verify=False, timeout=20) as client:
            answer = client.get(
                f"https://127.0.0.1:{port}/_/health",
                headers={"Host": host},
                extensions={"sni_hostname": host},
            )
            return answer.status_code
    except httpx.TransportError:
        return 0


def test_backups_are_made_and_proven(place: Place, serving: tuple[subprocess.Popen[bytes], int]):
    """The CronJobs' own commands, in pods of their own, while the server runs."""
    for name in ("backup", "drill"):
        pod = list_pods(place.manifests)[name]["spec"]
        done = place.container(pod).run(*pod["containers"][0]["command"], "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert [each["instance"] for each in json.loads(done.stdout)["instances"]] == [NAME]
    assert len(list((place.base / "backups" / NAME).iterdir())) == 1


def test_ends_within_its_time_when_it_is_told(
    place: Place, serving: tuple[subprocess.Popen[bytes], int]
):
    child, port = serving
    child.send_signal(signal.SIGTERM)
    assert child.wait(place.pod["terminationGracePeriodSeconds"]) == 0
    assert ask(port, "/_/health") == 0
    for line in (place.base / "server.log").read_text().splitlines():
        assert json.loads(line)["level"] in ("info", "warning"), line
