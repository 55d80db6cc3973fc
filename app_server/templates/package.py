"""All form templates of an app and its dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app_server.templates.html_template import read_html_template
from app_server.templates.names import FormNames
from app_server.templates.nesting import check_nesting
from app_server.templates.problems import Problem, Problems, TemplateError, suggest
from app_server.templates.shape import Json
from app_server.templates.yaml_template import read_yaml_template


@dataclass(frozen=True)
class Package:
    """One app as far as templates go: its package name, its ``client_code`` folder, and which
    package each dependency id (``dep_...`` in ``form:dep_id:Form``) stands for."""

    name: str
    client_code: Path
    dependencies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadTemplates:
    """Templates by the form's qualified name, and what is wrong with them.

    A form whose template has problems carries them in its JSON: as ``error`` those that keep it
    from being opened, as ``warnings`` the others.
    """

    templates: dict[str, Json]
    problems: list[Problem]


def read_templates(packages: Sequence[Package]) -> ReadTemplates:
    """Read the templates of an app and of all its dependencies (in any order)."""
    modules = {name for package in packages for name in _module_names(package)}
    templates: dict[str, Json] = {}
    by_form: dict[str, Problems] = {}
    for package in packages:
        names = FormNames(package.name, package.dependencies, modules)
        for dotted, path in find_templates(package.client_code):
            name = f"{package.name}.{dotted}"
            shown = f"{package.name}/client_code/{path.relative_to(package.client_code).as_posix()}"
            by_form[name] = problems = Problems(shown)
            templates[name] = _read_file(name, path, names, problems)
    check_nesting(templates, by_form)
    for name, template in templates.items():
        _check_layout(template, templates, by_form[name])
        for key, is_fatal in (("error", True), ("warnings", False)):
            found = [str(p) for p in by_form[name].found if p.is_fatal == is_fatal]
            if found:
                template[key] = found
    return ReadTemplates(templates, [p for found in by_form.values() for p in found.found])


def find_templates(client_code: Path) -> Iterator[tuple[str, Path]]:
    """Every form's path with dots, and its template file, in order of path.

    A package form is ``Path/Form/form_template.html`` (or ``.yaml``), a module form
    ``Path/Form.html`` beside ``Path/Form.py``. HTML wins where both stand, as on Anvil's server.
    """
    for path in sorted(client_code.rglob("*")):
        if path.suffix not in (".html", ".yaml"):
            continue
        if path.suffix == ".yaml" and path.with_suffix(".html").exists():
            continue
        relative = path.relative_to(client_code)
        if path.stem == "form_template":
            if len(relative.parts) > 1:
                yield ".".join(relative.parts[:-1]), path
        elif path.with_suffix(".py").exists():
            yield ".".join(relative.with_suffix("").parts), path


def _module_names(package: Package) -> Iterator[str]:
    for path in package.client_code.rglob("*.py"):
        parts = path.relative_to(package.client_code).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if parts:
            yield ".".join((package.name, *parts))


def _read_file(name: str, path: Path, names: FormNames, problems: Problems) -> Json:
    read = read_html_template if path.suffix == ".html" else read_yaml_template
    try:
        return {"name": name, **read(path.read_text(encoding="utf-8"), names, problems)}
    except UnicodeDecodeError:
        problems.add(1, "the file is not UTF-8 text", is_fatal=True)
    except TemplateError as error:
        problems.found.append(error.problem)
    return {"name": name}


def _check_layout(template: Json, templates: Mapping[str, Json], problems: Problems) -> None:
    """Check that the slots which a form fills are there in its layout."""
    layout = template.get("layout")
    if layout is None or layout["type"] not in templates:
        return
    chosen = templates[layout["type"]]
    slots = chosen.get("slots", {})
    if "container" not in chosen and "layout" not in chosen:
        return  # the layout itself could not be read
    if chosen.get("container", {}).get("type") in ("HtmlTemplate", "HtmlPanel"):
        return  # its slots are marked in its HTML, which may be a file of the theme
    if not slots:
        problems.add(layout["line"], f"'{layout['type']}' is no layout: it defines no slots")
        return
    for slot, components in template["components_by_slot"].items():
        if slot not in slots and components:
            line = components[0].get("line", layout["line"])
            near = suggest(slot, slots)
            problems.add(line, f"layout '{layout['type']}' has no slot '{slot}'{near}")
