"""What the browser gets of an app: client code, form templates, theme and client settings.

Server modules, secrets, table schemas, ``server_config`` of services and of dependencies' settings
never enter it. The bundle is one immutable JSON per app version; its shape is ``AppBundle`` in
``app_server/browser/src/boot/app.ts``.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]

from app_server.apps import App, AppPackage, Dependency, Service
from app_server.http.app_templates import dependency_packages, read_app_templates
from app_server.http.built import read_manifest
from app_server.http.compiled import CodePlan, list_modules, virtual_path
from app_server.http.extras import read_extras
from app_server.http.theme import read_theme
from app_server.templates import Problem

logger = logging.getLogger(__name__)

#: A third of a megabyte each; a server of many instances has at least two of each.
KEPT_BUNDLES = 256
#: From this runtime version on, a form's template is in ``._anvil_designer``.
TEMPLATE_MODULES_VERSION = 2
TABLES_SERVICE = "/runtime/services/tables.yml"
BROTLI_QUALITY = 9
SHORT_HASH = 12
HTTP = Path(__file__).parent
TEMPLATES = HTTP.parent / "templates"
#: Of HTTP: the files whose code decides what is in a bundle.
MAKERS = ("app_templates.py", "bundle.py", "code_graph.py", "compiled.py", "extras.py", "theme.py")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The JSON of one app version, plain and compressed, and what is wrong with its templates."""

    data: bytes
    brotli: bytes
    gzipped: bytes
    problems: list[Problem]


_bundles: OrderedDict[str, Bundle] = OrderedDict()
_reported: set[str] = set()
_building: dict[str, asyncio.Task[Bundle]] = {}


async def get_bundle(app: App, plan: CodePlan | None = None) -> Bundle:
    """The app's bundle, made once per version: with the sources, or for a page that loads the
    compiled code of ``plan``, with the sources only of modules that do not compile. Call it at
    start to learn of bad templates early."""
    key = bundle_name(app, plan)
    known = _bundles.get(key)
    if known is not None:
        _bundles.move_to_end(key)
        return known
    task = _building.get(key)
    if task is None:
        task = asyncio.create_task(asyncio.to_thread(make_bundle, app, plan))
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


def bundle_name(app: App, plan: CodePlan | None) -> str:
    """The bundle's name in ``/_/app/<name>.json``: another one where anything that is in it
    changes, what this server makes of the app among it."""
    parts = [read_manifest()["hash"], _maker_version(), plan.digest if plan else "source"]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:SHORT_HASH]
    return f"{app.version}-{digest}"


@cache
def _maker_version() -> str:
    """A hash of the code that makes bundles."""
    digest = hashlib.sha256()
    for file in [*sorted(TEMPLATES.glob("*.py")), *(HTTP / name for name in MAKERS)]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def make_bundle(app: App, plan: CodePlan | None = None) -> Bundle:
    compiled = {path for file in plan.files for path in file.read_paths()} if plan else set()
    read = read_app_templates(app)
    content = {
        "version": app.version,
        "id": app.app_id,
        "name": app.name,
        "package": app.package_name,
        "packages": [_describe_package(app, package, compiled) for package in app.packages],
        "code": [*_library_code(), *(_app_code(plan) if plan else [])],
        "dependencies": dependency_packages(app, app),
        "templates": read.templates,
        "services": {source: _client_config(service) for source, service in app.services.items()},
        "theme": read_theme(app).to_json(),
        "plainClassNames": read_extras(app).plain_class_names,
        "templatesInAnvil": int(app.runtime_options.get("version") or 0) < TEMPLATE_MODULES_VERSION,
    }
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    return Bundle(
        data,
        brotli.compress(data, mode=brotli.MODE_TEXT, quality=BROTLI_QUALITY),
        gzip.compress(data, 6, mtime=0),
        read.problems,
    )


def _client_config(service: Service) -> dict[str, Any]:
    """A service's settings for the browser. Tables of before Anvil's second version are served as
    that version too: what the older one has, it has."""
    if service.source == TABLES_SERVICE:
        return {**service.client_config, "enable_v2": True}
    return service.client_config


def _library_code() -> Iterator[dict[str, Any]]:
    """Files of Anvil's and Python's library: address, and what each module in it imports."""
    for group in read_manifest()["code"].values():
        yield {"url": f"_/runtime/{group['file']}", "modules": group["modules"]}


def _app_code(plan: CodePlan) -> Iterator[dict[str, Any]]:
    for file in plan.files:
        compiled = file.read_paths()
        needs = {
            module.path: sorted(plan.graph[module.name])
            for module in file.modules
            if module.path in compiled
        }
        yield {"url": f"_/code/{file.file}", "modules": needs}


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
