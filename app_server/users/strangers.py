"""Wrong passwords for addresses that have no account.

They lock after as many as those that have one, so that the answer does not tell which is which.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app_server.users.request import UsersRequest

MAX_REMEMBERED = 10_000
"""Of all instances together; the address that was tried longest ago is forgotten first."""

_failures: OrderedDict[tuple[str, str], int] = OrderedDict()


def failures(request: UsersRequest, address: str) -> int:
    """How many wrong passwords were given for an address."""
    return _failures.get(_key(request, address), 0)


def count_failure(request: UsersRequest, address: str) -> int:
    """Count one more; how many there are."""
    key = _key(request, address)
    count = _failures[key] = _failures.pop(key, 0) + 1
    if len(_failures) > MAX_REMEMBERED:
        _failures.popitem(last=False)
    return count


def _key(request: UsersRequest, address: str) -> tuple[str, str]:
    # Nobody's address is longer, and what is remembered stays small.
    return request.instance.name, address.lower()[:254]
