"""The files of a deployment: written, compared, and those with secrets kept apart."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from app_server.files import replace_file
from scripts.operations.deploying.settings import SETTINGS_FILE
from scripts.operations.home import OperationError

SECRETS_FOLDER = "secrets"
LIST_FILE = ".generated"
IGNORE = "# Never commit these.\nsecrets/\n"
HEAD = (
    "# Made by `scripts/mybizz deploy {kind}`. Do not edit: change the settings there, and run it "
    "again.\n"
)


@dataclass(frozen=True)
class SecretFile:
    """A file below ``secrets/``. ``given`` replaces what is there; else ``make`` fills it once, and
    never again: what runs knows it."""

    make: Callable[[], str]
    given: str | None = None


@dataclass(frozen=True)
class Comparison:
    """How a folder differs from what would be made now: names of files."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        return not (self.missing or self.changed or self.left or self.readable)


def dump_all(kind: str, documents: list[dict[str, object]]) -> str:
    """YAML documents below a line that says where they come from."""
    text = yaml.dump_all(
        documents, Dumper=PlainDumper, sort_keys=False, width=100, allow_unicode=True
    )
    return HEAD.format(kind=kind) + text


class PlainDumper(yaml.SafeDumper):
    """Without anchors: people read this."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def read_secrets(folder: Path, wanted: Mapping[str, SecretFile]) -> dict[str, str]:
    """The secrets by name: what is given, what lies there, or made now."""
    found = {}
    for name, secret in wanted.items():
        path = folder / SECRETS_FOLDER / name
        if secret.given is not None:
            found[name] = secret.given
        elif path.exists():
            found[name] = path.read_text()
        else:
            found[name] = secret.make()
    return found


def write_files(folder: Path, files: Mapping[str, str], secrets: Mapping[str, str]) -> list[str]:
    """Write all; what an earlier run made and nobody wants now goes. Gives the names of what
    changed. Each file appears whole, and a killed run is completed by the next."""
    changed = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SECRETS_FOLDER).mkdir(mode=0o700, exist_ok=True)
        (folder / SECRETS_FOLDER).chmod(0o700)
        wanted = _add_lists(files)
        before = _read_list(folder)
        # Both old and new names, until all is written: a killed run forgets none.
        _replace(folder / LIST_FILE, _format_list({*before, *files}), 0o644)
        for name, text in secrets.items():
            if _replace(folder / SECRETS_FOLDER / name, text, SECRET_MODE):
                changed.append(f"{SECRETS_FOLDER}/{name}")
        for name in sorted(before - set(files)):
            (folder / name).unlink(missing_ok=True)
            changed.append(name)
        for name, text in wanted.items():
            if _replace(folder / name, text, 0o644) and name != LIST_FILE:
                changed.append(name)
    except OSError as error:
        raise OperationError(f"{folder} can't be written: {error}. Choose another by --out.") from (
            error
        )
    return changed


SECRET_MODE = 0o644
"""Nobody else gets into the folder (0700). Compose mounts the file with its mode and owner, and in
the container it is read by an account that is not its owner."""


def compare_files(
    folder: Path, files: Mapping[str, str], secrets: Mapping[str, SecretFile]
) -> Comparison:
    """What lies there against what would be made. Secrets only have to be there, out of reach."""
    wanted = _add_lists(files)
    missing = [name for name in wanted if not (folder / name).exists()]
    missing += [
        f"{SECRETS_FOLDER}/{name}"
        for name in secrets
        if not (folder / SECRETS_FOLDER / name).exists()
    ]
    changed = [
        name
        for name, text in wanted.items()
        if name not in missing and (folder / name).read_text() != text
    ]
    left = [name for name in sorted(_read_list(folder) - set(files)) if (folder / name).exists()]
    apart = folder / SECRETS_FOLDER
    is_open = apart.exists() and stat.S_IMODE(apart.stat().st_mode) & 0o077
    shown = [name for name in changed if name != LIST_FILE]
    return Comparison(
        tuple(name for name in missing if name != LIST_FILE),
        tuple(shown),
        tuple(left),
        (f"{SECRETS_FOLDER}/",) if is_open else (),
    )


def _add_lists(files: Mapping[str, str]) -> dict[str, str]:
    return {".gitignore": IGNORE, **files, LIST_FILE: _format_list(set(files))}


def _format_list(names: set[str]) -> str:
    return "".join(f"{name}\n" for name in sorted(names))


def _read_list(folder: Path) -> set[str]:
    """Names of the files that an earlier run made: nothing outside the folder, nothing else."""
    file = folder / LIST_FILE
    names = file.read_text().splitlines() if file.exists() else []
    kept = {name for name in names if name and not name.startswith(("/", ".")) and ".." not in name}
    return kept - {SETTINGS_FILE}


def _replace(path: Path, text: str, mode: int) -> bool:
    """Whether the file was another before."""
    if path.exists() and path.read_text() == text:
        path.chmod(mode)
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text, mode=mode)
    return True
