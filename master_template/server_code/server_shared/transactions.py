"""One transaction for each change, whoever calls whom.

    @in_transaction
    def _create(contact): ...

runs in a transaction of its own, which is tried again when it conflicts with another one; or, where
its caller has one open already, in that. So what a service does in a transaction may be part of
something bigger, and stands or falls with it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import anvil.tables

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_is_open: ContextVar[bool] = ContextVar("mybizz_transaction", default=False)
# What the transaction that runs now has asked for once; see ``once``.
_answers: ContextVar[dict[str, Any] | None] = ContextVar("mybizz_answers", default=None)


def in_transaction(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Have a function run in a transaction. Raises ``anvil.tables.TransactionConflict`` when others
    keep getting in its way."""

    @functools.wraps(function)
    def alone(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        token = _is_open.set(True)
        answers = _answers.set({})
        try:
            return function(*args, **kwargs)
        finally:
            _answers.reset(answers)
            _is_open.reset(token)

    outermost = anvil.tables.in_transaction(alone)

    @functools.wraps(function)
    def joining(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        run = function if _is_open.get() else outermost
        result: Result = run(*args, **kwargs)
        return result

    return joining


def once(name: str, ask: Callable[[], Result]) -> Result:
    """What ``ask()`` gives, asked once in each transaction: for what thousands of its changes want
    to know, and what it does not change itself. Outside of one it is asked each time."""
    answers = _answers.get()
    if answers is None:
        return ask()
    if name not in answers:
        answers[name] = ask()
    result: Result = answers[name]
    return result
