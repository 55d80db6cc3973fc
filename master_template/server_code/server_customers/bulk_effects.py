"""What each kind of bulk change does to a contact, and how that is taken back.

An *effect* is what was really changed, as JSON: of two tags to add the one that was not there yet.
Taking it back changes exactly that, and leaves alone what somebody has changed since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import clock
from ..server_shared.errors import InvalidError
from . import contact_changes, timeline_service
from .contact_fields import MAX_TAGS
from .segment_members import STATIC, find_segment

Choices = Mapping[str, Any]
Effect = dict[str, Any]
# A contact's row, and what was done to it or is to be taken back.
Pairs = Sequence[tuple[Any, Effect]]


@dataclass(frozen=True)
class Taken:
    """What was taken back: these contacts; and which stay as they are, each with the reason."""

    rows: list[Any]
    kept: list[tuple[Any, str]]


class Kind:
    """One kind of bulk change. ``word`` says in messages what is done."""

    word = ""

    def check(self, choices: Choices) -> None:
        """Raise :class:`AppError` where the choices make no sense."""

    def plan(self, row: Any, choices: Choices) -> Effect | None:
        """What there is to do about a contact; None for nothing."""
        raise NotImplementedError

    def apply(self, pairs: Pairs, choices: Choices) -> None:
        """Do it, to all of them."""
        raise NotImplementedError

    def take_back(self, pairs: Pairs, choices: Choices) -> Taken:
        """Undo it, of all for which that is possible."""
        raise NotImplementedError


class TagKind(Kind):
    """Adds tags to contacts, or takes them away."""

    def __init__(self, *, is_adding: bool) -> None:
        self.is_adding = is_adding
        self.word = "tagged" if is_adding else "untagged"

    def check(self, choices: Choices) -> None:
        if not choices.get("tags"):
            raise InvalidError("Please name at least one tag.", fields={"tags": "Required."})

    def plan(self, row: Any, choices: Choices) -> Effect | None:
        held = row["tags"] or ()
        tags = [tag for tag in choices["tags"] if (tag in held) != self.is_adding]
        if not tags or (self.is_adding and len(held) + len(tags) > MAX_TAGS):
            return None
        return {"tags": tags}

    def apply(self, pairs: Pairs, choices: Choices) -> None:
        _write_tags(pairs, self.is_adding)

    def take_back(self, pairs: Pairs, choices: Choices) -> Taken:
        live, kept = _split_deleted(pairs)
        _write_tags(live, not self.is_adding)
        return Taken([row for row, _ in live], kept)


class SegmentKind(Kind):
    """Puts contacts into a hand-picked segment, or takes them out."""

    def __init__(self, *, is_adding: bool) -> None:
        self.is_adding = is_adding
        self.word = "put into the segment" if is_adding else "taken out of the segment"

    def check(self, choices: Choices) -> None:
        if not choices.get("segment_id"):
            raise InvalidError("Please choose a segment.", fields={"segment_id": "Required."})
        segment = find_segment(choices["segment_id"])
        if segment["segment_type"] != STATIC:
            text = f"{segment['segment_name']} fills itself by its rules. Choose a hand-picked one."
            raise InvalidError(text, fields={"segment_id": text})

    def plan(self, row: Any, choices: Choices) -> Effect | None:
        is_in = choices["segment_id"] in (row["segments"] or ())
        return None if is_in == self.is_adding else {"segment_id": choices["segment_id"]}

    def apply(self, pairs: Pairs, choices: Choices) -> None:
        self._move([row for row, _ in pairs], choices, into=self.is_adding)

    def take_back(self, pairs: Pairs, choices: Choices) -> Taken:
        rows = [row for row, _ in pairs]
        self._move(rows, choices, into=not self.is_adding)
        return Taken(rows, [])

    def _move(self, rows: list[Any], choices: Choices, *, into: bool) -> None:
        segments = [find_segment(choices["segment_id"])]
        if into:
            contact_changes.change_membership(rows, add=segments)
        else:
            contact_changes.change_membership(rows, remove=segments)


class DeleteKind(Kind):
    """Takes contacts out of every list."""

    word = "deleted"

    def plan(self, row: Any, choices: Choices) -> Effect | None:
        return None if row["deleted_at"] is not None else {"deleted_at": clock.now().isoformat()}

    def apply(self, pairs: Pairs, choices: Choices) -> None:
        changes = [
            (row, _edited(row, deleted_at=datetime.fromisoformat(effect["deleted_at"])))
            for row, effect in pairs
        ]
        contact_changes.change_contacts(changes)
        _add_events([row for row, _ in pairs], "deleted", "Contact deleted")

    def take_back(self, pairs: Pairs, choices: Choices) -> Taken:
        taken_emails = _held(row["email"] for row, _ in pairs)
        taken_accounts = _held_accounts(row["account"] for row, _ in pairs)
        changes: list[tuple[Any, dict[str, Any]]] = []
        kept = []
        for row, effect in pairs:
            if row["erased_at"] is not None or row["merged_into"] is not None:
                kept.append((row, "There is no such contact any more."))
            elif row["deleted_at"] is None:
                kept.append((row, "It has been restored already."))
            elif row["deleted_at"] != datetime.fromisoformat(effect["deleted_at"]):
                kept.append((row, "It has been deleted again since."))
            elif row["email"] in taken_emails:
                kept.append((row, f"Another contact has the address {row['email']} now."))
            else:
                changed = _edited(row, deleted_at=None)
                if row["account"] is not None and row["account"] in taken_accounts:
                    changed["account"] = None  # its customer has got another contact meanwhile
                changes.append((row, changed))
        if changes:
            contact_changes.change_contacts(changes)
        rows = [row for row, _ in changes]
        _add_events(rows, "restored", "Contact restored")
        return Taken(rows, kept)


KINDS: dict[str, Kind] = {
    "add_tags": TagKind(is_adding=True),
    "remove_tags": TagKind(is_adding=False),
    "add_to_segment": SegmentKind(is_adding=True),
    "remove_from_segment": SegmentKind(is_adding=False),
    "delete": DeleteKind(),
}


def _write_tags(pairs: Pairs, is_adding: bool) -> None:
    changes = []
    for row, effect in pairs:
        held = list(row["tags"] or ())
        rest = [tag for tag in held if tag not in effect["tags"]]
        tags = [*rest, *effect["tags"]] if is_adding else rest
        if tags != held:
            changes.append((row, _edited(row, tags=tags)))
    if changes:
        contact_changes.change_contacts(changes)
    _add_events([row for row, _ in changes], "updated", "Changed tags", {"fields": "tags"})


def _edited(row: Any, **changed: Any) -> dict[str, Any]:
    """A change that somebody who is editing the contact has to notice."""
    return {**changed, "updated_at": clock.now(), "version": int(row["version"]) + 1}


def _add_events(
    rows: list[Any], event_type: str, description: str, data: dict[str, Any] | None = None
) -> None:
    app_tables.contact_events.add_rows(
        timeline_service.event_columns(row, event_type, description, data, user_visible=False)
        for row in rows
    )


def _split_deleted(pairs: Pairs) -> tuple[list[tuple[Any, Effect]], list[tuple[Any, str]]]:
    live = [(row, effect) for row, effect in pairs if row["deleted_at"] is None]
    kept = [(row, "It has been deleted.") for row, _ in pairs if row["deleted_at"] is not None]
    return live, kept


def _held(emails: Any) -> set[str]:
    """Those of some addresses that a live contact has."""
    wanted = sorted({email for email in emails if email})
    if not wanted:
        return set()
    found = app_tables.contacts.search(
        q.fetch_only("email"), email=q.any_of(*wanted), deleted_at=None
    )
    return {row["email"] for row in found}


def _held_accounts(accounts: Any) -> list[Any]:
    """Those of some accounts that have a live contact."""
    wanted = {account.get_id(): account for account in accounts if account is not None}
    if not wanted:
        return []
    found = app_tables.contacts.search(
        q.fetch_only("account"), account=q.any_of(*wanted.values()), deleted_at=None
    )
    return [row["account"] for row in found]
