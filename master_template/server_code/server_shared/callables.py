"""The one way from outside to a service: a guard around a plain function.

    @server_callable(
        needs="customers.manage", takes={"contact_id": CONTACT_ID}, audit="contact.delete"
    )
    def delete_contact(contact_id): ...

registers a guarded ``delete_contact`` for browsers and uplinks, and hands the plain function back
to Python, so that services and jobs call it directly and it raises. The guard, in this order: finds
out who is calling; refuses whoever may not; checks every argument by its rule; runs the function
on the caller's behalf, in a transaction if it changes something; makes sure that the audit log
says what was done; and answers with an envelope:

- ``{'success': True, ...}`` with the keys of the dict that the function returned;
- ``{'success': False, 'error': text, 'code': code}``, with ``field`` and ``fields`` where the
  fault lies in the input. docs/error-codes.md has the codes.
"""

from __future__ import annotations

import functools
import inspect
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import anvil.server
from anvil.tables import TransactionConflict

from ..server_auth.rbac import PERMISSIONS, Actor, acting_as, is_trusted_caller, read_actor
from . import metrics
from .audit import Reads, declared_actions, following, record_read, require_entry
from .errors import AppError, BusyError, DeniedError, InvalidError, NotAuthenticatedError
from .outbox import delivering_afterwards
from .transactions import in_transaction
from .validators import Rule

PUBLIC = "public"  # anyone, logged in or not
LOGGED_IN = "logged_in"  # any user
STAFF_ONLY = "staff"  # a user with a role of the business
TRUSTED_ONLY = "trusted"  # server code, background tasks and server uplinks; never a browser

log = logging.getLogger("mybizz.callables")

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class CallableSpec:
    """How one callable is declared: what a test walks over, and what the guard goes by."""

    name: str
    needs: str
    takes: Mapping[str, Rule]
    signature: inspect.Signature
    audit: str | Sequence[str] | Reads | None = None
    atomic: bool = True

    @property
    def is_change(self) -> bool:
        """Whether it is declared to change what the business keeps."""
        return self.audit is not None and not isinstance(self.audit, Reads)


# Filled while modules are imported, constant afterwards.
declared: dict[str, CallableSpec] = {}


def server_callable(
    *,
    needs: str,
    takes: Mapping[str, Rule] | None = None,
    audit: str | Sequence[str] | Reads | None = None,
    atomic: bool = True,
) -> Callable[[Function], Function]:
    """Declare a function that may be called from outside.

    ``needs`` is a permission of ``rbac.PERMISSIONS`` or one of PUBLIC, LOGGED_IN, STAFF_ONLY and
    TRUSTED_ONLY; ``takes`` has a rule for each parameter, no more and no less.

    ``audit`` is what a call leaves in the audit log: None for what only reads; ``contact.update``
    (or several, of which one will do) for what changes something and records it; :class:`Reads` for
    a read that the guard records. A change runs in one transaction, from which everything goes
    again if it leaves no entry, and may therefore run twice. Not ``atomic`` is what cannot: it
    takes long, asks a provider, or makes its own transactions; there the entry is only required.
    """
    declared_actions(audit)
    if needs not in (PUBLIC, LOGGED_IN, STAFF_ONLY, TRUSTED_ONLY, *PERMISSIONS):
        raise ValueError(f"There is no permission called {needs!r}.")

    def declare(function: Function) -> Function:
        signature = inspect.signature(function)
        rules = dict(takes or {})
        if set(signature.parameters) != set(rules):
            raise ValueError(
                f"{function.__name__} takes {sorted(signature.parameters)}, "
                f"but has rules for {sorted(rules)}."
            )
        if isinstance(audit, Reads) and not audit.arguments <= set(rules):
            raise ValueError(f"{function.__name__} has no argument {audit.arguments - set(rules)}.")
        spec = CallableSpec(function.__name__, needs, rules, signature, audit, atomic)
        declared[spec.name] = spec

        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> dict[str, Any]:
            started = time.perf_counter()
            answer = _answer(spec, function, args, kwargs)
            code = "" if answer["success"] else answer["code"]
            metrics.count(spec.name, code, time.perf_counter() - started)
            return answer

        # The wrapped function carries its own registration hook; ours must not find it.
        guarded.__dict__.pop("_anvil_reregister", None)
        anvil.server.callable(spec.name)(guarded)
        return function

    return declare


def _answer(
    spec: CallableSpec, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Run the guard and the function, and make an envelope of whatever comes out."""
    try:
        actor = read_actor()
        _authorise(spec, actor)
        with acting_as(actor), delivering_afterwards():
            result = _run(spec, function, lambda: _clean_arguments(spec, args, kwargs))
    except AppError as error:
        return error.to_answer()
    except TransactionConflict:
        return BusyError().to_answer()
    except anvil.server.QuotaExceededError as error:
        return BusyError(str(error)).to_answer()
    except Exception:
        # The edge of the process: nothing may leave it unexplained.
        reference = secrets.token_hex(4)
        log.exception("callable %s failed, reference %s", spec.name, reference)
        return {
            "success": False,
            "error": f"Something went wrong on our side. Please try again; if it stays, tell us "
            f"the reference {reference}.",
            "code": "internal",
            "reference": reference,
        }
    return {"success": True, **(result or {})}


def _run(
    spec: CallableSpec, function: Callable[..., Any], clean: Callable[[], dict[str, Any]]
) -> Any:
    """What the function gives, once the audit log says what it did."""
    given = [clean()]  # before a transaction is begun

    def attempt() -> Any:
        # A transaction may have to run again, and the function may have written into what it got.
        arguments = given.pop() if given else clean()
        noted = dict(arguments)
        with following() as trail:
            result = function(**arguments)
            if isinstance(spec.audit, Reads):
                record_read(trail, spec.audit, noted)
            elif spec.audit is not None:
                require_entry(trail, declared_actions(spec.audit))
        return result

    return in_transaction(attempt)() if spec.is_change and spec.atomic else attempt()


def _authorise(spec: CallableSpec, actor: Actor) -> None:
    """Raise unless the actor may call this."""
    if spec.needs == PUBLIC:
        return
    if spec.needs == TRUSTED_ONLY:
        if not is_trusted_caller():
            raise DeniedError("Only a script of this instance may do this.")
        return
    if actor.kind == "nobody":
        raise NotAuthenticatedError()
    if spec.needs == LOGGED_IN:
        return
    if spec.needs == STAFF_ONLY:
        if not actor.is_staff:
            raise DeniedError("This is for people who work here.")
        return
    if not actor.may(spec.needs):
        raise DeniedError(f"Your account may not do this: it lacks the permission {spec.needs}.")


def _clean_arguments(
    spec: CallableSpec, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments by name, each one checked. All faults are reported at once.

    The fields of a record are named without the argument they came in, so that a form's
    ``contact`` with a wrong ``email`` is reported as ``email``.
    """
    try:
        bound = spec.signature.bind(*args, **kwargs)
    except TypeError as error:
        raise InvalidError(f"{spec.name} was called wrongly: {error}.") from error
    faults: dict[str, str] = {}
    cleaned: dict[str, Any] = {}
    for name, parameter in spec.signature.parameters.items():
        if name not in bound.arguments:
            cleaned[name] = parameter.default
            continue
        try:
            cleaned[name] = spec.takes[name].clean(bound.arguments[name])
        except InvalidError as error:
            faults.update(error.fields or {name: error.message})
    if faults:
        raise InvalidError(" ".join(faults.values()), fields=faults)
    return cleaned
