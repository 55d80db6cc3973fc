"""Publishing: only a clean, tested commit, once; and what a release is said to hold."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from scripts.operations.home import Home, OperationError
from scripts.operations.publishing import plan_release, publish_plan
from scripts.operations.release_diff import compare, make_patch
from scripts.operations.releases import Release, list_releases
from tests.scripts.calling import ask, call

SIGNED = ("-c", "user.name=Olga", "-c", "user.email=olga@yogastudio.example")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *SIGNED, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(source: Path) -> Path:
    """A checkout with one commit; the bundle is built and not in git, as at home."""
    (source / ".gitignore").write_text("m3/theme/assets/\n")
    git(source, "init", "-q")
    commit(source, "Contacts: Show a list")
    return source


def commit(checkout: Path, message: str) -> str:
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", message)
    return git(checkout, "rev-parse", "HEAD")


def change(checkout: Path, text: str, name: str = "client_code/Main.py") -> None:
    (checkout / "master_template" / name).write_text(text)


def publish(home: Home, checkout: Path, version: str, notes: str = "Better.") -> Release:
    plan = plan_release(home, version, notes, source=checkout)
    return publish_plan(home, plan, lambda: True, checkout)


def test_a_release_knows_its_commit_and_what_kind_it_is(home: Home, checkout: Path):
    head = git(checkout, "rev-parse", "HEAD")
    release = publish(home, checkout, "v1.2.0")

    manifest = release.read_manifest()
    assert (manifest["commit"], manifest["kind"]) == (head, "feature")
    assert git(checkout, "rev-parse", "v1.2.0^{commit}") == head


def test_notes_have_a_persons_words_and_the_commits_since(home: Home, checkout: Path):
    publish(home, checkout, "v1.0.0")
    change(checkout, "x = 2\n")
    commit(checkout, "Contacts: Find by phone")
    (checkout / "README.md").write_text("Elsewhere.\n")
    commit(checkout, "Docs: Tell nothing of the template")

    notes = publish(home, checkout, "minor", "Find anybody.").read_notes()
    assert "Find anybody." in notes and "Changes since v1.0.0" in notes
    assert "- Contacts: Find by phone" in notes
    assert "Tell nothing" not in notes and "Show a list" not in notes


@pytest.mark.parametrize(
    ("level", "expected"), [("patch", "v1.4.3"), ("minor", "v1.5.0"), ("major", "v2.0.0")]
)
def test_raises_the_newest_version(home: Home, checkout: Path, level: str, expected: str):
    publish(home, checkout, "v1.4.2")
    publish(home, checkout, "v1.3.9")

    assert plan_release(home, level, "More.", "fix", source=checkout).version == expected


def test_refuses_changes_that_are_in_no_commit(home: Home, checkout: Path):
    change(checkout, "x = 2\n")
    with pytest.raises(OperationError, match=r"in none: .*Main\.py"):
        publish(home, checkout, "v1.0.0")

    commit(checkout, "Main: Two")
    change(checkout, "", "client_code/New.py")
    with pytest.raises(OperationError, match=r"New\.py"):
        publish(home, checkout, "v1.0.0")
    assert list_releases(home) == []


def test_refuses_a_version_twice(home: Home, checkout: Path):
    publish(home, checkout, "v1.0.0")
    with pytest.raises(OperationError, match="exists already"):
        publish(home, checkout, "v1.0.0")


def test_refuses_a_version_that_was_tagged_at_another_commit(home: Home, checkout: Path):
    git(checkout, "tag", "v1.0.0")
    change(checkout, "x = 2\n")
    commit(checkout, "Main: Two")
    with pytest.raises(OperationError, match="another commit already"):
        publish(home, checkout, "v1.0.0")


def test_refuses_when_the_tests_fail(home: Home, checkout: Path):
    plan = plan_release(home, "v1.0.0", "First.", source=checkout)
    with pytest.raises(OperationError, match="the tests failed"):
        publish_plan(home, plan, lambda: False, checkout)
    assert list_releases(home) == [] and git(checkout, "tag") == ""


def test_refuses_when_the_tree_changed_while_the_tests_ran(home: Home, checkout: Path):
    def run_tests() -> bool:
        change(checkout, "x = 2\n")
        commit(checkout, "Main: Two")
        return True

    plan = plan_release(home, "v1.0.0", "First.", source=checkout)
    with pytest.raises(OperationError, match="another commit was checked out"):
        publish_plan(home, plan, run_tests, checkout)
    assert list_releases(home) == []


def test_refuses_to_publish_without_words(home: Home, checkout: Path):
    with pytest.raises(OperationError, match="needs notes"):
        plan_release(home, "v1.0.0", "  ", source=checkout)


def test_what_breaks_something_needs_a_guide(home: Home, checkout: Path):
    publish(home, checkout, "v1.0.0")
    for wanted, kind in (("major", None), ("v1.1.0", "breaking")):
        with pytest.raises(OperationError, match="needs a migration guide"):
            plan_release(home, wanted, "All new.", kind, source=checkout)
    assert plan_release(home, "v2.0.0", "All new.", "feature", source=checkout).guide == ""

    guide = "1. Tell your customers.\n"
    plan = plan_release(home, "major", "All new.", source=checkout, guide=guide)
    release = publish_plan(home, plan, lambda: True, checkout)
    assert release.read_manifest()["kind"] == "breaking"
    assert ask("release", "show", "v2.0.0", data_dir=home.data)["guide"] == guide
    assert "MIGRATION.md" in release.read_manifest()["files"]


def test_the_command_reads_the_guide_from_a_file(home: Home, tmp_path: Path):
    words = ("release", "publish", "v1.0.0", "--notes", "x", "--migration-guide", tmp_path / "none")
    assert "No such file" in call(*words, data_dir=home.data, expected=2).stderr


def test_refuses_what_is_no_checkout(home: Home, source: Path):
    with pytest.raises(OperationError, match="git status in .* failed"):
        plan_release(home, "v1.0.0", "First.", source=source)


@pytest.fixture
def two(home: Home, checkout: Path) -> tuple[Release, Release]:
    """A release, and the next one with another table, column, service, task, rule and file."""
    first = publish(home, checkout, "v1.0.0")
    manifest = checkout / "master_template" / "anvil.yaml"
    text = manifest.read_text().replace(
        "columns: [{name: email, type: string}]",
        "columns: [{name: email, type: number}, {name: phone, type: string}]",
    )
    text = text.replace(
        "runtime_options",
        "  orders: {title: Orders, client: none, server: full, columns: []}\n"
        "scheduled_tasks: [{job_id: CLEAN, task_name: clean, time_spec: {n: 1, every: day}}]\n"
        "runtime_options",
    ).replace("db_schema:", "- {source: /runtime/services/anvil/users.yml}\ndb_schema:")
    manifest.write_text(text)
    change(checkout, "contacts:\n  check: {has_email: email IS NOT NULL}\n", "constraints.yaml")
    change(checkout, "x = 1\ny = 2\n")
    commit(checkout, "Contacts: Keep a phone")
    return first, publish(home, checkout, "v1.1.0")


def test_tells_what_differs_between_two_releases(two: tuple[Release, Release]):
    difference = compare(*two)

    assert [str(each) for each in difference.schema] == [
        "+ table orders",
        "~ column contacts.email  (type: string -> number)",
        "+ column contacts.phone",
        "+ rule contacts check has_email",
    ]
    assert [str(each) for each in difference.services] == ["+ /runtime/services/anvil/users.yml"]
    assert [str(each) for each in difference.tasks] == ["+ CLEAN"]
    assert "~ master_template/client_code/Main.py  (+1 -0 lines)" in map(str, difference.files)
    assert "+y = 2\n" in make_patch(*two)


def test_tells_what_was_changed_in_each_part(home: Home, checkout: Path):
    """Not only what is new: a rule, an index, a service, a task and a table's own options."""
    manifest = checkout / "master_template" / "anvil.yaml"
    text = manifest.read_text()
    task = "{job_id: CLEAN, task_name: clean, time_spec: {n: 1, every: %s}}"
    with_task = text.replace("runtime_options", f"scheduled_tasks: [{task}]\nruntime_options")
    rules = "contacts:\n  check: {has_email: %s}\n  unique: [{name: one_email, columns: [%s]}]\n"
    manifest.write_text(with_task % "day")
    change(checkout, rules % ("email IS NOT NULL", "email"), "constraints.yaml")
    commit(checkout, "Contacts: Ask for an address")
    first = publish(home, checkout, "v1.0.0")

    changed = with_task.replace("enable_v2: true", "enable_v2: false").replace(
        "{title: Contacts, client: none,",
        "{title: People, client: none, indexes: [{columns: [email], type: b_tree}],",
    )
    manifest.write_text(changed % "hour")
    change(checkout, rules % ("email <> ''", "lower(email)"), "constraints.yaml")
    commit(checkout, "Contacts: Ask better")
    told = compare(first, publish(home, checkout, "v1.1.0"))

    assert [(each.how, each.name) for each in told.schema] == [
        ("changed", "table contacts"),
        ("changed", "rule contacts check has_email"),
        ("changed", "rule contacts unique one_email"),
    ]
    assert "title: Contacts -> People" in told.schema[0].detail
    assert "indexes: none -> " in told.schema[0].detail
    assert told.schema[1].detail == "email IS NOT NULL -> email <> ''"
    assert [str(each) for each in told.services] == [
        "~ /runtime/services/tables.yml  (client_config: {'enable_v2': True} -> "
        "{'enable_v2': False})"
    ]
    assert [str(each) for each in told.tasks] == [
        "~ CLEAN  (time_spec: {'n': 1, 'every': 'day'} -> {'n': 1, 'every': 'hour'})"
    ]


