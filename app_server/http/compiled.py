"""Client code compiled ahead, on the server, so that a phone need not do it.

Measured with Chromium: Skulpt takes some 1.4 s on this project's machine to compile the 80 KB of
m3, six times that on a phone; compiled, it runs at once. Each package is compiled once, by Node
(``app_server/browser/compile.mjs``), into scripts whose names are hashes of their sources, shared
by all instances; a page loads those with the code that its first form needs. Until that is done,
and where there is no Node, browsers get the sources and compile themselves.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import shutil
import subprocess
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from app_server.apps import App, AppPackage
from app_server.http.app_templates import read_app_templates
from app_server.http.built import read_manifest
from app_server.http.code_graph import Graph, module_name, read_forms, read_imports
from app_server.http.code_split import split_modules

logger = logging.getLogger(__name__)

BROWSER = Path(__file__).parent.parent / "browser"
#: Elsewhere where the program's own folder is read-only, as in a container.
CACHE = Path(os.environ.get("MYBIZZ_CACHE_DIR") or BROWSER.parent.parent / ".build")
FOLDER = CACHE / "compiled"
COMPILE_SECONDS = 120
#: A browser compiles less than this in a moment; it is not worth a process and a request.
WORTHWHILE_BYTES = 4_000
SHORT_HASH = 12
#: What the compiled code depends on beside the source.
COMPILER_FILES = ("compile.mjs", "library.mjs", "fetch_engine.py")


@dataclass(frozen=True, slots=True)
class Module:
    """A form or module of client code: full name, where the browser's importer looks for it, and
    its Python."""

    name: str
    path: str
    code: str


@dataclass(frozen=True, slots=True)
class CodeFile:
    """Modules that are compiled into one script. ``file`` is its name in FOLDER, and in
    ``/_/code/`` as well."""

    file: str
    modules: tuple[Module, ...]

    @property
    def path(self) -> Path:
        return FOLDER / self.file

    @property
    def is_ready(self) -> bool:
        return self._list.is_file() and self.path.is_file()

    @property
    def _list(self) -> Path:
        """Virtual paths of what compiled; the compiler writes it last."""
        return FOLDER / f"{self.file}.json"

    def read_paths(self) -> set[str]:
        return set(json.loads(self._list.read_bytes()))


@dataclass(frozen=True, slots=True)
class CodePlan:
    """The files of an app and its dependencies, and which module imports or shows which."""

    files: tuple[CodeFile, ...]
    graph: Graph

    @property
    def is_ready(self) -> bool:
        return all(file.is_ready for file in self.files)

    @property
    def digest(self) -> str:
        names = "\0".join(file.file for file in self.files)
        return hashlib.sha256(names.encode()).hexdigest()[:SHORT_HASH]


_compiling: dict[str, Future[bool]] = {}
_failed: set[str] = set()
_plans: OrderedDict[str, CodePlan] = OrderedDict()
_imported: OrderedDict[str, frozenset[str]] = OrderedDict()
_worthwhile: dict[str, bool] = {}
_lock = Lock()
_one_at_a_time = Lock()
KEPT_PLANS = 256


def list_modules(package: AppPackage) -> Iterator[tuple[str, bool, str]]:
    """Forms and modules of a package: name within it, whether it is a package itself, source."""
    for form in package.forms:
        yield form.class_name, form.is_package, form.code
    for module in package.modules:
        yield module.name, module.is_package, module.code


def find_plan(app: App) -> CodePlan | None:
    """The files of an app's compiled code, all of them ready; None where there are none. If they
    can be made, and that is worthwhile, it is begun now."""
    if not _is_worthwhile(app):
        return None
    plan = _plans.get(app.version)
    if plan is not None and plan.is_ready:
        return plan
    start_compiling(app)
    return None


def imported_names(app: App) -> frozenset[str]:
    """Full names of what the client code imports, for a page that gets its sources."""
    if app.version not in _imported:
        names: set[str] = set()
        for package in app.packages:
            for module, is_package in _read_modules(package):
                names |= read_imports(module.name, is_package, module.code)
        _imported[app.version] = frozenset(names)
        while len(_imported) > KEPT_PLANS:
            _imported.popitem(last=False)
    return _imported[app.version]


def _is_worthwhile(app: App) -> bool:
    if app.version not in _worthwhile:
        size = sum(len(code) for p in app.packages for _, _, code in list_modules(p))
        _worthwhile[app.version] = size >= WORTHWHILE_BYTES
    return _worthwhile[app.version]


def start_compiling(app: App) -> Future[bool] | None:
    """Compile what is not compiled yet, in the background. The result says whether it worked;
    None where there is nothing to do or no way to do it."""
    key = app.version
    plan = _plans.get(key)
    if not _is_worthwhile(app) or key in _failed or (plan is not None and plan.is_ready):
        return None
    with _lock:
        future = _compiling.get(key)
        if future is None:
            future = _compiling[key] = Future()
            Thread(target=_compile, args=(app, future), daemon=True).start()
    return future


def _compile(app: App, future: Future[bool]) -> None:
    is_done = False
    try:
        with _one_at_a_time:
            plan = make_plan(app)
            todo = [file for file in plan.files if not file.is_ready]
            is_done = not todo or _run_compiler(todo)
            if is_done:
                _plans[app.version] = plan
                while len(_plans) > KEPT_PLANS:
                    _plans.popitem(last=False)
    except Exception:
        # Pages have the sources; the operator is told why they load slowly.
        logger.exception("Client code cannot be compiled")
    finally:
        if not is_done:
            _failed.add(app.version)
        with _lock:
            _compiling.pop(app.version, None)
        future.set_result(is_done)


def make_plan(app: App) -> CodePlan:
    """Divide the code of each package, as far as possible alike in all apps that have it."""
    templates = read_app_templates(app).templates
    graph: dict[str, frozenset[str]] = {}
    files: list[CodeFile] = []
    for package in app.packages:
        modules = {
            module.name: (module, is_package) for module, is_package in _read_modules(package)
        }
        own = {
            name: read_imports(name, is_package, module.code)
            | frozenset(read_forms(templates.get(name)))
            for name, (module, is_package) in modules.items()
        }
        graph |= own
        sizes = {name: len(module.code) for name, (module, _) in modules.items()}
        forms = [name for name in modules if name in templates]
        for number, names in enumerate(split_modules(own, sizes, forms)):
            files.append(_make_file(package, number, [modules[name][0] for name in names]))
    library = (group["modules"] for group in read_manifest()["code"].values())
    known = {*graph, *(module_name(path) for modules in library for path in modules)}
    return CodePlan(tuple(files), {name: needs & known for name, needs in graph.items()})


def _read_modules(package: AppPackage) -> Iterator[tuple[Module, bool]]:
    for name, is_package, code in list_modules(package):
        full_name = f"{package.package_name}.{name}" if name else package.package_name
        yield Module(full_name, virtual_path(package, name, is_package), code), is_package


def _make_file(package: AppPackage, number: int, modules: list[Module]) -> CodeFile:
    digest = hashlib.sha256(_compiler_version().encode())
    for module in modules:
        digest.update(f"{module.path}\0{module.code}\0".encode())
    name = f"{package.package_name}-{number}-{digest.hexdigest()[:SHORT_HASH]}.js"
    return CodeFile(name, tuple(modules))


def _run_compiler(files: list[CodeFile]) -> bool:
    node = shutil.which("node")
    if node is None:
        logger.warning("There is no Node.js: browsers will compile the apps' Python themselves.")
        return False
    job = {"folder": str(FOLDER), "files": [_make_job(file) for file in files]}
    with subprocess.Popen(
        [node, str(BROWSER / "compile.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        atexit.register(process.kill)
        try:
            _, output = process.communicate(json.dumps(job), COMPILE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            logger.warning("Compiling client code took more than %s s", COMPILE_SECONDS)
            return False
        finally:
            atexit.unregister(process.kill)
    for line in output.splitlines():
        logger.warning("Compiling client code: %s", line)
    return process.returncode == 0


def _make_job(file: CodeFile) -> dict[str, Any]:
    return {
        "name": file.file,
        "modules": [
            {
                "path": module.path,
                "filename": module.path.removeprefix("app/").removesuffix(".js") + ".py",
                "source": module.code,
            }
            for module in file.modules
        ],
    }


def virtual_path(package: AppPackage, name: str, is_package: bool) -> str:
    """Where the browser's importer looks: see ``pathOf`` in src/engine/files.ts."""
    dotted = f"{package.package_name}.{name}" if name else package.package_name
    return "app/" + dotted.replace(".", "/") + ("/__init__.js" if is_package else ".js")


_version: str | None = None


def _compiler_version() -> str:
    global _version
    if _version is None:
        digest = hashlib.sha256()
        for name in COMPILER_FILES:
            digest.update((BROWSER / name).read_bytes())
        _version = digest.hexdigest()
    return _version
