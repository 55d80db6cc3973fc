"""Rules of text: what people type, their addresses, numbers and passwords."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from ..errors import InvalidError
from .rules import SPACES, Rule

EMAIL_MAX_CHARS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
# Characters without a shape, and halves of characters, which no database takes.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ud800-\udfff]")
# Marks that turn the direction of text around, with which a name can pretend to be another.
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# Letters that Unicode does not take apart into a plain one and a mark.
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)


def fold(text: str) -> str:
    """Text as a search compares it: no accents, no case, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return SPACES.sub(" ", plain.casefold().translate(_PLAIN_LETTERS)).strip()


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
        text = text.strip() if self.multiline else SPACES.sub(" ", text).strip()
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


class WebAddress(Rule):
    """An ``https://`` or ``http://`` address."""

    def check(self, value: Any) -> str:
        pattern = r"https?://[^\s/?#@<>\"']+(?:[/?#][^\s<>\"']*)?"
        if not isinstance(value, str) or len(value) > 500:
            raise self.refuse("a web address like https://example.com", value)
        if not re.fullmatch(pattern, value.strip(), re.IGNORECASE):
            raise self.refuse("a web address like https://example.com", value)
        return value.strip()


class Colour(Rule):
    """A colour as ``#rrggbb``, in lower case."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", value.strip()):
            raise self.refuse("a colour like #2f6f5e", value)
        return value.strip().lower()


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
