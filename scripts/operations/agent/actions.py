"""What the operator agent does when the console asks: a fixed list, and nothing beyond it.

The console is not trusted. Each action names the words of one command of ``scripts/mybizz``; each
argument is checked here by its own rule before it becomes one word of a command line, which no
shell ever reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.operations.home import OperationError
from scripts.operations.instances import check_name

MAX_TEXT_CHARS = 500
MAX_NAMES = 1_000
VERSION = re.compile(r"v\d{1,5}\.\d{1,5}\.\d{1,5}")
# Only what a line of text has: no control characters, no lone halves of characters.
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")

Check = Callable[[Any], str]


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT_CHARS:
        raise OperationError(f"a text of 1 to {MAX_TEXT_CHARS} characters was expected")
    if _NO_TEXT.search(value):
        raise OperationError("a text on one line was expected")
    return value


def name(value: Any) -> str:
    if not isinstance(value, str):
        raise OperationError("a name was expected")
    check_name(value)
    return value


def version(value: Any) -> str:
    if not isinstance(value, str) or not VERSION.fullmatch(value):
        raise OperationError("a version like v1.2.0 was expected")
    return value


def email(value: Any) -> str:
    if not isinstance(value, str) or not EMAIL.fullmatch(text(value)):
        raise OperationError("an e-mail address was expected")
    return value


def word(pattern: str) -> Check:
    """A rule for a word of this shape."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise OperationError(f"{value!r} was not expected")
        return value

    return check


@dataclass(frozen=True)
class Action:
    """``words`` of the command; ``place`` names the argument that stands alone after them;
    ``options`` map an argument to its option and rule, ``flags`` an argument and its value to an
    option without a value."""

    words: tuple[str, ...]
    place: str = ""
    place_check: Check = name
    options: Mapping[str, tuple[str, Check]] = field(default_factory=dict)
    flags: Mapping[tuple[str, Any], str] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    takes_names: bool = False
    asks: bool = False  # the command wants --yes of a program


ACTIONS: dict[str, Action] = {
    "instance.create": Action(
        ("instance", "create"),
        "name",
        options={
            "title": ("--title", text),
            "owner": ("--owner", email),
            "owner_name": ("--owner-name", text),
            "release": ("--release", version),
            "vertical": ("--vertical", word(r"[a-z][a-z-]{1,40}")),
            "sample_data": ("--sample-data", word(r"[a-z][a-z-]{1,40}")),
            "time_zone": ("--time-zone", word(r"[A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}")),
            "currency": ("--currency", word(r"[A-Z]{3}")),
            "locale": ("--locale", word(r"[a-z]{2,3}-[A-Z]{2}")),
            "country": ("--country", word(r"[A-Z]{2}")),
        },
        needed=("title", "owner"),
    ),
    "instance.start": Action(("instance", "start"), "name"),
    "instance.stop": Action(
        ("instance", "stop"), "name", options={"reason": ("--reason", text)}, asks=True
    ),
    "instance.upgrade": Action(
        ("instance", "upgrade"),
        "name",
        options={"to": ("--to", version)},
        flags={("again", True): "--again"},
        needed=("to",),
        asks=True,
    ),
    "instance.rollback": Action(
        ("instance", "rollback"),
        "name",
        flags={("data", "keep"): "--keep-data", ("data", "restore"): "--restore-data"},
        needed=("data",),
        asks=True,
    ),
    "instance.backup": Action(("instance", "backup"), "name"),
    "instance.drill": Action(("instance", "drill"), "name"),
    "instance.owner_link": Action(("instance", "owner-link"), "name"),
    "fleet.notify": Action(
        ("fleet", "notify"),
        options={"release": ("--release", version)},
        needed=("release",),
        takes_names=True,
    ),
    "fleet.doctor": Action(("fleet", "doctor")),
    "alert.acknowledge": Action(
        ("fleet", "alerts", "acknowledge"),
        "id",
        place_check=word(r"[a-z0-9][a-z0-9_:./-]{0,199}"),
        options={"note": ("--note", text)},
    ),
}


def make_words(action: str, arguments: Any) -> list[str]:
    """The words of ``scripts/mybizz`` for a job. Raises ``OperationError`` for whatever is not in
    the list, or has another shape than it must have."""
    known = ACTIONS.get(action)
    if known is None:
        raise OperationError(f"This agent does not do {action!r}.")
    if not isinstance(arguments, Mapping):
        raise OperationError("The arguments of a job are named.")
    given = dict(arguments)
    missing = [each for each in (known.place, *known.needed) if each and each not in given]
    if missing:
        raise OperationError(f"{action} needs {', '.join(missing)}.")
    words = [*known.words, "--json", *(["--yes"] if known.asks else [])]
    places = []
    if known.place:
        places.append(_checked(action, known.place, known.place_check, given.pop(known.place)))
    if known.takes_names:
        places += _names(action, given.pop("names", []))
    for key, value in given.items():
        words += _option(action, known, key, value)
    # What stands alone comes last, behind a word that ends the options.
    return [*words, "--", *places] if places else words


def _option(action: str, known: Action, key: str, value: Any) -> list[str]:
    if key in known.options:
        option, check = known.options[key]
        # One word: a value that begins with a hyphen is none of the command's options.
        return [f"{option}={_checked(action, key, check, value)}"]
    values = {allowed: flag for (name_, allowed), flag in known.flags.items() if name_ == key}
    if not values:
        raise OperationError(f"{action} takes no {key!r}.")
    if isinstance(value, bool) and value not in values:
        return []
    if not isinstance(value, str | bool) or value not in values:
        raise OperationError(f"{action}: {key} was not expected to be {value!r}.")
    return [values[value]]


def _names(action: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_NAMES:
        raise OperationError(f"{action}: a list of at most {MAX_NAMES} names was expected.")
    return [_checked(action, "names", name, each) for each in value]


def _checked(action: str, key: str, check: Check, value: Any) -> str:
    try:
        return check(value)
    except OperationError as error:
        raise OperationError(f"{action}: {key}: {error}.") from error
