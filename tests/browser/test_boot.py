"""The page boots, Python runs, and calls reach the server."""

from __future__ import annotations

from tests.browser.conftest import RunModule
from tests.browser.stub_server import answer


def test_runs_a_module_that_calls_the_server(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.server
        print(anvil.server.call("add", 2, right=40))
        """,
        {"add": lambda call: answer(call["args"][0] + call["kwargs"]["right"])},
    )
    assert lines == ["42"]
