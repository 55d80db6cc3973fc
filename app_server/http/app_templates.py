"""The form templates of an app and its dependencies, read once per version."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from app_server.apps import App, AppPackage
from app_server.templates import Package, ReadTemplates, read_templates

KEPT_VERSIONS = 8

_read: OrderedDict[str, ReadTemplates] = OrderedDict()
_lock = Lock()


def read_app_templates(app: App) -> ReadTemplates:
    """Templates by qualified name, and what is wrong with them. Takes a moment the first time: call
    it in a thread."""
    with _lock:
        if app.version not in _read:
            packages = [_template_package(app, package) for package in app.packages]
            _read[app.version] = read_templates(packages)
            while len(_read) > KEPT_VERSIONS:
                _read.popitem(last=False)
        return _read[app.version]


def dependency_packages(app: App, package: AppPackage) -> dict[str, str]:
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
        dependencies=dependency_packages(app, package),
    )
