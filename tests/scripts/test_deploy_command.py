"""`scripts/mybizz deploy`, `serve` and `instance address` as an operator uses them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from scripts.commands.mybizz.application import mybizz
from scripts.operations.addresses import check_origin, find_console, set_origin
from scripts.operations.databases import DatabaseServer
from scripts.operations.deploying.preparing import take_releases, wait_for_database
from scripts.operations.deploying.settings import choose_settings
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import list_instances, origin_of
from scripts.operations.releases import list_releases, publish, remove_folder, verify
from scripts.operations.serving import find_free_port
from tests.scripts.calling import command_of
from tests.scripts.deploying import make_instance
from tests.scripts.running import ROOT


def tell(*words: object, home: Home, expected: int = 0) -> dict[str, Any]:
    """What a command answers, run in this process: to start Python takes longer than it does."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        given = [*map(str, words), "--json", "--data-dir", str(home.data)]
        done = CliRunner().invoke(mybizz, given)
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert done.exit_code == expected, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_check_finds_what_differs(home: Home, tmp_path: Path):
    """Nothing is done when dry. What was asked for is remembered; a new instance, an edit, an open
    secret are seen."""
    make_instance(home, "yogastudio")
    out = tmp_path / "out"
    words = ("deploy", "kubernetes", "--out", out)
    would = tell(*words, "--domain", "mybizz.example", "--dry-run", home=home)
    assert "50-server.yaml" in would["files"] and not out.exists()
    made = tell(*words, "--domain", "mybizz.example", "--memory", "3Gi", home=home)
    assert made["instances"] == [
        {"name": "yogastudio", "host": "yogastudio.mybizz.example", "is_moved": False}
    ]
    assert tell(*words, "--check", home=home)["ok"]

    make_instance(home, "sea-view-inn", "https://www.seaview.example")
    (out / "10-config.yaml").write_text("edited: by hand\n")
    (out / "60-jobs.yaml").unlink()
    (out / "secrets").chmod(0o755)
    found = tell(*words, "--check", home=home, expected=3)
    assert found["changed"] == ["10-config.yaml", "80-ingress.yaml"]
    assert found["missing"] == ["60-jobs.yaml"]
    assert found["can_be_read_by_others"] == ["secrets/"]

    again = tell(*words, home=home)
    assert set(again["changed"]) == {*found["changed"], *found["missing"]}
    assert "3Gi" not in (out / "10-config.yaml").read_text()
    assert "3Gi" in (out / "50-server.yaml").read_text()
    assert tell(*words, "--check", home=home)["ok"]


def test_files_that_nobody_wants_any_more_go(home: Home, tmp_path: Path):
    out = tmp_path / "out"
    own = ("deploy", "kubernetes", "--out", out, "--domain", "mybizz.example")
    tell(*own, home=home)
    (out / "notes.md").write_text("Ours.\n")
    url = "postgresql://admin:word@db.example.com/postgres"
    done = tell(*own, "--database", url, home=home)
    assert "db.example.com" not in json.dumps(done)
    assert not (out / "30-database.yaml").exists() and (out / "notes.md").exists()
    # The URL is among the secrets from now on.
    assert tell(*own, home=home)["changed"] == []
    assert url in (out / "secrets" / "database-url").read_text()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("domain", "not a domain", "--domain expects a domain"),
        ("memory", "lots", "--memory expects a size"),
        ("storage_class", "Fast", "--storage-class expects the name"),
        ("backups", "relative", "--backups expects the full path"),
        ("backups", "/mnt/two words", "--backups expects the full path"),
    ],
)
def test_refuses_what_cannot_be(tmp_path: Path, name: str, value: str, message: str):
    with pytest.raises(OperationError, match=message):
        choose_settings("compose", tmp_path, {name: value})


def test_keeps_to_its_own_folder(home: Home, tmp_path: Path):
    (tmp_path / "mybizz-deploy.yaml").write_text("kind: compose\n")
    with pytest.raises(OperationError, match="holds the files of compose"):
        choose_settings("kubernetes", tmp_path, {})


def test_takes_the_releases_of_an_image_once(home: Home, source: Path, tmp_path: Path):
    image = Home.at(tmp_path / "image")
    image.make()
    try:
        publish(image, "v1.0.0", "First.", source)
        publish(image, "v1.1.0", "Second.", source)
        # What a killed run left.
        (home.releases / ".taking-v1.0.0").mkdir()
        assert [each.version for each in take_releases(home, image.releases)] == [
            *("v1.0.0", "v1.1.0"),
        ]
        assert take_releases(home, image.releases) == []
        for release in list_releases(home):
            verify(release)
        assert not list(home.releases.glob(".taking-*"))

        publish(image, "v1.2.0", "Third.", source)
        file = image.releases / "v1.2.0" / "m3" / "anvil.yaml"
        file.chmod(0o644)
        file.write_text("changed: true\n")
        with pytest.raises(OperationError, match="is not what was published"):
            take_releases(home, image.releases)
        assert len(list_releases(home)) == 2
    finally:
        remove_folder(image.releases)


