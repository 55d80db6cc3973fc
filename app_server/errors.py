"""Errors that cross a boundary: to an operator at start, or over the wire to a caller."""

from __future__ import annotations


class StartupError(Exception):
    """The server cannot start as asked. The message is the whole text an operator reads:
    what was expected, what came, and what to do."""


class AnvilError(Exception):
    """An error that travels to the caller of a native function or of the router.

    ``type_name`` is the name under which Anvil's libraries register the exception class
    (``anvil.tables.TableError``, ``anvil.users.AuthenticationFailed``, ...); the caller gets that
    class, or ``AnvilWrappedError`` where nothing is registered under the name.
    """

    def __init__(
        self, message: str, type_name: str = "anvil.server.InternalError", **extra: object
    ):
        super().__init__(message)
        self.message = message
        self.type_name = type_name
        self.extra = extra

    def to_json(self) -> dict[str, object]:
        """The ``error`` member of a response message."""
        return {
            "type": self.type_name,
            "message": self.message,
            "trace": [["<rpc>", 0]],
            **self.extra,
        }


class StaleSchemaError(AnvilError):
    """The data tables were changed while a call was about to use them. Nothing was done by it, so
    that it may simply be done again, with the schema that is known by now."""

    def __init__(self) -> None:
        super().__init__(
            "The data tables of this app were being changed at this moment. Please try again.",
            "anvil.tables.TableError",
        )
