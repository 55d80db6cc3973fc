"""Names for new instances: what can be one, and what to take instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from scripts.operations.databases import DatabaseServer, database_comment, unfinished_comment
from scripts.operations.destruction import is_half_created
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import NAME_LENGTH, InstanceFolder, check_name, find_instance

# Letters that Unicode does not take apart into a plain one and an accent.
LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "ø": "o",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "þ": "th",
        "ı": "i",
        "&": " and ",
    }
)
# Legal forms, articles: part of the business's name, not of what people call it.
SMALL_WORDS = {"the", "pty", "ltd", "limited", "inc", "llc", "gmbh", "cc", "co", "company", "plc"}
SUGGESTIONS = 3


def make_slug(words: str) -> str:
    """``Café Zoë & Sons`` as ``cafe-zoe-and-sons``; '' where no Latin letter or digit is in it."""
    plain = unicodedata.normalize("NFKD", words.casefold().translate(LETTERS))
    kept = "".join(c for c in plain if not unicodedata.combining(c) and c not in "'’")
    return re.sub(r"[^a-z0-9]+", "-", kept).strip("-")


def suggest_names(wanted: str, is_free: Callable[[str], bool]) -> list[str]:
    """A few names near to what was wanted, each valid and free; the nearest first."""
    found: list[str] = []
    for name in _near(make_slug(wanted)):
        if name not in found and _is_valid(name) and is_free(name):
            found.append(name)
        if len(found) == SUGGESTIONS:
            break
    return found


def _near(slug: str) -> Iterator[str]:
    slug = re.sub(r"^[0-9-]+", "", slug)
    parts = [part for part in slug.split("-") if part]
    telling = [part for part in parts if part not in SMALL_WORDS] or parts
    short = ""
    for part in telling:
        if len(short) + len(part) + 1 in NAME_LENGTH:
            short = f"{short}-{part}".strip("-")
    yield from ("-".join(telling), "-".join(parts), short, "".join(telling))
    if len(telling) > 2:
        yield "-".join(telling[:2])
    for number in range(2, 100):
        yield f"{short}-{number}"


def _is_valid(name: str) -> bool:
    try:
        check_name(name)
    except OperationError:
        return False
    return True


def is_free(home: Home, server: DatabaseServer | None, name: str) -> bool:
    """Whether neither a folder nor a database has this name. What a killed provisioning left of a
    database counts as free: the next one makes it anew. Without a server there is no database."""
    instance = find_instance(home, name)
    if instance.path.exists():
        return False
    if server is None:
        return True
    with server.connect() as connection:
        comment = database_comment(connection, instance.database_name)
    return comment is None or comment == unfinished_comment(instance.database_name)


def choose_name(home: Home, server: DatabaseServer | None, wanted: str | None, title: str) -> str:
    """The name to use: the one that was wanted, or one made from the title. Raises
    ``OperationError`` with suggestions where it cannot be, or another business has it. One whose
    first set-up was interrupted may be wanted again."""

    def free(name: str) -> bool:
        return is_free(home, server, name)

    if wanted is None:
        names = suggest_names(title, free)
        if not names:
            raise OperationError(f"No name can be made from the title {title!r}; give one.")
        return names[0]
    reason = ""
    try:
        instance = find_instance(home, wanted)
        if instance.destroying_marker.exists() and not is_half_created(instance):
            reason = f"{wanted!r} is half destroyed; run `mybizz instance destroy {wanted}` again."
        elif _is_whole(instance):
            reason = f"The instance {wanted!r} exists already in {instance.path}."
    except OperationError as error:
        reason = str(error)
    if not reason:
        return wanted
    names = suggest_names(wanted, free)
    raise OperationError(f"{reason} Free would be: {', '.join(names)}." if names else reason)


def _is_whole(instance: InstanceFolder) -> bool:
    return instance.exists() and not instance.unfinished_marker.exists()
