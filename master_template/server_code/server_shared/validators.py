"""Every input rule, in one module.

A *rule* turns what came in into what is kept, or raises :class:`InvalidError` with one sentence
that says what was expected and what came. Rules nest: a :class:`Record` of rules checks a whole
form and reports all its faults at once, by field.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any
from zoneinfo import available_timezones

import phonenumbers
from babel import Locale as BabelLocale
from babel.localedata import locale_identifiers
from email_validator import EmailNotValidError, validate_email

from .errors import InvalidError

EMAIL_MAX_CHARS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
MAX_NAMED_FAULTS = 20  # Unknown fields that one refusal names.
INT_LIMIT = 2**53  # Beyond this a browser's number is no longer exact.

# ISO 4217 codes of the currencies that our payment providers settle in.
_CURRENCY_CODES = (
    "AED ARS AUD BGN BRL BWP CAD CHF CLP CNY COP CZK DKK EGP EUR GBP GHS HKD HUF IDR ILS INR JPY "
    "KES KRW MAD MUR MXN MYR MZN NAD NGN NOK NZD PEN PHP PKR PLN QAR RON RWF SAR SEK SGD THB TRY "
    "TZS UAH UGX USD VND XAF XOF ZAR ZMW"
)
CURRENCIES = tuple(_CURRENCY_CODES.split())

# Languages with a region that CLDR knows how to write for: ``en-ZA``.
LOCALES = tuple(
    sorted(
        name.replace("_", "-")
        for name in locale_identifiers()
        if re.fullmatch(r"[a-z]{2,3}_[A-Z]{2}", name)
    )
)
# ISO 3166 letters: CLDR's territories less those that are no country.
_NO_COUNTRY = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
COUNTRIES = tuple(
    sorted(
        code
        for code in map(str, BabelLocale("en").territories)
        if re.fullmatch("[A-Z]{2}", code) and code not in _NO_COUNTRY
    )
)

# Characters without a shape, and halves of characters, which no database takes.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ud800-\udfff]")
# Marks that turn the direction of text around, with which a name can pretend to be another.
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_SPACES = re.compile(r"\s+")
# Letters that Unicode does not take apart into a plain one and a mark.
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)


def shown(value: object, max_chars: int = 40) -> str:
    """The value as a message may quote it: short, on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, list | dict | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    text = value if isinstance(value, str) else repr(value)
    text = _SPACES.sub(" ", text[: max_chars * 4]).strip()
    return f'"{text[: max_chars - 1]}…"' if len(text) > max_chars else f'"{text}"'


def fold(text: str) -> str:
    """Text as a search compares it: no accents, no case, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return _SPACES.sub(" ", plain.casefold().translate(_PLAIN_LETTERS)).strip()


class Rule:
    """One rule. ``label`` is how a message names the field, ``required`` refuses nothing and ''."""

    def __init__(self, label: str, *, required: bool = False, default: Any = None) -> None:
        self.label = label
        self.required = required
        self.default = default

    def clean(self, value: Any) -> Any:
        """The value to keep. Raises :class:`InvalidError`."""
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.required:
                raise InvalidError(f"{self.label} is required.")
            return self.default
        return self.check(value)

    def check(self, value: Any) -> Any:
        raise NotImplementedError

    def refuse(self, expected: str, value: object) -> InvalidError:
        return InvalidError(f"{self.label} must be {expected}, not {shown(value)}.")


class Text(Rule):
    """A text, trimmed; on one line unless ``multiline``."""

    def __init__(
        self,
        label: str,
        *,
        max_chars: int = 200,
        min_chars: int = 0,
        multiline: bool = False,
        required: bool = False,
        default: Any = None,
    ) -> None:
        super().__init__(label, required=required, default=default)
        self.max_chars = max_chars
        self.min_chars = min_chars
        self.multiline = multiline

    def check(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise self.refuse("text", value)
        if len(value) > self.max_chars * 4 + 1000:
            # Far too long, whatever may be trimmed: not worth the time of looking closer.
            raise InvalidError(
                f"{self.label} may have at most {self.max_chars} characters, not {len(value)}."
            )
        text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
        text = _INVISIBLE.sub("", _CONTROL.sub("", text))
        text = text.strip() if self.multiline else _SPACES.sub(" ", text).strip()
        if not text:
            return self.clean("")
        if len(text) > self.max_chars:
            raise InvalidError(
                f"{self.label} may have at most {self.max_chars} characters, not {len(text)}."
            )
        if len(text) < self.min_chars:
            raise InvalidError(
                f"{self.label} needs at least {self.min_chars} characters, not {len(text)}."
            )
        return text


class Email(Rule):
    """An e-mail address, in lower case. Only its shape is looked at, no name server is asked."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.refuse("an e-mail address", value)
        text = value.strip()
        if len(text) > EMAIL_MAX_CHARS:
            raise InvalidError(
                f"{self.label} may have at most {EMAIL_MAX_CHARS} characters, not {len(text)}."
            )
        try:
            found = validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            raise self.refuse("an e-mail address like name@example.com", value) from error
        return found.normalized.lower()


