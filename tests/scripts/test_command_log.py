"""The log of commands: nothing runs unnoted, nothing secret stays, the killed are told apart."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.operations.command_log import read_log, recorded, without_secrets
from scripts.operations.home import Home, OperationError
from tests.scripts.running import ROOT


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("postgresql://admin:s3cr3t@db.example/x", "postgresql://admin:***@db.example/x"),
        ("--database=postgres://a:b:c@h/x", "--database=postgres://a:***@h/x"),
        (
            "jdbc:postgresql://h/d?user=a&password=s3cr3t",
            "jdbc:postgresql://h/d?user=a&password=***",
        ),
        ("host=h password=s3cr3t dbname=d", "host=h password=*** dbname=d"),
        ("http://yogastudio.localhost:3030/app", "http://yogastudio.localhost:3030/app"),
        ("olga@yogastudio.example", "olga@yogastudio.example"),
    ],
)
def test_keeps_no_password(word: str, kept: str):
    assert without_secrets(word) == kept


def test_tells_how_each_command_ended(home: Home):
    with recorded(home, ["release", "list"]) as outcome:
        outcome.code = 0
    with pytest.raises(ZeroDivisionError), recorded(home, ["instance", "list"]):
        raise ZeroDivisionError
    with recorded(home, ["log"]):
        states = [entry["state"] for entry in read_log(home, 10)]
    assert states == ["done", "failed", "running"]
    assert [entry["command"] for entry in read_log(home, 2)] == [["instance", "list"], ["log"]]


def test_a_killed_command_is_told(home: Home):
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from scripts.operations.command_log import recorded\n"
        "from scripts.operations.home import Home\n"
        "with recorded(Home.at(Path(sys.argv[1])), ['instance', 'create']):\n"
        "    print('noted', flush=True)\n    sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(home.data)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout and child.stdout.readline() == "noted\n"
    assert read_log(home, 1)[0]["state"] == "running"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert read_log(home, 1)[0]["state"] == "killed"


@pytest.mark.parametrize("words", [("run", "--server", "anvil"), ("migrate", "no-such-shop")])
def test_the_older_commands_are_noted_too(home: Home, words: tuple[str, ...]):
    command = [sys.executable, "-m", f"scripts.commands.{words[0]}", *words[1:]]
    given = ["--data-dir", str(home.data), "--database", "postgresql://a:secret@127.0.0.1:1/x"]
    assert subprocess.run([*command, *given], cwd=ROOT, capture_output=True).returncode == 1
    entry = read_log(home, 1)[0]
    assert entry["command"][:2] == [f"scripts/{words[0]}", words[1]]
    assert entry["state"] == "failed" and "secret" not in " ".join(entry["command"])


def test_a_line_cut_short_hides_no_other(home: Home):
    with recorded(home, ["release", "list"]):
        pass
    path = next((home.data / "commands").glob("*.jsonl"))
    path.write_text(path.read_text() + '{"at": "2026-11')
    with path.open("a") as file:
        file.write("\n")
    assert len(read_log(home, 10)) == 1


def test_nothing_is_done_that_cannot_be_noted(tmp_path: Path):
    (tmp_path / "file").write_text("")
    home = Home.at(tmp_path / "file")
    with (
        pytest.raises(OperationError, match="not run, since it can't be noted"),
        recorded(home, []),
    ):
        raise AssertionError("it was done")
