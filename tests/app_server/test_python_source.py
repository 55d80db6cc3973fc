from __future__ import annotations

import ast
import gc
import threading
import time

import pytest

from app_server import python_source

DEEP = "x = " + "[" * 40 + "]" * 40 + "\n"


@pytest.fixture
def _collector_that_waits():
    """What a finalizer may do in the middle of anything: let other threads run."""

    def wait(phase: str, _info: dict[str, int]) -> None:
        time.sleep(0)

    gc.callbacks.append(wait)
    yield
    gc.callbacks.remove(wait)


@pytest.mark.usefixtures("_collector_that_waits")
def test_two_threads_at_once():
    """CPython 3.11.7 ends one of them with a SystemError where nothing keeps them apart."""
    code = DEEP * 200
    faults: list[SystemError] = []

    def parse() -> None:
        for _ in range(40):
            try:
                assert len(python_source.parse(code).body) == 200
            except SystemError as error:
                faults.append(error)

    threads = [threading.Thread(target=parse) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_a_tree_that_somebody_else_disturbs(monkeypatch: pytest.MonkeyPatch):
    real, left = ast.parse, [SystemError("AST constructor recursion depth mismatch")] * 3

    def parse(code: str, mode: str) -> ast.AST:
        if left:
            raise left.pop()
        return real(code, mode=mode)

    monkeypatch.setattr(ast, "parse", parse)
    assert isinstance(python_source.parse("1 + 1", mode="eval"), ast.Expression)


@pytest.mark.parametrize("code", ["1 +", "\0"])
def test_no_python(code: str):
    with pytest.raises((SyntaxError, ValueError)):
        python_source.parse(code)