class Phone(Rule):
    """A telephone number, in international form with spaces: ``+27 82 555 0101``.

    ``country`` (ISO 3166 letters, or a function that finds them) tells how a number without ``+``
    is meant.
    """

    def __init__(
        self,
        label: str,
        *,
        country: str | Callable[[], str],
        required: bool = False,
        default: Any = None,
    ) -> None:
        super().__init__(label, required=required, default=default)
        self.country = country

    def check(self, value: Any) -> str:
        expected = "a telephone number like +27 82 555 0101"
        if not isinstance(value, str) or len(value) > 40:
            raise self.refuse(expected, value)
        text = value.strip()
        if text.startswith("00"):
            text = "+" + text[2:]
        country = self.country() if callable(self.country) else self.country
        try:
            number = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException as error:
            raise self.refuse(expected, value) from error
        if not phonenumbers.is_possible_number(number):
            raise self.refuse(expected, value)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


class Choice(Rule):
    """One of some words."""

    def __init__(
        self, label: str, options: Sequence[str], *, required: bool = False, default: Any = None
    ) -> None:
        super().__init__(label, required=required, default=default)
        self.options = tuple(options)

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise self.refuse("one of " + ", ".join(self.options), value)
        return value


class Bool(Rule):
    """Yes or no."""

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.refuse("yes or no", value)
        return value


