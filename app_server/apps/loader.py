"""Loads an app with all it depends on."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app_server.apps.folder import PACKAGE_NAME, CodeReader, read_anvil_yaml, read_theme
from app_server.apps.model import App, Dependency
from app_server.errors import StartupError

IGNORED_FOLDERS = frozenset({"__pycache__", "node_modules"})
CACHED_FOLDERS = 500

Stamp = tuple[tuple[str, int, int], ...]
"""Path, time of change (ns) and size of each file."""


@dataclass(frozen=True, slots=True)
class _Cached:
    """A folder as it was when its files had this stamp."""

    stamp: Stamp
    members: dict[str, Any]
    digest: bytes


_cache: OrderedDict[Path, _Cached] = OrderedDict()
_cache_lock = threading.Lock()


def load_app(folder: Path, dep_ids: Mapping[str, str] | None = None) -> App:
    """The app in ``folder``. ``dep_ids`` maps a dependency's id to its folder's name beside the app
    (or a path). StartupError where the folder, a file or a dependency is missing or broken."""
    folder = Path(folder).absolute()
    package = _read_package(folder)
    ids = dict(dep_ids or {})
    dependencies, seen_ids = _load_dependencies(folder, package["yaml"], ids)
    version = hash_folders([folder, *(d.folder for d in dependencies)])
    return App(
        **package,
        dependencies=tuple(dependencies),
        dependency_ids={**ids, **seen_ids},
        version=version,
        config=_calculate_config(package["yaml"].get("config_schema") or {}, []),
    )


def _read_package(folder: Path) -> dict[str, Any]:
    """What an app folder holds, as the members of an AppPackage. Instances share the folders of a
    release by symbolic links, so what was read once is kept by the real folder, while it stays as
    it is."""
    if not folder.is_dir():
        read_anvil_yaml(folder)  # says what is missing
    real = folder.resolve()
    stamp = _look_at(real)
    with _cache_lock:
        known = _cache.get(real)
        if known is None or known.stamp != stamp:
            known = _cache[real] = _Cached(stamp, _read_folder(real), _hash_folder(real))
            if len(_cache) > CACHED_FOLDERS:
                _cache.popitem(last=False)
        _cache.move_to_end(real)
    return {**known.members, "app_id": folder.name, "folder": folder}


def _read_folder(folder: Path) -> dict[str, Any]:
    content = read_anvil_yaml(folder)
    client, server, scripts = (
        CodeReader(with_forms=True),
        CodeReader(with_forms=False),
        CodeReader(with_forms=False),
    )
    for name in ("client_code", "forms", "modules"):
        client.read(folder / name)
    for name in ("server_code", "server_modules"):
        server.read(folder / name)
    scripts.read(folder / "scripts")
    return {
        "yaml": content,
        "forms": tuple(client.forms),
        "modules": tuple(client.modules),
        "server_modules": tuple(server.modules),
        "scripts": tuple(scripts.modules),
        "theme": read_theme(folder),
    }


def _load_dependencies(
    main: Path, content: dict[str, Any], dep_ids: dict[str, str]
) -> tuple[list[Dependency], dict[str, str]]:
    """All dependencies, each once, deepest first; and which folder answers which id.

    Breadth first, each newly found one put before those already found, as in
    ``get-app-content-with-dependencies`` of anvil.runtime.app-data.
    """
    loaded: dict[str, dict[str, Any]] = {}
    overrides: dict[str, list[dict[str, Any]]] = {}
    order: list[str] = []
    seen_ids: dict[str, str] = {}
    asked_by: dict[str, tuple[Path, dict[str, Any]]] = {}
    queue = deque((main, spec) for spec in content.get("dependencies") or [])
    while queue:
        asking, spec = queue.popleft()
        dep_id = str(spec.get("dep_id") or spec.get("app_id") or "")
        folder = _find_dependency(main, asking, dep_id, spec, dep_ids)
        seen_ids[dep_id] = folder.name
        version = dict(spec.get("version") or {})
        if folder == main:
            continue
        if folder.name in loaded:
            overrides[folder.name].insert(0, spec.get("config") or {})
            first, first_version = asked_by[folder.name]
            if first_version != version:
                raise StartupError(
                    f"{asking / 'anvil.yaml'} asks for {version or 'the published version'} of "
                    f"{folder.name}, but {first / 'anvil.yaml'} asks for "
                    f"{first_version or 'the published version'}. An app can hold only one version."
                )
            continue
        package = _read_package(folder)
        loaded[folder.name] = {**package, "dep_id": dep_id, "version_spec": version}
        asked_by[folder.name] = (asking, version)
        overrides[folder.name] = [spec.get("config") or {}]
        order.insert(0, folder.name)
        queue.extend((folder, inner) for inner in package["yaml"].get("dependencies") or [])
    dependencies = [
        Dependency(
            **loaded[name],
            config=_calculate_config(
                loaded[name]["yaml"].get("config_schema") or {}, overrides[name]
            ),
        )
        for name in order
    ]
    return dependencies, seen_ids


def _find_dependency(
    main: Path, asking: Path, dep_id: str, spec: dict[str, Any], dep_ids: dict[str, str]
) -> Path:
    """The folder of a dependency: named by --dep-id under its id or ``resolution_hints.app_id``,
    else by the id itself, else by ``resolution_hints.package_name``; always beside the main app."""
    yaml_path = asking / "anvil.yaml"
    if not dep_id:
        raise StartupError(f"{yaml_path}: a dependency has neither `dep_id` nor `app_id`.")
    hints = spec.get("resolution_hints") or {}
    hint = str(hints.get("package_name") or "")
    given = dep_ids.get(dep_id) or dep_ids.get(str(hints.get("app_id")))
    if given is not None:
        folder = main.parent / given
        if not (folder / "anvil.yaml").is_file():
            raise StartupError(
                f"Dependency {dep_id} of {yaml_path} is given as {given!r}, but {folder} holds no "
                "anvil.yaml. Put the app there or correct --dep-id."
            )
        return folder
    for name in (dep_id, hint):
        if name and PACKAGE_NAME.fullmatch(name) and (main.parent / name / "anvil.yaml").is_file():
            return main.parent / name
    known = f" ({hint})" if hint else ""
    raise StartupError(
        f"{yaml_path} depends on {dep_id}{known}, but no folder is given for it. Put that app "
        f"beside {main} and add --dep-id {dep_id}={hint or 'FOLDER'} "
        "(or `dep-id:` in the config file)."
    )


def _calculate_config(
    schema: dict[str, Any], overrides: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Values of a ``config_schema``: its ``default_value`` s, overridden by ``{"value": ...}``."""
    config: dict[str, dict[str, Any]] = {}
    for which in ("client", "server"):
        given: dict[str, Any] = {}
        for override in overrides:
            given.update(override.get(which) or {})
        config[which] = {
            key: given[key].get("value") if key in given else (entry or {}).get("default_value")
            for key, entry in (schema.get(which) or {}).items()
        }
    return config


def app_files(folder: Path) -> Iterator[Path]:
    """Every file of an app folder that counts, in a fixed order."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in IGNORED_FOLDERS or path.suffix == ".pyc":
            continue
        if path.is_dir():
            yield from app_files(path)
        elif path.is_file():
            yield path


def hash_folders(folders: list[Path]) -> str:
    """A hash (20 hexadecimal digits) of the names and contents of all files in these folders, which
    have been read."""
    digest = hashlib.sha256()
    for folder in folders:
        with _cache_lock:
            known = _cache.get(folder.resolve())
        digest.update(f"{folder.name}\0".encode())
        digest.update(known.digest if known is not None else _hash_folder(folder))
    return digest.hexdigest()[:20]


def _hash_folder(folder: Path) -> bytes:
    digest = hashlib.sha256()
    for path in app_files(folder):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.digest()


def stamp_folders(folders: list[Path]) -> Stamp:
    """A cheap fingerprint that tells whether to load again; it also changes when a link is made to
    lead to another folder."""
    return tuple(entry for folder in folders for entry in _look_at(folder.resolve()))


def _look_at(folder: Path) -> Stamp:
    entries = []
    for path in app_files(folder):
        status = path.stat()
        entries.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(entries)
