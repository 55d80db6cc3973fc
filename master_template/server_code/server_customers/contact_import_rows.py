"""The plan of an import, and what a row of the file says by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..server_shared.config import Business
from ..server_shared.errors import InvalidError
from ..server_shared.validators import Bool, Choice, Items, Moment, Record, Rule, Text, shown
from .contact_fields import MAX_TAGS, STATUSES, TAG, contact_rules
from .contact_import_files import ENCODINGS, MAX_COLUMNS
from .contact_import_headings import FIELDS, NO, YES, as_word

EMAIL_ONLY, EMAIL_OR_PHONE = "email", "email_or_phone"
SKIP, FILL, OVERWRITE = "skip", "fill", "overwrite"
NO_CONSENT, BY_COLUMN, ALL_OF_THEM = "none", "column", "all"
DELIMITER_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
DATE_ORDERS = ("dmy", "mdy")
MIN_EVIDENCE_CHARS = 10
_PEOPLE = {"first_name", "last_name", "full_name", "email", "phone"}
_FORMULA_STARTS = ("=", "+", "-", "@")
_WRITTEN_DATE = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})(?:[ T,].*)?")
_ISO_DATE = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})")


class ColumnMapping(Rule):
    """A field of FIELDS, or '', for each column of the file, in their order."""

    def check(self, value: Any) -> list[str]:
        if not isinstance(value, list) or len(value) > MAX_COLUMNS:
            raise self.refuse(f"a list of at most {MAX_COLUMNS} fields", value)
        chosen: list[str] = []
        for name in value:
            if name is not None and (not isinstance(name, str) or (name and name not in FIELDS)):
                raise self.refuse("fields of a contact", name)
            if name and name in chosen:
                raise InvalidError(
                    f"Two columns are meant to be {FIELDS[name][0]}. Please leave one of them out."
                )
            chosen.append(name or "")
        if not _PEOPLE & set(chosen):
            raise InvalidError(
                "Please say which column has the name, the e-mail address or the telephone number."
            )
        return chosen


SHAPE = Record(
    "The file",
    {
        "encoding": Choice("Encoding", tuple(ENCODINGS)),
        "delimiter": Choice("Separator", tuple(DELIMITER_NAMES)),
        "sheet": Text("Sheet", max_chars=100),
        "has_header": Bool("Headings", default=True),
    },
    required=True,
)
IMPORT_PLAN = Record(
    "The import",
    {
        "mapping": ColumnMapping("The columns", required=True),
        "match_by": Choice("Same person", (EMAIL_ONLY, EMAIL_OR_PHONE), default=EMAIL_ONLY),
        "on_duplicate": Choice("People who are there", (SKIP, FILL, OVERWRITE), default=FILL),
        "status": Choice("Status", STATUSES, default="lead"),
        "tags": Items("Tags", TAG, max_items=MAX_TAGS, default=[]),
        "segment": Text("Segment", max_chars=60),
        "date_order": Choice("Dates", DATE_ORDERS, default="dmy"),
        "consent": Choice("Consent", (NO_CONSENT, BY_COLUMN, ALL_OF_THEM), default=NO_CONSENT),
        "consent_evidence": Text("How they agreed", max_chars=500, default=""),
    },
    required=True,
)


def check_plan(plan: Mapping[str, Any]) -> None:
    """Raise :class:`InvalidError` where the parts of a cleaned plan do not fit each other."""
    faults = {}
    if plan["consent"] == BY_COLUMN and "marketing_opt_in" not in plan["mapping"]:
        faults["consent"] = "No column says who agreed to marketing. Please choose one above."
    if plan["consent"] != NO_CONSENT and len(plan["consent_evidence"]) < MIN_EVIDENCE_CHARS:
        faults["consent_evidence"] = (
            "Please say how and when these people agreed, such as: ticked the box on our booking "
            "form since 2022. The law asks you to be able to show it."
        )
    if faults:
        raise InvalidError(" ".join(faults.values()), fields=faults)


class RowReader:
    """Makes the values of a contact from the cells of a row."""

    def __init__(self, plan: Mapping[str, Any], business: Business) -> None:
        rules = contact_rules(business.country)
        for name in ("first_name", "last_name"):
            rules[name].required = False  # Many a list has only addresses.
        rules["status"].default = None
        self.rules = Record("The row", {**rules, "date_added": Moment("Customer since")})
        self.plan = plan
        self.zone = ZoneInfo(business.time_zone)
        self.columns = [(at, name) for at, name in enumerate(plan["mapping"]) if name]
        self.width = len(plan["mapping"])

    def read(self, cells: list[str]) -> dict[str, Any]:
        """The values, each by its rule, and ``opt_in``: True, False, or None where the file does
        not say. Raises :class:`InvalidError`."""
        if len(cells) > self.width:
            raise InvalidError(
                f"The row has {len(cells)} cells, but there are {self.width} columns. A cell may "
                "hold a separator without quotation marks around it."
            )
        given: dict[str, Any] = {"source": "import"}
        opt_in = True if self.plan["consent"] == ALL_OF_THEM else None
        for at, name in self.columns:
            cell = cells[at].strip() if at < len(cells) else ""
            if cell[:1] == "'" and cell[1:2] in _FORMULA_STARTS:
                cell = cell[1:]  # as our own export defuses it
            if not cell:
                continue
            if name == "marketing_opt_in":
                if self.plan["consent"] == BY_COLUMN:
                    opt_in = _yes_or_no(cell)
                continue
            self._take(given, name, cell)
        values = self.rules.check(given)
        if not (values["email"] or values["phone"] or values["first_name"] or values["last_name"]):
            raise InvalidError("The row has no name, e-mail address or telephone number.")
        preferences = {key: part for key, part in values["preferences"].items() if part}
        tags = [*values["tags"], *(tag for tag in self.plan["tags"] if tag not in values["tags"])]
        return {
            **values,
            "preferences": {**preferences, "marketing_opt_in": False},
            "tags": tags[:MAX_TAGS],
            "opt_in": opt_in,
        }

    def _take(self, given: dict[str, Any], name: str, cell: str) -> None:
        if name.startswith("address."):
            given.setdefault("address", {})[name.removeprefix("address.")] = cell
        elif name == "full_name":
            first, last = split_name(cell)
            given.setdefault("first_name", first)
            given.setdefault("last_name", last)
        elif name == "tags":
            given["tags"] = [tag for tag in re.split(r"\s*(?:[,;|]|:::)\s*", cell) if tag]
        elif name in ("status", "source"):
            given[name] = as_word(cell)
        elif name == "language":
            given["preferences"] = {"language": cell}
        elif name == "date_added":
            given[name] = self._moment(name, cell)
        elif name == "birthday":
            # Nobody is born in the future: of two digits, the year that has been.
            years = datetime.now(UTC).year % 100 + 1
            given[name] = self._moment(name, cell, years).astimezone(self.zone).date()
        else:
            given[name] = cell

    def _moment(self, name: str, cell: str, last_years: int = 70) -> datetime:
        """The moment at which a day began where the business is, or the one that is given. Years of
        two digits below ``last_years`` are of this century."""
        iso, written = _ISO_DATE.match(cell), _WRITTEN_DATE.fullmatch(cell)
        try:
            if iso and len(cell) > 10:
                moment = datetime.fromisoformat(cell.replace("/", "-").replace("Z", "+00:00"))
                moment = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
                return moment.astimezone(UTC)
            if iso:
                year, month, day = (int(part) for part in iso.groups())
            elif written:
                day, month, year = (int(part) for part in written.groups())
                if self.plan["date_order"] == "mdy":
                    day, month = month, day
                year += 0 if year > 99 else 2000 if year < last_years else 1900
            else:
                raise ValueError(cell)
            return datetime(year, month, day, tzinfo=self.zone).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            text = f"{FIELDS[name][0]} must be a date like 2026-03-14, not {shown(cell)}."
            raise InvalidError(text, fields={name: text}) from error


def split_name(name: str) -> tuple[str, str]:
    """(first, last) of a whole name; ``Berg, Anna`` is turned round."""
    last, comma, first = name.partition(",")
    if comma and first.strip():
        return first.strip(), last.strip()
    first, _, last = name.strip().rpartition(" ")
    return (first, last) if first else (last, "")


def _yes_or_no(cell: str) -> bool:
    word = as_word(cell)
    if word in YES or word in NO:
        return word in YES
    text = f"Agreed to marketing must be yes or no, not {shown(cell)}."
    raise InvalidError(text, fields={"marketing_opt_in": text})
