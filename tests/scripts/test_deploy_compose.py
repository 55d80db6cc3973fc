"""The Compose project: valid by the Compose specification's own schema, locked, and complete."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scripts.operations.home import Home, OperationError
from tests.scripts.deploying import DOMAIN, ELSEWHERE, deploy, make_instance, read_compose
from tests.scripts.running import ROOT

# The schema of github.com/compose-spec/compose-spec, as the linter dclint brings it.
SCHEMA = ROOT / "node_modules" / "dclint" / "schemas" / "compose.schema.json"
VARIANTS: dict[str, dict[str, Any]] = {
    "embedded": {},
    "anvil": {"server": "anvil"},
    "database-elsewhere": {"database_url": ELSEWHERE},
    "backups-on-another-disk": {"backups": "/mnt/other-disk/mybizz", "memory": "2Gi"},
}


@pytest.fixture(params=VARIANTS)
def folder(request: pytest.FixtureRequest, home: Home, tmp_path: Path) -> Path:
    make_instance(home, "yogastudio", "https://www.yoga.example")
    make_instance(home, "sea-view-inn")
    deploy(home, tmp_path / "out", "compose", **VARIANTS[request.param])
    return tmp_path / "out"


def test_is_valid(folder: Path):
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))
    document = read_compose(folder)
    assert [error.message for error in validator.iter_errors(document)] == []
    # A negative control: the schema knows what a service has.
    document["services"]["caddy"]["read_onyl"] = True
    assert not validator.is_valid(document)


def test_every_container_is_locked(folder: Path):
    for name, service in read_compose(folder)["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= set(limits), name
        if name != "caddy":
            # Caddy's image starts as root, to get at ports 80 and 443, with that one right.
            assert int(service["user"].split(":")[0]) > 0, name
        assert service.get("cap_add", []) in ([], ["NET_BIND_SERVICE"]), name
        # The world comes by way of Caddy only.
        assert ("ports" in service) is (name == "caddy")


def test_everything_that_is_named_is_there(folder: Path):
    document = read_compose(folder)
    services = document["services"]
    for name, service in services.items():
        for secret in service.get("secrets", []):
            file = folder / document["secrets"][secret]["file"]
            assert file.read_text().strip(), f"{name}: {secret}"
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source.startswith("/") or source in document["volumes"], name
        assert set(service.get("networks", [])) <= set(document["networks"]), name
        mode = service.get("network_mode", "service:server")
        assert "networks" in service or mode.removeprefix("service:") in services, name
        for other, condition in service.get("depends_on", {}).items():
            healthy = condition["condition"] == "service_healthy"
            assert not healthy or "healthcheck" in services[other]
    for config in document["configs"].values():
        assert (folder / config["file"]).exists()
    assert document["networks"]["back"]["internal"] is True


def test_a_failing_job_is_tried_again_and_ends_when_told(home: Home, tmp_path: Path):
    """The loop that stands in the file, with other commands in it."""
    deploy(home, tmp_path, "compose")
    shell, flag, loop, seconds, *_command = read_compose(tmp_path)["services"]["backup"]["command"]
    assert int(seconds) == 3600
    log = tmp_path / "log"
    program = f'echo "$next" >> {log}; [ $(wc -l < {log}) -lt 3 ] && exit 1; kill -TERM $PPID'
    # No time passes: what waits is told how long, and goes on.
    quick = loop.replace("sleep ", "export next; : ")
    done = subprocess.run(
        [shell, flag, quick, seconds, "sh", "-c", program], capture_output=True, timeout=30
    )
    assert done.returncode == 0, done
    assert log.read_text().splitlines() == ["", "900", "900"]


def test_secrets_stay_apart_and_stay_the_same(home: Home, tmp_path: Path):
    deploy(home, tmp_path, "compose")
    secrets = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(secrets) == {"server.yaml", "postgres-password", "database-url"}
    password = secrets["postgres-password"]
    assert f":{password}@postgres:5432/" in secrets["database-url"]
    for path in tmp_path.iterdir():
        if path.is_file():
            assert password not in path.read_text(), path.name
    deploy(home, tmp_path, "compose", memory="4Gi")
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == secrets


def test_needs_addresses_that_the_public_can_reach(home: Home, tmp_path: Path):
    make_instance(home, "yogastudio")
    with pytest.raises(OperationError, match="yogastudio has no public address"):
        deploy(home, tmp_path, "compose", domain="")
    make_instance(home, "copy", f"https://yogastudio.{DOMAIN}")
    with pytest.raises(OperationError, match="Two instances have the address"):
        deploy(home, tmp_path, "compose")


@pytest.mark.skipif(not shutil.which("caddy"), reason="scripts/test installs Caddy where it may")
def test_caddy_takes_the_caddyfile(folder: Path):
    command = ["caddy", "adapt", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    done = subprocess.run([*command, "--validate"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    servers = json.loads(done.stdout)["apps"]["http"]["servers"]
    assert [server["listen"] for server in servers.values()] == [[":443"]]
