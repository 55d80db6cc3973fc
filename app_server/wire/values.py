"""Python shapes of the values that Anvil's JSON cannot hold, as native functions see them.

Dates and aware datetimes are the standard library's; floats ``nan``/``inf`` are floats; ``Long`` is
``int``. Everything else that stands in a message's ``objects`` list is one of these classes.
Source: ``anvil/_server.py`` (``fill_out_media``, ``_reconstruct_objects``) of the server wheel.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import IO, Any


@dataclass(slots=True)
class Capability:
    """The right to something: ``scope`` names it, ``narrow`` restricts it further.

    One that came from a browser has had its MAC checked before a native function sees it; a native
    function may trust ``full_scope``. Those that native functions return get a MAC on the way out
    when the receiver is not trusted.
    """

    scope: list[Any]
    narrow: list[Any] = field(default_factory=list)
    mac: str | None = None

    @property
    def full_scope(self) -> list[Any]:
        return [*self.scope, *self.narrow]


@dataclass(slots=True)
class Media:
    """Bytes that travelled whole (Anvil's ``DataMedia``)."""

    content_type: str
    data: bytes
    name: str | None = None


@dataclass(slots=True)
class SpooledMedia:
    """Bytes that travelled whole and wait in a temporary file, for native functions that ask for it
    (``@native(..., spools_media=True)``). ``length`` in bytes."""

    content_type: str
    file: IO[bytes]
    length: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class MediaSource:
    """Bytes that can be read piece by piece, from anywhere: ``read(start, end)`` gives those from
    ``start`` to before ``end`` (None: all). ``length`` is None where nobody knows it before the
    end; then ``start`` is 0. ``tag`` differs between any two contents."""

    content_type: str
    name: str | None
    length: int | None
    read: Callable[[int, int | None], AsyncIterator[bytes]]
    tag: str | None = None


@dataclass(slots=True)
class LazyMedia:
    """A reference to bytes that stay on the server until asked for; ``spec`` is the wire object
    (``manager``, ``id``, ``key``, ``name``, ``mime-type``, ``length``)."""

    spec: dict[str, Any]


class WireValue:
    """A value that writes its own wire form: for answers of many objects, where walking through
    them one by one would cost more than making them."""

    __slots__ = ()

    def to_wire(self, objects: list[dict[str, Any]], path: list[str | int]) -> Any:
        """The JSON that stands at ``path`` of the message. What is not JSON in it is described in
        ``objects``, with whole paths (``None`` stands in its place). Called once."""
        raise NotImplementedError


@dataclass(slots=True)
class LiveObject:
    """A live object by its wire spec (``backend``, ``id``, ``permissions``, ``methods``, ...)."""

    spec: dict[str, Any]


@dataclass(slots=True)
class PortableValue:
    """An instance of a portable class: its registered name and its serialised content."""

    type_name: str
    value: Any


@dataclass(slots=True)
class PortableClass:
    """A portable class itself, passed as a value."""

    type_name: str
