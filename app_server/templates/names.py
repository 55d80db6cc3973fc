"""Names of component types and forms in templates, resolved to qualified names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass

from app_server.templates.problems import suggest
from app_server.templates.shape import BUILT_IN_COMPONENTS

_LEGACY = re.compile(r"form:(?:([^:]+):)?(.+)")
_DEPENDENCY_FORM = re.compile(r"([^:.]+):(.+)")


class UnknownNameError(Exception):
    """A template names a component or form that there is not; the message has a near name."""


@dataclass(frozen=True)
class FormNames:
    """What the templates of one package may name.

    ``package``: the package's own name. ``dependency_packages``: dependency id as written in
    ``form:dep_id:Name`` -> package. ``modules``: qualified names of every form and module of the
    app and its dependencies (a component may be a plain Python class in a module of its name).
    """

    package: str
    dependency_packages: Mapping[str, str]
    modules: Set[str]

    def component(self, written: str) -> str:
        """The type as the browser wants it: `Button`, or `package.Form`.

        Takes `Button`, `anvil.Button`, `package.Form`, `form:Form` and `form:dep_id:Form`.
        Raises UnknownNameError.
        """
        name = written.removeprefix("anvil.")
        if name in BUILT_IN_COMPONENTS:
            return name
        legacy = _LEGACY.fullmatch(written)
        qualified = self._in_package(legacy.group(1), legacy.group(2)) if legacy else written
        if qualified in self.modules:
            return qualified
        raise UnknownNameError(
            f"unknown component type '{written}'" + self._near(written, qualified)
        )

    def form(self, written: str) -> str:
        """The qualified name of the form that a property names.

        Takes `Form`, `dep_id:Form` and `package.Form`. Raises UnknownNameError.
        """
        dependency = _DEPENDENCY_FORM.fullmatch(written)
        own = f"{self.package}.{written}"
        if dependency:
            qualified = self._in_package(dependency.group(1), dependency.group(2))
        else:
            qualified = own if own in self.modules or "." not in written else written
        if qualified in self.modules:
            return qualified
        raise UnknownNameError(f"unknown form '{written}'" + self._near(written, qualified))

    def _in_package(self, dependency_id: str | None, form: str) -> str:
        if not dependency_id:
            return f"{self.package}.{form}"
        package = self.dependency_packages.get(dependency_id)
        if package is None:
            raise UnknownNameError(f"unknown dependency '{dependency_id}' of form '{form}'")
        return f"{package}.{form}"

    def _near(self, written: str, qualified: str) -> str:
        own = f"{self.package}."
        leaf = written.rsplit(":", 1)[-1].rsplit(".", 1)[-1]
        by_leaf = [name for name in sorted(self.modules) if name.rsplit(".", 1)[-1] == leaf]
        if by_leaf:
            return f" (did you mean '{by_leaf[0]}'?)"
        if "." not in written and ":" not in written:
            local = {name.removeprefix(own) for name in self.modules if name.startswith(own)}
            return suggest(written, BUILT_IN_COMPONENTS | local)
        return suggest(qualified, self.modules)
