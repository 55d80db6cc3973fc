"""The product under measurement: an instance of master_template and m3, as provisioned."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import yaml
from websockets.sync.client import connect

from scripts.benchmarks.running import (
    ROOT,
    BenchmarkError,
    BenchServer,
    fetch_text,
    launch,
    url_of,
)
from scripts.operations.encryption_keys import make_secrets

PACKAGES = {"MYBIZZTEMPLATE01": "master_template", "4UK6WHQ6UX7AKELK": "m3"}
DATABASE = "bench_product"
UPLINK_KEY = "bench-uplink-key"
COPIED = ("runtime_options", "metadata", "services", "db_schema")
COMPILE_SECONDS = 120
BUSINESS = {
    "business_name": "Sunrise Yoga",
    "time_zone": "Africa/Johannesburg",
    "currency": "ZAR",
    "locale": "en-ZA",
    "country": "ZA",
}
OWNER = {
    "email": "olga@yogastudio.example",
    "password": "correct horse battery",
    "first_name": "Olga",
    "last_name": "Naidoo",
}


@contextlib.contextmanager
def product_server(beside: BenchServer) -> Iterator[BenchServer]:
    """A server with a business that is set up, in a database beside that of another server. Its
    client code is compiled, as it is a few seconds after an instance has started."""
    with tempfile.TemporaryDirectory(prefix="mybizz-bench-product-") as name:
        folder = Path(name)
        write_app(folder)
        with psycopg.connect(beside.database_url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
            admin.execute(f"CREATE DATABASE {DATABASE}")
        parts: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(beside.database_url)
        url = url_of({**parts, "dbname": DATABASE})
        arguments = ["--app", str(folder / "client_bench"), "--data-dir", str(folder / "data")]
        arguments += ["--database", url, "--uplink-key", UPLINK_KEY, "--requests-per-second", "0"]
        for dep_id, package in PACKAGES.items():
            arguments += ["--dep-id", f"{dep_id}={package}"]
        for secret, value in make_secrets().items():
            arguments += ["--secret", f"{secret}={value}"]
        server = launch(arguments, url, folder, "localhost", "/_/health")
        try:
            set_up(server)
            wait_until_compiled(server)
            yield server
        finally:
            server.stop()


def write_app(folder: Path) -> None:
    template = yaml.safe_load((ROOT / "master_template" / "anvil.yaml").read_text())
    manifest = {
        "name": "client_bench",
        "package_name": "client_bench",
        "dependencies": [
            {
                "dep_id": dep_id,
                "app_id": dep_id,
                "version": {"dev": True},
                "resolution_hints": {"package_name": package},
            }
            for dep_id, package in PACKAGES.items()
        ],
        **{key: template[key] for key in COPIED},
    }
    (folder / "client_bench").mkdir()
    (folder / "client_bench" / "anvil.yaml").write_text(yaml.safe_dump(manifest))
    (folder / "client_bench" / "__init__.py").touch()
    (folder / "data").mkdir()
    for package in PACKAGES.values():
        (folder / package).symlink_to(ROOT / package)


def set_up(server: BenchServer) -> None:
    """The settings and the owner, over the uplink."""
    with connect(f"ws://localhost:{server.port}/_/uplink", max_size=None) as socket:
        socket.send(json.dumps({"key": UPLINK_KEY, "v": 8}))
        socket.recv(timeout=60)
        arguments = {"business": BUSINESS, "owner": OWNER, "features": {"bookings": True}}
        message = {"type": "CALL", "id": "1", "command": "set_up_instance", "args": []}
        socket.send(json.dumps({**message, "kwargs": arguments, "objects": []}))
        while True:
            answer = json.loads(socket.recv(timeout=120))
            if answer.get("id") == "1" and ("response" in answer or "error" in answer):
                break
    if not (answer.get("response") or {}).get("success"):
        raise BenchmarkError(f"The product cannot be set up: {answer}")


def wait_until_compiled(server: BenchServer) -> None:
    deadline = time.monotonic() + COMPILE_SECONDS
    while '"_/code/' not in fetch_text(server.port, "/app"):
        if time.monotonic() > deadline:
            raise BenchmarkError("The client code is not compiled: is there a Node.js?")
        time.sleep(0.1)
