"""Kubernetes manifests: valid by Kubernetes' own schemas, locked, and complete."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from scripts.operations.home import Home
from tests.scripts.deploying import (
    ELSEWHERE,
    deploy,
    find,
    list_pods,
    make_instance,
    read_manifests,
)

# The oldest that still gets corrections somewhere, and the newest that is known.
VERSIONS = ("1.32", "1.37")
VARIANTS: dict[str, dict[str, Any]] = {
    "embedded": {},
    "anvil": {"server": "anvil", "storage_class": "nfs-client"},
    "database-elsewhere": {"database_url": ELSEWHERE, "database_port": 6432},
    "all-options": {
        "storage_class": "fast.ssd",
        "snapshot_class": "snapshots",
        "database_copies": 1,
        "memory": "6Gi",
        "cpus": "1.5",
        "image": "registry.example.com:5000/mybizz/server:1.2.3",
    },
}

# Fields of CloudNativePG that are used, with their types: config/crd/bases of
# github.com/cloudnative-pg/cloudnative-pg (1.29), and the same in its API reference,
# https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/ .
RESOURCES = {"requests": dict, "limits": dict}
CLUSTER_FIELDS: dict[str, Any] = {
    "description": str,
    "imageName": str,
    "instances": int,
    "primaryUpdateStrategy": {"unsupervised", "supervised"},
    "enablePDB": bool,
    "enableSuperuserAccess": bool,
    "bootstrap": {
        "initdb": {
            "database": str,
            "owner": str,
            "encoding": str,
            "localeCollate": str,
            "localeCType": str,
            "dataChecksums": bool,
            "postInitSQL": [str],
        }
    },
    "postgresql": {"parameters": dict},
    "storage": {"size": str, "storageClass": str},
    "backup": {
        "target": {"primary", "prefer-standby"},
        "volumeSnapshot": {
            "className": str,
            "snapshotOwnerReference": {"none", "cluster", "backup"},
        },
    },
    "affinity": {
        "enablePodAntiAffinity": bool,
        "podAntiAffinityType": {"preferred", "required"},
        "topologyKey": str,
    },
    "resources": RESOURCES,
    "seccompProfile": {"type": {"RuntimeDefault", "Unconfined", "Localhost"}},
}
SCHEDULED_BACKUP_FIELDS: dict[str, Any] = {
    "schedule": str,
    "cluster": {"name": str},
    "method": {"barmanObjectStore", "volumeSnapshot", "plugin"},
    "backupOwnerReference": {"none", "self", "cluster"},
    "immediate": bool,
}


@pytest.fixture(params=VARIANTS)
def manifests(request: pytest.FixtureRequest, home: Home, tmp_path: Path) -> list[dict[str, Any]]:
    make_instance(home, "yogastudio", "https://www.yoga.example")
    make_instance(home, "sea-view-inn")
    deploy(home, tmp_path / "out", "kubernetes", **VARIANTS[request.param])
    return read_manifests(tmp_path / "out")


def check_fields(value: Any, expected: Any, path: str) -> None:
    """As the API server prunes or refuses: no field that there is not, none of another type."""
    if isinstance(expected, dict):
        assert isinstance(value, dict), path
        unknown = set(value) - set(expected)
        assert not unknown, f"{path}: {unknown}"
        for name, each in value.items():
            check_fields(each, expected[name], f"{path}.{name}")
    elif isinstance(expected, list):
        for each in value:
            check_fields(each, expected[0], f"{path}[]")
    elif isinstance(expected, set):
        assert value in expected, f"{path}: {value}"
    else:
        assert type(value) is expected, f"{path}: {value!r}"


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid(manifests: list[dict[str, Any]], version: str):
    seen = set()
    for manifest in manifests:
        seen.add(manifest["kind"])
        if manifest["apiVersion"].startswith("postgresql.cnpg.io/"):
            assert manifest["apiVersion"] == "postgresql.cnpg.io/v1"
            fields = {"Cluster": CLUSTER_FIELDS, "ScheduledBackup": SCHEDULED_BACKUP_FIELDS}
            check_fields(manifest["spec"], fields[manifest["kind"]], manifest["kind"])
        else:
            kubernetes_validate.validate(manifest, version, strict=True)
    assert seen >= {
        *("Namespace", "ConfigMap", "Secret", "PersistentVolumeClaim", "Deployment", "Service"),
        *("Ingress", "CronJob", "PodDisruptionBudget", "NetworkPolicy"),
    }


def test_the_validator_refuses_what_is_wrong(home: Home, tmp_path: Path):
    """A negative control: it would see a field that there is not."""
    deploy(home, tmp_path / "out", "kubernetes")
    manifests = read_manifests(tmp_path / "out")
    server = find(manifests, "Deployment", "server")
    server["spec"]["template"]["spec"]["containers"][0]["imagePulPolicy"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(server, VERSIONS[-1], strict=True)
    cluster = find(manifests, "Cluster")
    cluster["spec"]["backup"]["retentionPolicies"] = "30d"
    with pytest.raises(AssertionError, match="retentionPolicies"):
        check_fields(cluster["spec"], CLUSTER_FIELDS, "Cluster")


def test_pods_are_restricted(manifests: list[dict[str, Any]]):
    """Pod Security Standards, level "restricted", which the namespace enforces; and a read-only
    root, limits and no token of the API beyond it."""
    labels = find(manifests, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = list_pods(manifests)
    assert {"backup", "drill"} < set(pods)
    for name, pod in pods.items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] >= 1000, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
        assert all("hostPath" not in volume for volume in spec["volumes"]), name
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]["limits"]) >= {"cpu", "memory"}
            assert set(container["resources"]["requests"]) >= {"cpu", "memory"}


def test_everything_that_is_named_is_there(manifests: list[dict[str, Any]]):
    """Selectors find pods, routes find services, pods find volumes, secrets and configuration."""
    names = {(each["kind"], each["metadata"]["name"]) for each in manifests}
    pods = list_pods(manifests)
    for pod in pods.values():
        mounted = {volume["name"] for volume in pod["spec"]["volumes"]}
        for volume in pod["spec"]["volumes"]:
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in names
            secret = volume.get("secret", {}).get("secretName")
            # The operator makes that one.
            assert secret in (None, "postgres-app") or ("Secret", secret) in names
        for container in pod["spec"]["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= mounted
            for source in container["envFrom"]:
                assert ("ConfigMap", source["configMapRef"]["name"]) in names
    for service in (each for each in manifests if each["kind"] == "Service"):
        chosen = service["spec"]["selector"].items()
        served = [pod for pod in pods.values() if chosen <= pod["metadata"]["labels"].items()]
        assert len(served) == 1
        port = service["spec"]["ports"][0]["targetPort"]
        ports = served[0]["spec"]["containers"][0]["ports"]
        assert port in {each["name"] for each in ports}
    for rule in find(manifests, "Ingress")["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            assert ("Service", path["backend"]["service"]["name"]) in names
    budget = find(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items()
    assert [pod for pod in pods.values() if budget <= pod["metadata"]["labels"].items()]


def test_addresses_have_certificates(manifests: list[dict[str, Any]]):
    spec = find(manifests, "Ingress")["spec"]
    hosts = {rule["host"] for rule in spec["rules"]}
    assert {"www.yoga.example", "sea-view-inn.mybizz.example"} <= hosts
    covered = [host for each in spec["tls"] for host in each["hosts"]]
    assert sorted(covered) == sorted(hosts)
    assert len({each["secretName"] for each in spec["tls"]}) == len(spec["tls"])


def test_nothing_is_open_in_the_network(manifests: list[dict[str, Any]]):
    policies = {
        each["metadata"]["name"]: each["spec"]
        for each in manifests
        if each["kind"] == "NetworkPolicy"
    }
    closed = policies["default-deny"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    server = policies["server"]
    for rule in server["ingress"]:
        assert rule["from"] and rule["ports"]
    outside = [
        to["ipBlock"] for rule in server["egress"] for to in rule.get("to", []) if "ipBlock" in to
    ]
    # What the metadata service of a cloud tells is not for server code.
    metadata = ipaddress.ip_address("169.254.169.254")
    for block in outside:
        assert any(metadata in ipaddress.ip_network(each) for each in block["except"])
    for pod in list_pods(manifests).values():
        labels = pod["metadata"]["labels"].items()
        chosen = [
            name
            for name, spec in policies.items()
            if spec["podSelector"].get("matchLabels", {"": ""}).items() <= labels
        ]
        assert chosen in (["server"], ["jobs"])


def test_secrets_stay_apart(home: Home, tmp_path: Path):
    out = tmp_path / "out"
    deploy(home, out, "kubernetes", ELSEWHERE, database_port=6432)
    secret = find(read_manifests(out), "Secret")["stringData"]
    assert secret["database-url"] == f"{ELSEWHERE}\n"
    token = secret["server.yaml"].split()[1]
    committed = [path for path in out.iterdir() if path.is_file()]
    assert len(committed) > 8
    for path in committed:
        text = path.read_text()
        assert "s3cret-word" not in text and token not in text, path.name
    assert (out / ".gitignore").read_text().splitlines()[-1] == "secrets/"
    assert (out / "secrets").stat().st_mode & 0o077 == 0
