"""Who the rows of a file are: new people, or contacts that are there; and what changes of those.

Deciding reads and writes nothing, so a dry run and the import itself decide alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_marketing import suppression
from ..server_privacy import consent_record
from ..server_shared.validators import fold
from .contact_import_rows import EMAIL_OR_PHONE, OVERWRITE, SKIP

CREATED, UPDATED, UNCHANGED, SKIPPED, REFUSED = OUTCOMES = (
    *("created", "updated", "unchanged"),
    *("skipped", "refused"),
)
KEPT_OUT = "kept_out"  # of marketing, because the person has unsubscribed before
_FILLED = ("first_name", "last_name", "email", "phone", "company", "birthday", "internal_notes")

Key = tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """What becomes of one row. ``contact`` is the row of who is there already."""

    line: int
    outcome: str
    values: Mapping[str, Any] = field(default_factory=dict)
    contact: Any = None
    changed: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    field: str = ""
    is_kept_out: bool = False


class Seen:
    """The people that a file has named so far, so that nobody is brought in twice.

    Whom a batch names counts for good only from ``keep`` on: its transaction may have to run again.
    """

    def __init__(self, by_phone: bool) -> None:
        self.by_phone = by_phone
        self.kept: dict[Key, tuple[int, bool]] = {}
        self.pending: dict[Key, tuple[int, bool]] = {}

    def begin(self) -> None:
        """Forget what a batch has named that came to nothing."""
        self.pending.clear()

    def keep(self) -> None:
        """Keep what the batch has named."""
        self.kept.update(self.pending)
        self.pending.clear()

    def find(self, values: Mapping[str, Any]) -> int | None:
        """The line of the same person, if there was one."""
        for key in self._keys(values):
            line, has_email = self.kept.get(key) or self.pending.get(key) or (0, False)
            # One telephone may belong to two people who each have an address of their own.
            if line and not (key[0] == "phone" and has_email and values["email"]):
                return line
        return None

    def add(self, line: int, values: Mapping[str, Any]) -> None:
        """Note who stands in a line."""
        for key in self._keys(values):
            self._note(key, line, values)

    def claim(self, line: int, values: Mapping[str, Any], contact: Any) -> None:
        """Note which contact a line turned out to be."""
        self._note(_claim_key(contact), line, values)

    def claimed(self, contact: Any) -> tuple[int, bool]:
        """(line, whether it had an address) of who is this contact already, or (0, False)."""
        key = _claim_key(contact)
        return self.kept.get(key) or self.pending.get(key) or (0, False)

    def _note(self, key: Key, line: int, values: Mapping[str, Any]) -> None:
        if key not in self.kept:
            self.pending.setdefault(key, (line, bool(values["email"])))

    def _keys(self, values: Mapping[str, Any]) -> list[Key]:
        keys: list[Key] = [("email", values["email"])] if values["email"] else []
        if self.by_phone and values["phone"]:
            keys.append(("phone", values["phone"]))
        return keys or [("name", *name_identity(values))]


def _claim_key(contact: Any) -> Key:
    return ("contact", contact["contact_id"])


def name_identity(values: Any) -> Key:
    """What makes two people without an address the same."""
    name = fold(f"{values['last_name'] or ''} {values['first_name'] or ''}")
    return (name, values["phone"] or "", fold(values["company"] or ""))


def decide(
    rows: Iterable[tuple[int, dict[str, Any]]], plan: Mapping[str, Any], seen: Seen
) -> list[Decision]:
    """A decision for each (line, values). Adds to ``seen`` who is accepted."""
    fresh: list[tuple[int, dict[str, Any]]] = []
    decisions: list[Decision] = []
    for line, values in rows:
        earlier = seen.find(values)
        if earlier is not None:
            reason = f"Line {earlier} of the file is the same person."
            decisions.append(Decision(line, REFUSED, values, reason=reason, field="email"))
            continue
        seen.add(line, values)
        fresh.append((line, values))
    known = _Known([values for _, values in fresh], seen.by_phone)
    found = [_identify(line, values, known, seen) for line, values in fresh]
    withdrawn = _Withdrawn([contact for contact, _ in found], fresh)
    for (line, values), (contact, reason) in zip(fresh, found, strict=True):
        if reason:
            decisions.append(Decision(line, REFUSED, values, reason=reason, field="email"))
        else:
            decisions.append(_decide(line, values, plan, contact, withdrawn))
    return sorted(decisions, key=lambda decision: decision.line)


def _identify(line: int, values: Mapping[str, Any], known: _Known, seen: Seen) -> tuple[Any, str]:
    """(the contact that a row is, or None; why the row has to be refused)."""
    contact, reason = known.find(values)
    if contact is None or reason:
        return None, reason
    earlier, had_email = seen.claimed(contact)
    if not earlier:
        seen.claim(line, values, contact)
        return contact, ""
    if had_email and values["email"]:
        # Found by the telephone of someone who got another address from the line before.
        return None, ""
    return None, f"Line {earlier} of the file is the same person ({contact['contact_id']})."


def _decide(
    line: int,
    values: dict[str, Any],
    plan: Mapping[str, Any],
    contact: Any,
    withdrawn: _Withdrawn,
) -> Decision:
    is_kept_out = values["opt_in"] is True and withdrawn.includes(contact, values)
    if is_kept_out:
        values = {**values, "opt_in": None}
    if contact is None:
        values["status"] = values["status"] or plan["status"]
        if values["opt_in"]:
            values["preferences"] = {**values["preferences"], "marketing_opt_in": True}
        return Decision(line, CREATED, values, is_kept_out=is_kept_out)
    changed = _changes(contact, values, plan["on_duplicate"])
    present = SKIPPED if plan["on_duplicate"] == SKIP else UNCHANGED
    outcome = UPDATED if changed else present
    return Decision(line, outcome, values, contact, changed, is_kept_out=is_kept_out)


def _changes(contact: Any, values: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """What the file changes of a contact. An empty cell never empties anything; and a no to
    marketing counts whatever has been chosen."""
    has_agreed = consent_record.is_opted_in(contact["preferences"])
    preferences = dict(contact["preferences"] or {})
    if has_agreed and values["opt_in"] is False:
        preferences["marketing_opt_in"] = False
    if mode == SKIP:
        changed = {"preferences": preferences}
    else:
        is_overwriting = mode == OVERWRITE
        changed = {
            name: values[name]
            for name in _FILLED
            if values[name] and (is_overwriting or not contact[name])
        }
        if is_overwriting and values["status"]:
            changed["status"] = values["status"]
        changed["address"] = _merged(contact["address"], values["address"], is_overwriting)
        tags = list(contact["tags"] or [])
        changed["tags"] = [*tags, *(tag for tag in values["tags"] if tag not in tags)]
        language = values["preferences"].get("language")
        if language and (is_overwriting or not preferences.get("language")):
            preferences["language"] = language
        if values["opt_in"]:
            preferences["marketing_opt_in"] = True
        changed["preferences"] = preferences
    return {name: value for name, value in changed.items() if not _is_same(contact[name], value)}


def _merged(present: Any, imported: Mapping[str, Any], is_overwriting: bool) -> dict[str, Any]:
    """An address with what the file adds to it, part by part."""
    parts = dict(present or {})
    for name, part in imported.items():
        if part and (is_overwriting or not parts.get(name)):
            parts[name] = part
    return parts


def _is_same(present: Any, value: Any) -> bool:
    if isinstance(value, Mapping):
        return dict(present or {}) == dict(value)
    if isinstance(value, list):
        return list(present or []) == value
    return bool(present == value)


class _Known:
    """The contacts that the rows of a batch may be, found in three searches."""

    def __init__(self, batch: list[dict[str, Any]], by_phone: bool) -> None:
        self.by_phone = by_phone
        self.by_email: dict[str, Any] = {}
        self.by_number: dict[str, list[Any]] = {}
        self.by_name: dict[Key, Any] = {}
        page = q.page_size(1000)
        emails = sorted({values["email"] for values in batch if values["email"]})
        if emails:
            for row in app_tables.contacts.search(page, email=q.any_of(*emails)):
                if row["email"] not in self.by_email or row["deleted_at"] is None:
                    self.by_email[row["email"]] = row
        phones = sorted({values["phone"] for values in batch if values["phone"]})
        if phones and by_phone:
            found = app_tables.contacts.search(page, phone=q.any_of(*phones), deleted_at=None)
            for row in found:
                if scopes.is_inside(row):
                    self.by_number.setdefault(row["phone"], []).append(row)
        names = sorted({name_identity(values)[0] for values in batch if not values["email"]})
        if names:
            found = app_tables.contacts.search(page, email=None, sort_name=q.any_of(*names))
            for row in found:
                identity = name_identity(row)
                is_theirs = row["erased_at"] is None and scopes.is_inside(row)
                is_better = identity not in self.by_name or row["deleted_at"] is None
                if is_theirs and is_better:
                    self.by_name[identity] = row

    def find(self, values: Mapping[str, Any]) -> tuple[Any, str]:
        """(the contact that these values are, or None; why the row has to be refused)."""
        email, phone = values["email"], values["phone"]
        row = self.by_email.get(email) if email else None
        if row is not None and not scopes.is_inside(row):
            return None, f"Another contact already has the e-mail address {email}."
        if row is None and self.by_phone and phone:
            # Two addresses are two people, also where they share a telephone.
            found = self.by_number.get(phone, [])
            same = [other for other in found if not (email and other["email"])]
            if len(same) > 1:
                name = name_identity(values)[0]
                same = [other for other in same if name_identity(other)[0] == name] or same
            if len(same) > 1:
                ids = ", ".join(other["contact_id"] for other in same[:5])
                return None, f"{len(same)} contacts have the telephone number {phone}: {ids}."
            row = same[0] if same else None
        if row is None and not email:
            row = self.by_name.get(name_identity(values))
        if row is not None and row["deleted_at"] is not None:
            reason = f"{row['contact_id']} has been deleted; restore it to bring it up to date."
            return None, reason
        return row, ""


class _Withdrawn:
    """Who of a batch has unsubscribed before: no file makes them subscribers again."""

    def __init__(self, contacts: list[Any], rows: list[tuple[int, dict[str, Any]]]) -> None:
        agreed = [values for _, values in rows if values["opt_in"]]
        emails = {values["email"] for values in agreed if values["email"]}
        self.emails = set(suppression.find(emails)) if emails else set()
        self.numbers: set[int] = set()
        present = [row for row in contacts if row is not None]
        if not present or not agreed:
            return
        newest: dict[int, tuple[Any, bool]] = {}
        found = app_tables.consents.search(
            q.fetch_only("is_given", "recorded_at", contact=q.fetch_only("number")),
            q.page_size(1000),
            contact=q.any_of(*present),
            kind=consent_record.MARKETING,
        )
        for entry in found:
            number = int(entry["contact"]["number"])
            if number not in newest or entry["recorded_at"] >= newest[number][0]:
                newest[number] = (entry["recorded_at"], bool(entry["is_given"]))
        self.numbers = {number for number, (_, is_given) in newest.items() if not is_given}

    def includes(self, contact: Any, values: Mapping[str, Any]) -> bool:
        """Whether this person is one of them."""
        if contact is not None and int(contact["number"]) in self.numbers:
            return True
        return bool(values["email"]) and values["email"] in self.emails


def by_phone(plan: Mapping[str, Any]) -> bool:
    """Whether a plan takes a telephone number for a person."""
    return bool(plan["match_by"] == EMAIL_OR_PHONE)
