"""Starting: options, and one clear message for whatever is missing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from app_server.config import make_server_config, read_instance_config
from app_server.errors import StartupError
from app_server.options import parse_arguments
from app_server.server import DRAIN_SECONDS, INTERRUPT_SECONDS
from tests.app_server.running import ANVIL_YAML, serve_app, start_server, write_files

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, cwd: Path) -> tuple[int, str]:
    """Exit code and output of a server that is to end by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "app_server", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return write_files(tmp_path / "shop", {"anvil.yaml": ANVIL_YAML})


def refuse(*arguments: str) -> str:
    with pytest.raises(StartupError) as refusal:
        make_server_config(parse_arguments(arguments))
    return str(refusal.value)


def test_reads_all_options(app: Path, tmp_path: Path):
    config = make_server_config(
        parse_arguments(
            [
                f"--app={app}",
                "--data-dir",
                str(tmp_path / "data"),
                "--dep-id",
                "A=a",
                "--dep-id=B=b=c",
                "--secret",
                "key=va=lue",
                "--encryption-key",
                "k=v",
                "--uplink-key",
                "u",
                "--client-uplink-key",
                "c",
                "--origin",
                "https://shop.example/",
                "--ip",
                "127.0.0.1",
                "--port",
                "8080",
                "--auto-migrate",
                "--smtp-host",
                "mail.example",
                "--smtp-encryption",
                "starttls",
                "--smtp-password",
                "p",
                "--database",
                "jdbc:postgresql://h/d",
            ]
        )
    )
    instance = config.instance
    assert instance is not None and instance.smtp is not None
    assert (config.ip, config.port) == ("127.0.0.1", 8080)
    assert instance.dep_ids == {"A": "a", "B": "b=c"} and instance.secrets == {"key": "va=lue"}
    assert instance.origin == "https://shop.example" and instance.is_https
    assert (instance.auto_migrate, instance.ignore_invalid_schema) == (True, False)
    assert (instance.smtp.port, instance.smtp.username) == (587, "apikey")
    assert "va=lue" not in repr(config) and "jdbc" not in repr(config)


