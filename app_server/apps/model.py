"""What was read from an app folder. Everything here is a snapshot: it never changes after loading.

Source of the layout: ``anvil.runtime.read-app-storage`` and ``anvil.runtime.app-data`` of the
public anvil-runtime.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class CodeModule:
    """One Python file. ``name`` is dotted and relative to the app's package (``shared.api``)."""

    name: str
    code: str
    is_package: bool
    path: Path

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "code": self.code, "is_package": self.is_package}


@dataclass(frozen=True, slots=True)
class Form:
    """A form: Python code and the text of its template.

    A package form is a folder with ``__init__.py`` and ``form_template.html`` (or ``.yaml``); a
    module form is ``Name.py`` beside ``Name.html`` (or ``.yaml``). ``class_name`` is dotted and
    relative to the app's package. ``app_server.templates`` reads ``template_text``.
    """

    class_name: str
    code: str
    is_package: bool
    path: Path
    template_path: Path
    template_kind: Literal["html", "yaml"]
    template_text: str


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of ``services`` in anvil.yaml."""

    source: str
    client_config: dict[str, Any]
    server_config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Theme:
    """``theme/``: ``parameters.yaml`` and ``templates.yaml`` as read, and the files of
    ``theme/assets`` by their name below it (``logo.svg``, ``fonts/a.woff2``)."""

    parameters: dict[str, Any] = field(default_factory=dict)
    templates: Any = None
    assets: dict[str, Path] = field(default_factory=dict)

    @property
    def color_scheme(self) -> Any:
        return self.parameters.get("color_scheme")

    @property
    def roles(self) -> Any:
        return self.parameters.get("roles")


@dataclass(frozen=True, kw_only=True)
class AppPackage:
    """One app folder, without what it depends on. ``app_id`` is the folder's name."""

    app_id: str
    folder: Path
    yaml: dict[str, Any]
    forms: tuple[Form, ...]
    modules: tuple[CodeModule, ...]
    server_modules: tuple[CodeModule, ...]
    scripts: tuple[CodeModule, ...]
    theme: Theme

    @property
    def name(self) -> str:
        return str(self.yaml.get("name") or self.package_name)

    @property
    def package_name(self) -> str:
        return str(self.yaml.get("package_name") or self.app_id)

    @property
    def runtime_options(self) -> dict[str, Any]:
        return dict(self.yaml.get("runtime_options") or {})

    @property
    def native_deps(self) -> dict[str, Any]:
        """``head_html`` and ``import_map`` (a JSON text), where given."""
        return dict(self.yaml.get("native_deps") or {})

    @property
    def client_init_module(self) -> str | None:
        return self.yaml.get("client_init_module")


@dataclass(frozen=True, kw_only=True)
class Dependency(AppPackage):
    """An app that another depends on.

    ``dep_id`` is the id under which it was asked for; ``version_spec`` is what anvil.yaml pins
    (``{"version_tag": "v1.2.0"}``, ``{"branch": ...}`` or ``{"dev": true}``), kept for information:
    the folder decides. ``config`` is its ``config_schema`` with the overrides of those who depend
    on it: ``{"client": {name: value}, "server": {name: value}}``.
    """

    dep_id: str
    version_spec: dict[str, Any]
    config: dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class App(AppPackage):
    """A whole app: the main folder and its dependencies.

    ``dependencies`` is ordered as Anvil's ``dependency_order``: whatever is loaded later overrides
    what came before, and the app itself comes last. ``version`` is a hash of every file of all
    folders. ``dependency_ids`` maps a dependency's id to its ``app_id`` (its folder).
    """

    dependencies: tuple[Dependency, ...]
    dependency_ids: dict[str, str]
    version: str
    config: dict[str, dict[str, Any]]

    @cached_property
    def services(self) -> dict[str, Service]:
        """Services by source, such as ``/runtime/services/anvil/users.yml``. Those of
        dependencies do not count, as on Anvil's server."""
        found: dict[str, Service] = {}
        for entry in self.yaml.get("services") or []:
            source = str(entry.get("source", ""))
            found[source] = Service(
                source,
                dict(entry.get("client_config") or {}),
                dict(entry.get("server_config") or {}),
            )
        return found

    @property
    def db_schema(self) -> Any:
        """``db_schema`` of the app's own anvil.yaml, as written there."""
        return self.yaml.get("db_schema") or {}

    @property
    def scheduled_tasks(self) -> list[dict[str, Any]]:
        return list(self.yaml.get("scheduled_tasks") or [])

    @property
    def startup(self) -> dict[str, Any] | None:
        """``{"type": "form" | "module", "module": name}``, or None: nothing starts by itself."""
        startup = self.yaml.get("startup")
        if isinstance(startup, dict) and startup.get("module"):
            return startup
        form = self.yaml.get("startup_form")
        return {"type": "form", "module": form} if form else None

    @property
    def allow_embedding(self) -> bool:
        return bool(self.yaml.get("allow_embedding"))

    @property
    def packages(self) -> Iterator[AppPackage]:
        """Dependencies in order, then the app itself."""
        yield from self.dependencies
        yield self

    @cached_property
    def _code_files(self) -> tuple[dict[str, Path], dict[str, Path]]:
        """Files of code by their names in traces: of the server's Python, and of the browser's. A
        module of the server hides one of the browser with its name."""
        for_server: dict[str, Path] = {}
        for_browser: dict[str, Path] = {}
        for package in self.packages:
            parts: list[tuple[str, Form | CodeModule]] = [
                *((form.class_name, form) for form in package.forms),
                *((module.name, module) for module in package.modules),
            ]
            for name, part in parts:
                for_browser[_file_name(package, name, part.is_package)] = part.path
            for module in package.server_modules:
                name = _file_name(package, module.name, module.is_package)
                for_server[name] = module.path
        return {**for_browser, **for_server}, for_browser

    @cached_property
    def code_by_path(self) -> dict[Path, str]:
        found: dict[Path, str] = {}
        for package in self.packages:
            found.update((form.path, form.code) for form in package.forms)
            for module in (*package.modules, *package.server_modules):
                found[module.path] = module.code
        return found

    def find_code(self, name: str, *, in_browser: bool = False) -> Path | None:
        """The file of a name in a trace, such as ``shop/Home/__init__.py``."""
        for_server, for_browser = self._code_files
        return (for_browser if in_browser else for_server).get(name.removeprefix("app/"))

    def find_asset(self, name: str) -> Path | None:
        """The theme asset that wins under this name: the app's own, or that of the dependency
        that was loaded last among those that have one."""
        if name in self.theme.assets:
            return self.theme.assets[name]
        for dependency in reversed(self.dependencies):
            if name in dependency.theme.assets:
                return dependency.theme.assets[name]
        return None


def _file_name(package: AppPackage, module: str, is_package: bool) -> str:
    path = "/".join((package.package_name, *module.split(".")))
    return f"{path}/__init__.py" if is_package else f"{path}.py"
