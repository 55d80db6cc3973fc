"""Reads one app folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import yaml

from app_server.apps.model import CodeModule, Form, Theme
from app_server.errors import StartupError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PACKAGE_NAME = re.compile(r"[A-Za-z0-9_]+")


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; one that is not YAML is a StartupError with line and column."""
    try:
        text = path.read_text(encoding="utf-8")
        return yaml.load(text, Loader=_Loader)
    except UnicodeDecodeError as error:
        raise StartupError(f"{path} is not UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise StartupError(
            f"{path}{where} is not valid YAML: {problem}. Correct it there."
        ) from error


def read_anvil_yaml(folder: Path) -> dict[str, Any]:
    path = folder / "anvil.yaml"
    if not folder.is_dir():
        raise StartupError(f"There is no app folder at {folder}. Give the right one with --app.")
    if not path.is_file():
        raise StartupError(
            f"{folder} does not hold an Anvil app: it has no anvil.yaml. "
            "Give the app's folder with --app."
        )
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise StartupError(f"{path} has to be a mapping, but holds {type(content).__name__}.")
    for key, kind in (("services", list), ("dependencies", list), ("scheduled_tasks", list)):
        if not isinstance(content.get(key) or kind(), kind):
            raise StartupError(f"{path}: `{key}` has to be a list.")
    return content


class CodeReader:
    """Collects the forms and modules below one folder of code."""

    def __init__(self, *, with_forms: bool):
        self._with_forms = with_forms
        self.forms: list[Form] = []
        self.modules: list[CodeModule] = []

    def read(self, folder: Path, prefix: str = "") -> None:
        """Walk ``folder``; ``prefix`` is its dotted name with a dot at the end."""
        if not folder.is_dir():
            return
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.name == "__pycache__":
                continue
            if path.is_dir():
                if (path / "__init__.py").is_file():
                    self._add(
                        prefix + path.name, path / "__init__.py", path / "form_template", True
                    )
                self.read(path, f"{prefix}{path.name}.")
            elif path.suffix == ".py" and path.name != "__init__.py":
                self._add(prefix + path.stem, path, path.with_suffix(""), False)

    def _add(self, name: str, path: Path, template_stem: Path, is_package: bool) -> None:
        code = read_code(path)
        template = find_template(template_stem) if self._with_forms else None
        if template is None:
            self.modules.append(CodeModule(name, code, is_package, path))
            return
        kind: Literal["html", "yaml"] = "html" if template.suffix == ".html" else "yaml"
        self.forms.append(Form(name, code, is_package, path, template, kind, read_code(template)))


def read_code(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StartupError(f"{path} is not UTF-8 text: {error}") from error


def find_template(stem: Path) -> Path | None:
    """``stem.html``, else ``stem.yaml``, else None: HTML wins, as on Anvil's server."""
    for suffix in (".html", ".yaml"):
        path = stem.parent / (stem.name + suffix)
        if path.is_file():
            return path
    return None


def read_theme(folder: Path) -> Theme:
    theme = folder / "theme"
    parameters = (
        read_yaml(theme / "parameters.yaml") if (theme / "parameters.yaml").is_file() else {}
    )
    templates = (
        read_yaml(theme / "templates.yaml") if (theme / "templates.yaml").is_file() else None
    )
    assets_folder = theme / "assets"
    assets = {
        path.relative_to(assets_folder).as_posix(): path
        for path in sorted(assets_folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    if not isinstance(parameters or {}, dict):
        raise StartupError(f"{theme / 'parameters.yaml'} has to be a mapping.")
    return Theme(parameters or {}, templates, assets)