def test_waits_for_the_database(server: DatabaseServer):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://x:y@127.0.0.1:{nobody.getsockname()[1]}/z"
        said: list[str] = []
        with pytest.raises(OperationError, match="can't be reached"):
            wait_for_database(url, said.append, seconds=0)
        waited: list[float] = []

        def give_up(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                raise TimeoutError

        with pytest.raises(TimeoutError):
            wait_for_database(url, said.append, pause=give_up)
        assert len(said) == 3
    wait_for_database(server.admin_url, said.append)


def test_an_address_is_checked_and_kept(home: Home):
    inn = make_instance(home, "sea-view-inn")
    make_instance(home, "yogastudio", "https://www.yoga.example")
    assert set_origin(home, inn, "https://WWW.SeaView.example/") == "https://www.seaview.example"
    assert inn.read_config()["origin"] == "https://www.seaview.example"
    assert inn.read_history()[-1]["former"] == "http://sea-view-inn.localhost:3030"
    find_console(home).path.mkdir()
    find_console(home).write_config({"origin": "http://management.localhost:3031", "port": 3031})
    words = ("instance", "address", "management")
    tell(*words, "https://console.mybizz.example", home=home)
    assert tell(*words, home=home)["origin"] == "https://console.mybizz.example"
    with pytest.raises(OperationError, match="is the address of management already"):
        set_origin(home, inn, "https://console.mybizz.example")
    with pytest.raises(OperationError, match="is the address of yogastudio already"):
        set_origin(home, inn, "https://www.yoga.example")
    assert inn.read_config()["origin"] == "https://www.seaview.example"


@pytest.mark.parametrize(
    "origin",
    [
        *("www.seaview.example", "ftp://seaview.example", "https://", "https://a.example/path"),
        *(
            "http://seaview.example",
            "https://me@seaview.example",
            "https://a.example:x",
            "https://1",
        ),
    ],
)
def test_refuses_an_address_that_is_none(origin: str):
    with pytest.raises(OperationError, match="An address looks like"):
        check_origin(origin)


def test_new_instances_are_below_the_domain(monkeypatch: pytest.MonkeyPatch):
    assert origin_of("inn", 3030) == "http://inn.localhost:3030"
    monkeypatch.setenv("MYBIZZ_DOMAIN", "mybizz.example")
    assert origin_of("inn", 3030) == "https://inn.mybizz.example"


def test_the_database_may_stand_in_a_file(home: Home, tmp_path: Path, server: DatabaseServer):
    """A password on a command line could be read by everybody on the machine."""
    file = tmp_path / "url"
    file.write_text(f"{server.admin_url}\n")
    words = command_of("deploy", "prepare", "--json", data_dir=home.data)
    for value, code in ((str(file), 0), (str(tmp_path / "missing"), 2)):
        environment = {**os.environ, "MYBIZZ_DATABASE_FILE": value}
        done = subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == code, done.stderr
    assert "MYBIZZ_DATABASE_FILE names" in done.stderr


HAND_OVER = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_serves_on_the_socket_of_systemd_and_ends_when_told(
    home: Home, server: DatabaseServer, tmp_path: Path
):
    """As the unit starts it: the socket is somebody else's, and stays open."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/_/ready"
        words = command_of(
            *("serve", "--database", server.admin_url, "--port", find_free_port()),
            data_dir=home.data,
        )
        child = subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, str(listener.fileno()), *words],
            cwd=ROOT,
            pass_fds=(listener.fileno(),),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            # Nobody is refused: whoever comes before it is ready waits in the socket's queue.
            assert httpx.get(url, timeout=60).json()["ready"]
            child.send_signal(signal.SIGTERM)
            assert child.wait(20) == 0
            with socket.create_connection(listener.getsockname()):
                pass
        finally:
            child.kill()
            child.wait()
            child.stderr.close()
    assert list_instances(home) == []


def test_serves_the_database_alone_and_says_when_it_is_there():
    """Type=notify of the unit: others that need it start after that."""
    address = f"\0mybizz-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(60)
        # Not below pytest's own folder: as root, Postgres runs as a user who must get there.
        data = Path(tempfile.mkdtemp(prefix="mybizz-serve-"))
        child = subprocess.Popen(
            command_of("serve", "--only-database", "--json", data_dir=data),
            cwd=ROOT,
            env={**os.environ, "NOTIFY_SOCKET": f"@{address[1:]}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert manager.recv(100) == b"READY=1"
            child.send_signal(signal.SIGTERM)
            out, _ = child.communicate(timeout=60)
            assert manager.recv(100) == b"STOPPING=1"
        finally:
            child.kill()
            child.wait()
    assert child.returncode == 0 and json.loads(out)["port"] > 0
    assert not (data / "postgres" / "data" / "postmaster.pid").exists()
    shutil.rmtree(data)
