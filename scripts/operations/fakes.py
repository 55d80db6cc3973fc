"""Believable words in place of people's own: equal ones for equal ones, and never one of theirs.

By Faker (https://faker.readthedocs.io, MIT). Addresses for e-mail end in ``example.com``, which is
nobody's (RFC 2606, section 3); telephone numbers are those that Ofcom keeps free for films.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from faker import Faker

LOCALE = "en_GB"
TRIES = 50
MAX_WORDS = 60
# https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama: a thousand each.
PHONE_PREFIXES = (
    *("+44113496", "+44114496", "+44116496", "+44117496", "+44118496", "+44121496"),
    *("+44131496", "+44141496", "+44151496", "+44161496", "+44191498", "+44207946"),
)
PHONES = len(PHONE_PREFIXES) * 1000


def _make_city(fake: Faker) -> str:
    return fake.city()


ADDRESS_PARTS: dict[str, Callable[[Faker], str]] = {
    "line1": lambda fake: fake.street_address().replace("\n", ", "),
    "line2": lambda fake: fake.secondary_address(),
    "city": _make_city,
    "region": lambda fake: fake.county(),
    "postal_code": lambda fake: fake.postcode(),
}


class Fakes:
    """What stands for what in one copy. The key is thrown away with it, so that nobody can try out
    whose value became which."""

    def __init__(self, key: bytes | None = None):
        self._key = key or secrets.token_bytes(32)
        self._fake = Faker(LOCALE)
        self._begin_at: Callable[[int], object] = self._fake.seed_instance
        self._known: dict[tuple[str, str], str] = {}
        self._originals: dict[str, set[str]] = {}
        self._phones_taken: set[int] = set()
        self._emails_taken: set[str] = set()

    def learn(self, kind: str, originals: Iterable[str]) -> None:
        """Tell what is real before anything is replaced: none of it is made up for another."""
        self._originals.setdefault(kind, set()).update(_normalise(kind, each) for each in originals)

    def replace(self, kind: str, original: str) -> str:
        """What stands for a value of one of the kinds of ``anonymisation.yaml``."""
        if not original:
            return original
        normal = _normalise(kind, original)
        known = self._known.get((kind, normal))
        if known is None:
            known = self._known[kind, normal] = self._make(kind, normal)
        return known

    def name_email(self, original: str, first: str, last: str) -> None:
        """Have an e-mail address go with the names that its owner gets; the first to say so
        counts."""
        normal = _normalise("email", original)
        if normal and ("email", normal) not in self._known:
            seed = self._seed("email", normal)
            made = self._make_email(
                self.replace("first_name", first), self.replace("last_name", last), seed
            )
            self._known["email", normal] = made

    def address(self, original: dict[str, Any]) -> dict[str, Any]:
        """The same parts filled in, for the same address; its country stays."""
        self._seed("address", json.dumps(original, sort_keys=True))
        return {
            part: value
            if part == "country" or not value
            else ADDRESS_PARTS.get(part, _make_city)(self._fake)
            for part, value in sorted(original.items())
        }

    def _seed(self, kind: str, normal: str) -> int:
        digest = hmac.digest(self._key, f"{kind}\0{normal}".encode(), "sha256")
        seed = int.from_bytes(digest[:8], "big")
        self._begin_at(seed)
        return seed

    def _make(self, kind: str, normal: str) -> str:
        seed = self._seed(kind, normal)
        if kind == "phone":
            return self._make_phone(seed)
        if kind == "email":
            return self._make_email(self._fake.first_name(), self._fake.last_name(), seed)
        made = ""
        for _try in range(TRIES):
            made = self._draw(kind, normal)
            if _normalise(kind, made) not in self._originals.get(kind, ()):
                return made
        return f"{made} {seed % 1000}"

    def _draw(self, kind: str, normal: str) -> str:
        fake = self._fake
        if kind == "text":
            return _sentence(fake, min(len(normal.split()), MAX_WORDS))
        makers: dict[str, Callable[[], str]] = {
            "first_name": fake.first_name,
            "last_name": fake.last_name,
            "full_name": lambda: f"{fake.first_name()} {fake.last_name()}",
            "company": fake.company,
        }
        return makers[kind]()

    def _make_email(self, first: str, last: str, seed: int) -> str:
        """With a number, that makes it unique as people's own addresses are."""
        name = ".".join(re.sub(r"[^a-z]", "", part.lower()) for part in (first, last) if part)
        made = f"{name}.{seed % 1000:03d}@example.com"
        while made in self._emails_taken:
            seed += 1
            made = f"{name}.{seed % 10**6:06d}@example.com"
        self._emails_taken.add(made)
        return made

    def _make_phone(self, seed: int) -> str:
        """One that no other number became, as long as there are any."""
        number = seed % PHONES
        while number in self._phones_taken and len(self._phones_taken) < PHONES:
            number = (number + 1) % PHONES
        self._phones_taken.add(number)
        return f"{PHONE_PREFIXES[number // 1000]}0{number % 1000:03d}"


def _normalise(kind: str, value: str) -> str:
    """Values that mean the same: so that duplicates stay duplicates."""
    return value if kind in ("phone", "text") else value.strip().lower()


def _sentence(fake: Faker, words: int) -> str:
    return str(fake.sentence(nb_words=max(words, 2), variable_nb_words=False))