class Int(Rule):
    """A whole number within limits."""

    def __init__(
        self,
        label: str,
        *,
        minimum: int = -INT_LIMIT,
        maximum: int = INT_LIMIT,
        required: bool = False,
        default: Any = None,
    ) -> None:
        super().__init__(label, required=required, default=default)
        self.minimum = minimum
        self.maximum = maximum

    def check(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse("a whole number", value)
        if not self.minimum <= value <= self.maximum:
            raise self.refuse(f"from {self.minimum} to {self.maximum}", value)
        return value


class Percent(Rule):
    """From 0 to 100, with two decimals at most."""

    def check(self, value: Any) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            raise self.refuse("a percentage from 0 to 100", value)
        if round(value, 2) != value:
            raise self.refuse("a percentage with two decimals at most", value)
        return int(value) if value == int(value) else value


class Day(Rule):
    """A date, or text like ``2026-03-14``."""

    def check(self, value: Any) -> date:
        if isinstance(value, datetime):
            raise self.refuse("a date without a time", value)
        if isinstance(value, date):
            return value
        if isinstance(value, str):
            try:
                return date.fromisoformat(value.strip())
            except ValueError as error:
                raise self.refuse("a date like 2026-03-14", value) from error
        raise self.refuse("a date", value)


class Moment(Rule):
    """A point in time with its zone."""

    def check(self, value: Any) -> datetime:
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError as error:
                raise self.refuse("a time like 2026-03-14T09:30:00+02:00", value) from error
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise self.refuse("a time with its zone", value)
        return value


class Items(Rule):
    """A list in which every item follows one rule; doubles are dropped, order is kept."""

    def __init__(self, label: str, item: Rule, *, max_items: int, default: Any = None) -> None:
        super().__init__(label, default=default)
        self.item = item
        self.max_items = max_items

    def check(self, value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise self.refuse("a list", value)
        if len(value) > self.max_items:
            raise InvalidError(
                f"{self.label} may have at most {self.max_items} entries, not {len(value)}."
            )
        kept: list[Any] = []
        for item in value:
            cleaned = self.item.clean(item)
            if cleaned is not None and cleaned not in kept:
                kept.append(cleaned)
        return kept


class Record(Rule):
    """A dict with known keys. Faults of all fields are reported together; unknown keys refused.

    With ``partial`` only the keys that came are cleaned and returned (an update); otherwise every
    key is in the result, with its default where it was left out.
    """

    def __init__(
        self,
        label: str,
        fields: Mapping[str, Rule],
        *,
        partial: bool = False,
        required: bool = False,
        default: Any = None,
    ) -> None:
        super().__init__(label, required=required, default=default)
        self.fields = dict(fields)
        self.partial = partial

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self.refuse("a set of named fields", value)
        faults: dict[str, str] = {}
        for key in islice((key for key in value if key not in self.fields), MAX_NAMED_FAULTS):
            faults[str(key)[:80]] = f"{self.label} has no field called {shown(str(key))}."
        kept: dict[str, Any] = {}
        for key, rule in self.fields.items():
            if self.partial and key not in value:
                continue
            try:
                kept[key] = rule.clean(value.get(key))
            except InvalidError as error:
                nested = {f"{key}.{name}": text for name, text in error.fields.items()}
                faults.update(nested or {key: error.message})
        if faults:
            raise InvalidError(" ".join(faults.values()), fields=faults)
        return kept


class TimeZone(Rule):
    """The name of a zone in the IANA time zone database, ``Region/City`` or ``UTC``.

    Its other names (``Factory``, ``localtime``, ``EST``) are not known to every browser.
    """

    def check(self, value: Any) -> str:
        is_place = isinstance(value, str) and ("/" in value or value == "UTC")
        if not is_place or value not in available_timezones():
            raise self.refuse("a time zone like Africa/Johannesburg", value)
        return str(value)


class Colour(Rule):
    """A colour as ``#rrggbb``, in lower case."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", value.strip()):
            raise self.refuse("a colour like #2f6f5e", value)
        return value.strip().lower()


class Locale(Rule):
    """A language with region, like ``en-ZA`` (RFC 5646, the two parts that formats need)."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value.strip() not in LOCALES:
            raise self.refuse("a language and region like en-ZA", value)
        return value.strip()


class Country(Rule):
    """The two letters of a country (ISO 3166-1)."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value.strip() not in COUNTRIES:
            raise self.refuse("the two letters of a country, like ZA", value)
        return value.strip()


class WebAddress(Rule):
    """An ``https://`` or ``http://`` address."""

    def check(self, value: Any) -> str:
        pattern = r"https?://[^\s/?#@<>\"']+(?:[/?#][^\s<>\"']*)?"
        if not isinstance(value, str) or len(value) > 500:
            raise self.refuse("a web address like https://example.com", value)
        if not re.fullmatch(pattern, value.strip(), re.IGNORECASE):
            raise self.refuse("a web address like https://example.com", value)
        return value.strip()


class Password(Rule):
    """A new password: length is what counts (NIST SP 800-63B section 5.1.1.2).

    At most 72 bytes, because bcrypt ignores what comes after.
    """

    MIN_CHARS = 10

    def clean(self, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise InvalidError(f"{self.label} is required.")
        if len(value) < self.MIN_CHARS:
            raise InvalidError(f"{self.label} needs at least {self.MIN_CHARS} characters.")
        try:
            size_bytes = len(value.encode())
        except UnicodeEncodeError:
            raise InvalidError(f"{self.label} holds half of a character.") from None
        if size_bytes > 72:
            raise InvalidError(f"{self.label} may have at most 72 bytes.")
        if len(set(value)) < 4:
            raise InvalidError(
                f"{self.label} is too simple: use more than three different characters."
            )
        return value


def currency(label: str, *, required: bool = False, default: Any = None) -> Choice:
    """An ISO 4217 code."""
    return Choice(label, CURRENCIES, required=required, default=default)
