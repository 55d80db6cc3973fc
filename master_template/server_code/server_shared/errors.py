"""The errors that a service raises. ``callables`` turns them into the answer that a caller sees."""

from __future__ import annotations

from collections.abc import Mapping


class AppError(Exception):
    """Something that the caller can be told.

    ``code`` is stable and meant for programs; ``message`` is one sentence for a person.
    ``field`` names the input it is about; ``permanent`` says that trying again cannot help.
    """

    code = "failed"
    permanent = True

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code

    def to_answer(self) -> dict[str, object]:
        """The envelope: ``success`` False, ``error``, ``code`` and maybe ``field``."""
        answer: dict[str, object] = {"success": False, "error": self.message, "code": self.code}
        if self.field is not None:
            answer["field"] = self.field
        return answer


class NotFoundError(AppError):
    """What was asked for is not there."""

    code = "not_found"


class NotAuthenticatedError(AppError):
    """Nobody is logged in."""

    code = "not_authenticated"

    def __init__(self, message: str = "Please log in first.") -> None:
        super().__init__(message)


class DeniedError(AppError):
    """Someone is logged in who may not do this."""

    code = "permission_denied"


class InvalidError(AppError):
    """The input is not acceptable. ``fields`` maps each field (``address.city``) to its message."""

    code = "invalid"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        fields: Mapping[str, str] | None = None,
        code: str | None = None,
    ) -> None:
        self.fields = dict(fields or ({field: message} if field else {}))
        only = next(iter(self.fields)) if len(self.fields) == 1 else None
        super().__init__(message, code=code, field=field or only)

    def to_answer(self) -> dict[str, object]:
        return {**super().to_answer(), "fields": self.fields}


class ConflictError(AppError):
    """The input is fine but clashes with what is there: a duplicate, or someone else's edit."""

    code = "conflict"

    def to_answer(self) -> dict[str, object]:
        answer = super().to_answer()
        if self.field is not None:
            answer["fields"] = {self.field: self.message}
        return answer


class BusyError(AppError):
    """Too many changes to the same thing at once; trying again helps."""

    code = "busy"
    permanent = False

    def __init__(self, message: str = "Many people are changing this. Please try again.") -> None:
        super().__init__(message)


class ProviderError(AppError):
    """An outside service did not do what it should. ``permanent`` False: it may work later.

    Finer codes: ``provider_unreachable`` (no answer came), ``provider_busy`` (it asks to wait, for
    ``retry_after_seconds`` if it says so). ``is_uncertain``: it may have done it all the same.
    """

    code = "provider_failed"

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        code: str | None = None,
        is_uncertain: bool = False,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(message, code=code)
        self.permanent = permanent
        self.is_uncertain = is_uncertain
        self.retry_after_seconds = retry_after_seconds
