"""Client code compiled ahead, on the server, so that a phone need not do it.

Measured with Chromium: Skulpt takes some 1.4 s on this project's machine to compile the 80 KB of
m3, six times that on a phone; compiled, it is 140 KB in brotli and runs at once. Each package is
compiled once, by Node (``app_server/browser/compile.mjs``), into a file whose name is a hash of its
sources, shared by all instances. Until that is done, and where there is no Node, browsers get the
sources and compile themselves.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
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

logger = logging.getLogger(__name__)

BROWSER = Path(__file__).parent.parent / "browser"
FOLDER = BROWSER.parent.parent / ".build" / "compiled"
COMPILE_SECONDS = 120
#: A browser compiles less than this in a moment; it is not worth a process and a request.
WORTHWHILE_BYTES = 16_000
SHORT_HASH = 12
#: What the compiled code depends on beside the source.
COMPILER_FILES = ("compile.mjs", "library.mjs", "fetch_engine.py")


@dataclass(frozen=True, slots=True)
class CompiledPackage:
    """``file`` is the name in FOLDER, which is the name in ``/_/code/`` as well."""

    package: str
    file: str

    @property
    def path(self) -> Path:
        return FOLDER / self.file

    @property
    def is_ready(self) -> bool:
        return self.path.is_file()


_compiling: dict[str, Future[bool]] = {}
_failed: set[str] = set()
_described: OrderedDict[str, list[CompiledPackage]] = OrderedDict()
_worthwhile: dict[str, bool] = {}
_lock = Lock()
_one_at_a_time = Lock()
KEPT_DESCRIPTIONS = 64


def list_modules(package: AppPackage) -> Iterator[tuple[str, bool, str]]:
    """Forms and modules of a package: name within it, whether it is a package itself, source."""
    for form in package.forms:
        yield form.class_name, form.is_package, form.code
    for module in package.modules:
        yield module.name, module.is_package, module.code


def compiled_packages(app: App) -> list[CompiledPackage]:
    """Where the compiled code of each package is, or will be."""
    if app.version not in _described:
        _described[app.version] = [_describe(package) for package in app.packages]
        while len(_described) > KEPT_DESCRIPTIONS:
            _described.popitem(last=False)
    return _described[app.version]


def are_ready(app: App) -> bool:
    """Whether the app's code is compiled; if not, and if that is worthwhile, it is begun now."""
    if not _is_worthwhile(app):
        return False
    if all(compiled.is_ready for compiled in compiled_packages(app)):
        return True
    start_compiling(app)
    return False


def _is_worthwhile(app: App) -> bool:
    if app.version not in _worthwhile:
        size = sum(len(code) for p in app.packages for _, _, code in list_modules(p))
        _worthwhile[app.version] = size >= WORTHWHILE_BYTES
    return _worthwhile[app.version]


def start_compiling(app: App) -> Future[bool] | None:
    """Compile what is not compiled yet, in the background. The result says whether it worked;
    None where there is nothing to do or no way to do it."""
    if not _is_worthwhile(app):
        return None
    wanted = [
        (package, compiled.file)
        for package, compiled in zip(app.packages, compiled_packages(app), strict=True)
        if not compiled.is_ready and compiled.file not in _failed
    ]
    if not wanted:
        return None
    key = ",".join(file for _, file in wanted)
    with _lock:
        future = _compiling.get(key)
        if future is None:
            future = _compiling[key] = Future()
            packages = [package for package, _ in wanted]
            thread = Thread(target=_compile, args=(packages, future, key), daemon=True)
            thread.start()
    return future


def _compile(packages: list[AppPackage], future: Future[bool], key: str) -> None:
    is_done = False
    try:
        with _one_at_a_time:
            todo = [package for package in packages if not _describe(package).is_ready]
            is_done = not todo or _run_compiler(todo)
    finally:
        if not is_done:
            _failed.update(key.split(","))
        with _lock:
            _compiling.pop(key, None)
        future.set_result(is_done)


def _run_compiler(packages: list[AppPackage]) -> bool:
    node = shutil.which("node")
    if node is None:
        logger.warning("There is no Node.js: browsers will compile the apps' Python themselves.")
        return False
    job = {"folder": str(FOLDER), "packages": [_make_job(package) for package in packages]}
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


def _make_job(package: AppPackage) -> dict[str, Any]:
    return {
        "name": _describe(package).file,
        "modules": [
            {
                "path": virtual_path(package, name, is_package),
                "filename": virtual_path(package, name, is_package)
                .removeprefix("app/")
                .removesuffix(".js")
                + ".py",
                "source": code,
            }
            for name, is_package, code in list_modules(package)
        ],
    }


def virtual_path(package: AppPackage, name: str, is_package: bool) -> str:
    """Where the browser's importer looks: see ``pathOf`` in src/engine/files.ts."""
    dotted = f"{package.package_name}.{name}" if name else package.package_name
    return "app/" + dotted.replace(".", "/") + ("/__init__.js" if is_package else ".js")


def _describe(package: AppPackage) -> CompiledPackage:
    digest = hashlib.sha256(_compiler_version().encode())
    for name, is_package, code in list_modules(package):
        digest.update(f"{package.package_name}\0{name}\0{is_package}\0{code}\0".encode())
    file = f"{package.package_name}-{digest.hexdigest()[:SHORT_HASH]}.json"
    return CompiledPackage(package.package_name, file)


_version: str | None = None


def _compiler_version() -> str:
    global _version
    if _version is None:
        digest = hashlib.sha256()
        for name in COMPILER_FILES:
            digest.update((BROWSER / name).read_bytes())
        _version = digest.hexdigest()
    return _version
