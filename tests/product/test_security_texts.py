"""Hostile values in every argument of every callable: kept harmless, or refused in a sentence."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from master_template.server_privacy import agreements
from master_template.server_shared import validators as rules
from master_template.server_shared.errors import InvalidError
from tests.product.customers import AGREED
from tests.product.studio import Studio
from tests.product.walking import arguments, leaves, put, specs

HUGE = 10_000_000
SPECS = specs()
LEAVES = [
    (name, path, leaf)
    for name, spec in sorted(SPECS.items())
    for argument, rule in sorted(spec.takes.items())
    for path, leaf in leaves(rule, (argument,))
]
# No shape of their own, half a character, or an order that is not the one that is read.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
MARKS = "a\x00b\x1b[31m\u202ecod\u2066.exe\u200b\ud83d\u2028"
HOSTILE = {
    "ten_megabytes": "x" * HUGE,
    "ten_megabytes_of_nothing": " " * HUGE,
    "ten_megabytes_of_digits": "9" * HUGE,
    "ten_megabytes_of_accents": "e" + "\u0301" * (HUGE // 2),
    "an_address_of_ten_megabytes": "https://x/" + "a" * HUGE,
    "marks": MARKS,
    "markup": "<script>window.pwned = 1</script>",
    "formula": "=HYPERLINK(\"https://evil.example\", 'x')",
    "template": "{{ 7 * 7 }}{% for x in y %}",
    "not_a_number": float("nan"),
    "endless": float("inf"),
    "huge_number": 10**400,
    "yes": True,
    "list": [[[[]]]],
    "many": ["x"] * 100_000,
    "object": {"__class__": {"__init__": "x"}},
    "many_names": {str(number): number for number in range(100_000)},
}
MAX_MESSAGE_CHARS = 600


def apart(leaf: rules.Rule) -> rules.Rule:
    """The rule as it works without a business to ask for its country."""
    if isinstance(leaf, rules.Phone):
        leaf = copy.copy(leaf)
        leaf.country = "ZA"
    return leaf


def texts_in(value: Any) -> list[str]:
    """Every text in a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts_in(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in texts_in(part)]
    return []


def test_the_walk_finds_what_can_be_typed() -> None:
    assert len(LEAVES) > 200
    assert {"create_contact", "sign_up", "log_in", "update_mail_template"} <= {
        n for n, *_ in LEAVES
    }


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_every_rule_keeps_it_harmless_or_refuses_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreements, "newest_versions", lambda: dict(AGREED))
    value = HOSTILE[kind]
    for name, path, leaf in LEAVES:
        where = f"{name}: {path}"
        try:
            kept = apart(leaf).clean(value)
        except InvalidError as error:
            told = [error.message, *error.fields.values()]
            assert all(len(text) <= MAX_MESSAGE_CHARS for text in told), where
            continue
        if isinstance(leaf, rules.Password) or type(leaf).__name__ == "GivenPassword":
            continue  # hashed or compared as it was typed, never stored nor shown
        assert all(len(text) < HUGE // 10 for text in texts_in(kept)), where
        assert not any(FORBIDDEN.search(text) for text in texts_in(kept)), where


def first_text(name: str) -> tuple[Any, ...] | None:
    for at, path, leaf in LEAVES:
        if at == name and isinstance(leaf, rules.Text | rules.Email):
            return path
    return None


WITH_TEXT = [name for name in sorted(SPECS) if SPECS[name].needs != "trusted" and first_text(name)]


def test_the_server_refuses_ten_megabytes_by_name(studio: Studio) -> None:
    """All the way over the socket: a refusal that names the field, and the next call is served."""
    with studio.person("olga") as olga:
        for name in WITH_TEXT:
            path = first_text(name)
            assert path is not None
            given = arguments(SPECS[name])
            put(given, path, HOSTILE["ten_megabytes"])
            answer = olga.answer(name, **given)
            assert (answer["success"], answer["code"]) == (False, "invalid"), (name, answer)
            assert len(str(answer)) < 2_000, name
        assert olga.call("list_contacts")["contacts"]


def test_what_is_stored_reads_as_it_was_written(studio: Studio) -> None:
    with studio.person("olga") as olga:
        made = olga.call("create_contact", {"first_name": MARKS, "last_name": "Ma\u0301rton\x00"})
        shown = olga.call("get_contact", made["contact"]["contact_id"])["contact"]
    assert (shown["first_name"], shown["last_name"]) == ("ab[31mcod.exe", "M\xe1rton")
