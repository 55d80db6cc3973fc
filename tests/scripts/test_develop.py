"""`scripts/develop`: what is changed in the checkout is served at once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from scripts.operations.serving import find_free_port

ROOT = Path(__file__).resolve().parents[2]
ROUTE = """
import anvil.server

@anvil.server.route("/hello")
def hello():
    return "{text}"
"""


class Develop:
    """A running `scripts/develop` on a copy of the apps."""

    def __init__(self, folder: Path, source: Path):
        self.source = source
        self.port = find_free_port()
        self.lines: list[str] = []
        self.child = subprocess.Popen(
            [sys.executable, "-m", "scripts.commands.develop", "--port", str(self.port)]
            + ["--data-dir", str(folder / "data"), "--source", str(source)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        self.lines.extend(self.child.stdout)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert self.child.poll() is None and time.monotonic() < end, "".join(self.lines)
            time.sleep(0.05)

    def says(self, text: str) -> bool:
        return any(text in line for line in list(self.lines))

    def get(self, path: str) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            headers={"Host": f"yogastudio.localhost:{self.port}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                body: bytes = answer.read()
                return body.decode()
        except urllib.error.HTTPError as error:
            return f"{error.code}"

    def stop(self) -> int:
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(30)


@pytest.fixture(scope="module")
def develop(tmp_path_factory: pytest.TempPathFactory, m3_assets: None) -> Iterator[Develop]:
    # As root Postgres runs as another user, who must be able to walk the path.
    import tempfile

    with tempfile.TemporaryDirectory(prefix="mybizz-develop-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for app in ("master_template", "m3"):
            shutil.copytree(ROOT / app, folder / "checkout" / app)
        running = Develop(folder, folder / "checkout")
        running.wait_for(lambda: running.says("Change a file below"))
        yield running
        assert running.stop() == 0


def test_it_serves_the_checkout_with_sample_data(develop: Develop):
    assert develop.says("olga@yogastudio.example")
    assert develop.says("Made the data tables: ") and not develop.says("Add table")
    assert "Sunrise Yoga Studio" in develop.get("/")


def test_changed_server_code_is_served(develop: Develop):
    module = develop.source / "master_template" / "server_code" / "hello.py"
    module.write_text(ROUTE.format(text="first"))
    develop.wait_for(lambda: develop.get("/hello") == "first")
    module.write_text(ROUTE.format(text="second"))
    develop.wait_for(lambda: develop.get("/hello") == "second")


def test_a_new_column_of_the_template_reaches_the_database(develop: Develop):
    manifest = develop.source / "master_template" / "anvil.yaml"
    app = yaml.safe_load(manifest.read_text())
    app["db_schema"]["contacts"]["columns"].append({"name": "shoe_size", "type": "number"})
    manifest.write_text(yaml.safe_dump(app, sort_keys=False))
    develop.wait_for(lambda: develop.says("shoe_size"))
    module = develop.source / "master_template" / "server_code" / "hello.py"
    text = ROUTE.replace(
        'return "{text}"', "return str('shoe_size' in dict(app_tables.contacts.get(number=1)))"
    )
    module.write_text("from anvil.tables import app_tables\n" + text)
    develop.wait_for(lambda: develop.get("/hello") == "True")