def test_the_command_line_wins_over_the_config_file(app: Path, tmp_path: Path):
    file = tmp_path / "config.yaml"
    content = {
        "app": str(app),
        "data-dir": str(tmp_path / "data"),
        "port": 1234,
        "secret": {"a": 1},
    }
    file.write_text(yaml.safe_dump(content))
    config = make_server_config(parse_arguments(["--config-file", str(file), "--port", "99"]))
    assert config.port == 99 and config.instance is not None
    assert config.instance.secrets == {"a": "1"}
    assert config.instance.origin == "http://localhost:99"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nonsense", "1"], "--nonsense is not an option"),
        (["shop"], "Unknown argument: shop"),
        (["--port"], "--port needs a value"),
        (["--port", "http"], "--port: expected a number"),
        (["--port", "70000"], "ports end at 65535"),
        (["--auto-migrate=yes"], "takes no value"),
        (["--secret", "x"], "expected NAME=VALUE"),
        (["--ip", "here"], "not an IP address"),
        (["--config-file", "/nowhere.yaml"], "no config file at /nowhere.yaml"),
        (["--instances", "/nowhere"], "there is no such folder"),
        (["--instances", "/tmp", "--secret", "a=b"], "--secret does not go together"),
        (["--origin", "shop.example"], "expected an address like"),
        (["--origin", "http://shop.example/path"], "without a path"),
        (["--data-dir", "/nowhere"], "data-dir /nowhere is not a folder"),
        (["--smtp-port", "25"], "given without smtp-host"),
        (["--smtp-host", "h", "--smtp-encryption", "tls"], "'ssl' or 'starttls'"),
        (["--uplink-key", " "], "uplink-key is empty"),
    ],
)
def test_says_what_is_wrong_with_the_options(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert message in refuse(*arguments)


def test_paths_of_an_instance_start_at_its_folder(tmp_path: Path):
    folder = write_files(
        tmp_path / "yoga",
        {"instance.yaml": "app: client_yoga\ndata-dir: data\n", "data/.keep": ""},
    )
    config = read_instance_config(folder, 3030)
    assert config.app_folder == folder / "client_yoga" and config.data_dir == folder / "data"
    assert config.name == "yoga" and config.host_name == "yoga.localhost"


def test_help_lists_the_options(tmp_path: Path):
    code, output = run("--help", cwd=tmp_path)
    assert code == 0 and "--client-uplink-key" in output


def test_a_folder_without_an_app(tmp_path: Path):
    code, output = run("--app", str(tmp_path), cwd=tmp_path)
    assert code == 1 and "has no anvil.yaml" in output and "Traceback" not in output


def test_a_port_that_is_taken(app: Path, tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        code, output = run(
            "--app", str(app), "--database", "none", "--ip", "127.0.0.1", "--port", port,
            cwd=tmp_path,
        )  # fmt: skip
    assert code == 1 and f"Port {port} on 127.0.0.1 is taken" in output
    assert "Traceback" not in output


def test_an_address_that_is_not_ours(app: Path, tmp_path: Path):
    code, output = run(
        "--app", str(app), "--database", "none", "--ip", "192.0.2.1", "--port", "0", cwd=tmp_path
    )
    assert code == 1 and "192.0.2.1 is not an address of this machine" in output


def test_a_database_that_is_down(app: Path, tmp_path: Path):
    url = "postgresql://someone:secret@127.0.0.1:1/nothing"
    code, output = run("--app", str(app), "--database", url, "--port", "0", cwd=tmp_path)
    assert code == 1 and "cannot be reached" in output and "127.0.0.1" in output
    assert "Traceback" not in output and "secret" not in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_all_that_it_started(tmp_path: Path, number: signal.Signals):
    files: dict[str, str | bytes] = {
        "server_code/main.py": "import anvil.server\n"
        "@anvil.server.callable\ndef pid():\n    import os\n    return os.getpid()\n"
        "@anvil.server.callable\ndef sleep():\n    import time\n    time.sleep(60)\n"
    }
    with serve_app(tmp_path, files) as server, server.browser() as browser:
        worker = browser.call("pid")
        started = psutil.Process(server.process.pid).children(recursive=True)
        assert worker in [process.pid for process in started]
        browser.socket.send('{"type": "CALL", "id": "s", "command": "sleep", "args": []}')
        begin = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(10) == 0
        limit = DRAIN_SECONDS if number is signal.SIGTERM else INTERRUPT_SECONDS
        assert time.monotonic() - begin < limit + 3
        _, alive = psutil.wait_procs(started, timeout=2)
        assert not alive
        assert "Traceback" not in "".join(server.log)


def test_starts_with_a_database_of_its_own(tmp_path: Path):
    import tempfile

    # Postgres runs as another user when we are root, who must be able to walk the path.
    with tempfile.TemporaryDirectory(prefix="mybizz-embedded-") as name:
        os.chmod(name, 0o755)
        yaml_text = ANVIL_YAML + (
            "db_schema:\n  notes:\n    client: none\n    server: full\n"
            "    columns: [{name: text, type: string}]\n"
        )
        files: dict[str, str | bytes] = {
            "anvil.yaml": yaml_text,
            "server_code/main.py": "import anvil.server\nfrom anvil.tables import app_tables\n"
            "@anvil.server.callable\ndef note(text):\n    app_tables.notes.add_row(text=text)\n"
            "    return [r['text'] for r in app_tables.notes.search()]\n",
        }
        app = write_files(Path(name) / "shop", files)
        (Path(name) / "data").mkdir()
        for expected in (["one"], ["one", "two"]):
            server = start_server(["--app", str(app), "--data-dir", f"{name}/data"])
            try:
                with server.browser() as browser:
                    assert browser.call("note", expected[-1]) == expected
            finally:
                assert server.stop() == 0
        pid_file = Path(name) / "data" / "postgres" / "data" / "postmaster.pid"
        assert not pid_file.exists(), "the database was stopped too"


def test_stops_while_it_waits_for_a_database(app: Path, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/nothing"
        process = subprocess.Popen(
            [sys.executable, "-m", "app_server", "--app", str(app), "--database", url]
            + ["--ip", "127.0.0.1", "--port", "0"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        silent.settimeout(30)
        connection, _ = silent.accept()
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
        connection.close()
    assert process.returncode == 0 and time.monotonic() - begin < 5
    assert "Traceback" not in errors
