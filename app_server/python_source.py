"""Python source as a tree, from any thread."""

from __future__ import annotations

import ast
import threading
import warnings
from typing import Literal, overload

# CPython before 3.11.8 and 3.12.2 counts the depth of all threads' trees in one place
# (python/cpython#106905): two that are built at once end in a SystemError. The lock keeps ours
# apart; another library's may still meet one of ours, hence the attempts.
_building = threading.Lock()
_ATTEMPTS = 20


@overload
def parse(code: str, mode: Literal["exec"] = "exec") -> ast.Module: ...
@overload
def parse(code: str, mode: Literal["eval"]) -> ast.Expression: ...
def parse(code: str, mode: Literal["exec", "eval"] = "exec") -> ast.Module | ast.Expression:
    """``ast.parse`` without its warnings. SyntaxError, ValueError, RecursionError as that raises
    them."""
    with _building, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what CPython thinks of code that it will not run
        for _ in range(_ATTEMPTS - 1):
            try:
                return ast.parse(code, mode=mode)  # type: ignore[return-value]
            except SystemError:
                continue
        return ast.parse(code, mode=mode)  # type: ignore[return-value]
