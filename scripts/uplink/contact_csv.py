"""Read contacts from a CSV file as other programs write them.

The encoding is UTF-8 (with or without a byte order mark), UTF-16 with one, or Windows-1252; the
delimiter a comma, semicolon, tab or bar; the first line names the columns, in any of the
spellings of HEADERS.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MAX_BYTES = 50_000_000
MAX_ROWS = 100_000
DELIMITERS = ",;\t|"

# Field of a contact -> how other programs call its column, in lower case, letters and digits only.
HEADERS = {
    "first_name": "firstname first givenname forename name1 vorname prenom nombre voornaam",
    "last_name": "lastname last surname familyname name2 nachname nom apellido apellidos "
    "achternaam",
    "full_name": "name fullname displayname contactname contact customername customer client",
    "email": "email emailaddress mail emailaddress1 email1value primaryemail epos correo",
    "phone": "phone phonenumber telephone tel mobile mobilephone cell cellphone cellnumber "
    "phone1value telefon telefoon whatsapp contactnumber",
    "company": "company companyname organisation organization organizationname business firma "
    "employer organization1name",
    "address.line1": "address addressline1 address1 street streetaddress homestreet strasse straat",
    "address.line2": "addressline2 address2 suburb street2 unit",
    "address.city": "city town homecity ort stad ville ciudad",
    "address.region": "region state province county homestate",
    "address.postal_code": "postalcode postcode zip zipcode homepostalcode plz",
    "address.country": "country homecountry land pays countryregion",
    "status": "status contactstatus type",
    "source": "source leadsource origin",
    "tags": "tags tag labels label groups groupmembership categories category",
    "internal_notes": "notes note comments comment internalnotes remarks",
    "date_added": "dateadded created createdat customersince since added createddate",
    "marketing_opt_in": "marketingoptin optin subscribed newsletter marketing acceptsmarketing "
    "acceptsemailmarketing",
}
_FIELD_OF = {spelling: field for field, words in HEADERS.items() for spelling in words.split()}
_YES = {"yes", "y", "true", "1", "ja", "oui", "si", "subscribed", "x"}
_NO = {"no", "n", "false", "0", "nein", "nee", "non", "unsubscribed", ""}
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")


class NotContactsError(Exception):
    """The file is not a CSV of contacts. The message is the whole text that a person reads."""


@dataclass(frozen=True)
class Line:
    """One row: its line in the file, its cells as they came, and the contact or what is wrong."""

    number: int
    cells: list[str]
    contact: dict[str, Any] | None
    reason: str = ""


@dataclass(frozen=True)
class ContactFile:
    """A file that has been read: its header, which columns mean what, and its rows."""

    header: list[str]
    columns: dict[int, str]
    ignored: list[str]
    encoding: str
    delimiter: str
    rows: list[tuple[int, list[str]]]

    def lines(self) -> Iterator[Line]:
        """Every row that is not empty, in order."""
        for number, cells in self.rows:
            yield self._line(number, cells)

    def _line(self, number: int, cells: list[str]) -> Line:
        if len(cells) > len(self.header):
            return Line(
                number,
                cells,
                None,
                f"The row has {len(cells)} cells, but the header names {len(self.header)} columns.",
            )
        try:
            return Line(number, cells, _contact(self.columns, cells))
        except ValueError as error:
            return Line(number, cells, None, str(error))


def read_contacts(path: Path) -> ContactFile:
    """Read a file. Raises :class:`NotContactsError` where it is not a CSV of contacts."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise NotContactsError(f"{path} is not a file.")
        if size > MAX_BYTES:
            raise NotContactsError(
                f"{path} has {size // 1_000_000} MB; at most {MAX_BYTES // 1_000_000} MB can be "
                "imported at once. Please split it."
            )
        data = path.read_bytes()
    except OSError as error:
        raise NotContactsError(f"Could not read {path}: {error.strerror}.") from error
    text, encoding = _decode(path, data)
    header_text = text.split("\n", 1)[0]
    if not header_text.strip():
        raise NotContactsError(f"{path} is empty, or its first line does not name the columns.")
    delimiter = max(DELIMITERS, key=header_text.count)
    return _parse(path, text, encoding, delimiter)


def _decode(path: Path, data: bytes) -> tuple[str, str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif b"\0" in data:
        raise NotContactsError(
            f"{path} is not a text file. Save it as CSV (in a spreadsheet: File, Save as, CSV)."
        )
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise NotContactsError(f"{path} is neither in UTF-8 nor in Windows-1252. Save it as UTF-8.")


def _parse(path: Path, text: str, encoding: str, delimiter: str) -> ContactFile:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    header: list[str] = []
    start = 1
    try:
        for cells in reader:
            number, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                continue
            rows.append((number, cells))
            if len(rows) > MAX_ROWS:
                raise NotContactsError(f"{path} has more than {MAX_ROWS:,} rows. Please split it.")
    except csv.Error as error:
        raise NotContactsError(
            f"{path} is not a CSV file: line {reader.line_num} cannot be read ({error})."
        ) from error
    columns, ignored = _map_columns(header)
    if not {"first_name", "last_name", "full_name"} & set(columns.values()):
        found = ", ".join(header[:8])[:200]
        raise NotContactsError(
            f"{path} is not a CSV file of contacts: its first line must name the columns, with "
            f"First name and Last name (or Name) among them. It says: {found}"
        )
    return ContactFile(header, columns, ignored, encoding, delimiter, rows)


def _map_columns(header: list[str]) -> tuple[dict[int, str], list[str]]:
    """Which column is which field; of two for one field the first counts."""
    columns: dict[int, str] = {}
    ignored: list[str] = []
    for index, name in enumerate(header):
        field = _FIELD_OF.get(_plain(name))
        if field is None or field in columns.values():
            if name:
                ignored.append(name)
            continue
        columns[index] = field
    return columns, ignored


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in decomposed if c.isascii() and c.isalnum())


def _contact(columns: dict[int, str], cells: list[str]) -> dict[str, Any]:
    """The fields of one row. Raises ValueError with a reason."""
    contact: dict[str, Any] = {}
    for index, field in columns.items():
        value = cells[index].strip() if index < len(cells) else ""
        if not value:
            continue
        if field.startswith("address."):
            contact.setdefault("address", {})[field.removeprefix("address.")] = value
        elif field == "full_name":
            first, _, last = value.rpartition(" ")
            contact.setdefault("first_name", first or last)
            contact.setdefault("last_name", last if first else "")
        elif field == "tags":
            contact["tags"] = [tag for tag in re.split(r"\s*(?:[,;|]|:::)\s*", value) if tag]
        elif field in ("status", "source"):
            contact[field] = re.sub(r"[\s-]+", "_", value.lower())
        elif field == "marketing_opt_in":
            contact["preferences"] = {"marketing_opt_in": _yes_or_no(value)}
        elif field == "date_added":
            contact["date_added"] = _moment(value)
        else:
            contact[field] = value
    return contact


def _yes_or_no(value: str) -> bool:
    word = value.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError(f'Marketing must be yes or no, not "{value[:40]}".')


def _moment(value: str) -> datetime:
    for pattern in _DATES:
        try:
            return datetime.strptime(value, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(f'Customer since must be a date like 2026-03-14, not "{value[:40]}".')