def test_back_again_is_the_reverse(two: tuple[Release, Release]):
    first, second = two
    there, back = compare(first, second), compare(second, first)

    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    for part, changes in there.parts.items():
        expected = sorted((turned[each.how], each.name) for each in changes)
        assert sorted((each.how, each.name) for each in back.parts[part]) == expected
    assert not any(compare(first, first).parts.values())


def test_the_command_lists_shows_and_compares(home: Home, two: tuple[Release, Release]):
    base = home.data
    listed = ask("release", "list", data_dir=base)["releases"]
    assert [(each["version"], each["kind"]) for each in listed] == [
        ("v1.0.0", "feature"),
        ("v1.1.0", "feature"),
    ]
    shown = ask("release", "show", "v1.1.0", data_dir=base)
    assert shown["changed_files"] == [] and "Contacts: Keep a phone" in shown["notes"]
    told = call("release", "diff", "v1.0.0", "v1.1.0", data_dir=base).stdout
    assert "+ column contacts.phone" in told


def test_the_command_finds_a_changed_file(home: Home, two: tuple[Release, Release]):
    target = two[1].folder / "master_template" / "client_code" / "Main.py"
    target.chmod(0o644)
    target.write_text("x = 'stolen'\n")

    shown = ask("release", "show", "v1.1.0", data_dir=home.data, expected=3)
    assert not shown["ok"]
    assert shown["changed_files"] == ["master_template/client_code/Main.py"]


@pytest.mark.parametrize(
    "words", [("patch",), ("patch", "--notes", "Better.", "--notes-file", "/dev/null")]
)
def test_the_command_wants_notes_once(home: Home, words: tuple[str, ...]):
    told = call("release", "publish", *words, data_dir=home.data, expected=2).stderr
    assert "Give either --notes or --notes-file" in told


def test_the_command_says_in_json_what_is_wrong(home: Home):
    told = call("release", "show", "v9.9.9", "--json", data_dir=home.data, expected=1)
    assert "no release v9.9.9" in json.loads(told.stdout)["error"]
