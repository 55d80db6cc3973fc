"""Checks of the Python that stands in templates: binding expressions and handler names."""

from __future__ import annotations

import ast
import re

from app_server import python_source

_HANDLER = re.compile(r"(?:self\.)?([A-Za-z_]\w*)")


def is_chained_assignment(code: str) -> bool:
    """Whether ``code`` is ``target = expression``: Anvil puts it behind ``component.property =``,
    so that it assigns to both."""
    try:
        tree = python_source.parse("_ = " + code.strip())
    except (SyntaxError, ValueError):
        return False
    [statement, *others] = tree.body
    return not others and isinstance(statement, ast.Assign) and len(statement.targets) > 1


def binding_fault(code: str, *, writeback: bool) -> str | None:
    """Why ``code`` cannot be a data binding's expression, or None.

    With ``writeback`` it has to be something a value can be assigned to.
    """
    try:
        tree = python_source.parse(code.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        return f"is not a Python expression: {reason}"
    for node in ast.walk(tree):
        if isinstance(node, (ast.NamedExpr, ast.Await)):
            return "uses syntax that Python in the browser does not have"
    if writeback and not isinstance(tree.body, (ast.Attribute, ast.Subscript)):
        return "cannot be written back: it is no attribute or item that a value can be assigned to"
    return None


def handler_name(value: str) -> str | None:
    """The method that an event attribute names (`self.save` or `save`), or None."""
    match = _HANDLER.fullmatch(value.strip())
    return match.group(1) if match else None


def expression_fault(code: str) -> str | None:
    """Why ``code`` is no expression, or None."""
    return binding_fault(code, writeback=False)
