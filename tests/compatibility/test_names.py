"""Each name of the table is looked up where it is to be: in Chromium, and in a worker."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.app_server.running import RunningServer
from tests.compatibility.lookup import CHECK, PARAMS_OF
from tests.compatibility.names import modules_of
from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]


def by_name(modules: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(module, id=module["module"]) for module in modules]


@pytest.mark.parametrize("module", by_name(modules_of("browser")))
def test_a_module_of_the_browser_has_what_is_listed(
    play: Playground, module: dict[str, Any]
) -> None:
    play.page.evaluate(PARAMS_OF)
    problems = play.run(
        CHECK
        + "\nparams_of = anvil.js.window.paramsOf"
        + f"\nimport json\nresult = check_names(json.loads({json.dumps(json.dumps([module]))}),"
        " lambda m, p: (lambda t: None if t is None else list(t))(params_of(m, p)))"
    )
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("module", by_name(modules_of("server")))
def test_a_module_of_the_server_has_what_is_listed(
    shop: RunningServer, module: dict[str, Any]
) -> None:
    with shop.browser() as visitor:
        problems = visitor.call("check", [module])
    assert not problems, "\n".join(problems)
