"""What the browser gets of an app: client code, form templates, theme and client settings.

Server modules, secrets, table schemas, ``server_config`` of services and of dependencies' settings
never enter it. The bundle is one immutable JSON per app version; its shape is ``AppBundle`` in
``app_server/browser/src/boot/app.ts``.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from app_server.apps import App, AppPackage, Dependency, Service
from app_server.http.compiled import compiled_packages, list_modules, virtual_path
from app_server.http.extras import read_extras
from app_server.http.theme import read_theme
from app_server.templates import Package, Problem, read_templates

logger = logging.getLogger(__name__)

KEPT_BUNDLES = 16
TABLES_SERVICE = "/runtime/services/tables.yml"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The JSON of one app version, plain and compressed, and what is wrong with its templates."""

    data: bytes
    gzipped: bytes
    problems: list[Problem]


_bundles: OrderedDict[str, Bundle] = OrderedDict()
_reported: set[str] = set()
_building: dict[str, asyncio.Task[Bundle]] = {}


async def get_bundle(app: App, *, is_compiled: bool = False) -> Bundle:
    """The app's bundle, made once per version: with the sources, or (``is_compiled``) for a page
    that loads the compiled code of its packages (compiled.py), with the sources only of modules
    that do not compile. Call it at start to learn of bad templates early."""
    key = bundle_name(app, is_compiled=is_compiled)
    known = _bundles.get(key)
    if known is not None:
        _bundles.move_to_end(key)
        return known
    task = _building.get(key)
    if task is None:
        task = asyncio.create_task(asyncio.to_thread(make_bundle, app, is_compiled=is_compiled))
        _building[key] = task
        task.add_done_callback(lambda _: _building.pop(key, None))
    bundle = await asyncio.shield(task)
    if app.version not in _reported:
        _reported.add(app.version)
        for problem in bundle.problems:
            logger.warning("%s", problem)
    _bundles[key] = bundle
    while len(_bundles) > KEPT_BUNDLES:
        _bundles.popitem(last=False)
    return bundle


def bundle_name(app: App, *, is_compiled: bool) -> str:
    """The bundle's name in ``/_/app/<name>.json``."""
    return app.version if is_compiled else f"{app.version}-source"


def make_bundle(app: App, *, is_compiled: bool = False) -> Bundle:
    packages = list(app.packages)
    compiled = _read_compiled(app) if is_compiled else set()
    read = read_templates([_template_package(app, package) for package in packages])
    content = {
        "version": app.version,
        "id": app.app_id,
        "name": app.name,
        "package": app.package_name,
        "packages": [_describe_package(app, package, compiled) for package in packages],
        "dependencies": _dependency_packages(app, app),
        "templates": read.templates,
        "services": {source: _client_config(service) for source, service in app.services.items()},
        "theme": read_theme(app).to_json(),
        "plainClassNames": read_extras(app).plain_class_names,
    }
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    return Bundle(data, gzip.compress(data, 6, mtime=0), read.problems)


def _client_config(service: Service) -> dict[str, Any]:
    """A service's settings for the browser. Tables of before Anvil's second version are served as
    that version too: what the older one has, it has."""
    if service.source == TABLES_SERVICE:
        return {**service.client_config, "enable_v2": True}
    return service.client_config


def _dependency_packages(app: App, package: AppPackage) -> dict[str, str]:
    """Package by every id under which ``package`` may name a dependency: the app id, the folder,
    and the logical id (``dep_...``) of its anvil.yaml."""
    names: dict[str, str] = {}
    for dependency in app.dependencies:
        names[dependency.dep_id] = dependency.package_name
        names[dependency.app_id] = dependency.package_name
    for entry in package.yaml.get("dependencies") or []:
        for target in (entry.get("app_id"), entry.get("id")):
            if target in names and entry.get("dep_id"):
                names[str(entry["dep_id"])] = names[target]
    return names


def _template_package(app: App, package: AppPackage) -> Package:
    return Package(
        name=package.package_name,
        client_code=package.folder / "client_code",
        dependencies=_dependency_packages(app, package),
    )


def _read_compiled(app: App) -> set[str]:
    """Virtual paths of the modules that are there in compiled form."""
    paths: set[str] = set()
    for compiled in compiled_packages(app):
        paths.update(json.loads(compiled.path.read_bytes()))
    return paths


def _describe_package(app: App, package: AppPackage, compiled: set[str]) -> dict[str, Any]:
    config = package.config if isinstance(package, Dependency) else app.config
    modules = [
        [name, is_package, None if virtual_path(package, name, is_package) in compiled else code]
        for name, is_package, code in list_modules(package)
    ]
    return {
        "name": package.package_name,
        "depId": package.dep_id if isinstance(package, Dependency) else None,
        "clientInit": package.client_init_module,
        "config": config.get("client") or {},
        "modules": modules,
        "html": {
            name: path.read_text("utf-8")
            for name, path in package.theme.assets.items()
            if name.endswith(".html")
        },
    }
