"""Every input rule: what it keeps, what it refuses, and that nothing else ever comes out."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master_template.server_customers.contact_fields import (
    ContactId,
    contact_rules,
    derived_columns,
)
from master_template.server_customers.contact_list import _read_cursor
from master_template.server_customers.contact_query import search_words
from master_template.server_setup.verticals.shape import Person
from master_template.server_setup.verticals.yoga_studio_people import PEOPLE
from master_template.server_shared.errors import InvalidError
from master_template.server_shared.validators import (
    Bool,
    Choice,
    Colour,
    Day,
    Email,
    Int,
    Items,
    Locale,
    Moment,
    Password,
    Phone,
    Record,
    Rule,
    Text,
    TimeZone,
    WebAddress,
    fold,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
RULES: dict[str, Rule] = {
    "text": Text("Text", max_chars=50),
    "lines": Text("Lines", max_chars=50, multiline=True),
    "email": Email("E-mail"),
    "phone": Phone("Phone", country="ZA"),
    "choice": Choice("Choice", ("a", "b")),
    "bool": Bool("Bool"),
    "int": Int("Int", minimum=0, maximum=10),
    "day": Day("Day"),
    "moment": Moment("Moment"),
    "items": Items("Items", Text("Item", max_chars=9), max_items=3),
    "zone": TimeZone("Zone"),
    "colour": Colour("Colour"),
    "locale": Locale("Locale"),
    "web": WebAddress("Web"),
    "password": Password("Password"),
    "contact_id": ContactId("Contact"),
    "contact": Record("Contact", contact_rules("ZA")),
}


@pytest.mark.parametrize("name", RULES)
@given(value=json_values)
def test_a_rule_gives_a_value_or_an_invalid_error(name: str, value: Any) -> None:
    try:
        RULES[name].clean(value)
    except InvalidError as error:
        assert error.message
        assert len(error.message) < 4000


@pytest.mark.parametrize("name", ["text", "lines", "email", "phone", "items", "contact_id", "web"])
@given(value=st.text() | st.emails() | st.from_regex(r"\+?[0-9 ()-]{5,18}", fullmatch=True))
def test_what_a_rule_keeps_it_keeps_again(name: str, value: str) -> None:
    try:
        kept = RULES[name].clean(value)
    except InvalidError:
        return
    assert RULES[name].clean(kept) == kept


@given(st.text())
def test_text_has_no_controls_and_stays_within_its_size(value: str) -> None:
    try:
        kept = RULES["text"].clean(value)
    except InvalidError:
        return
    if kept is not None:
        assert 0 < len(kept) <= 50
        assert not re.search(r"[\x00-\x1f\x7f\u202e\u200b]", kept)
        assert kept == kept.strip()


@given(st.emails())
def test_an_email_is_kept_in_lower_case(address: str) -> None:
    try:
        kept = RULES["email"].clean(address)
    except InvalidError:
        return  # the strategy knows addresses that no mail server takes
    assert kept == kept.lower()
    assert "@" in kept


@pytest.mark.parametrize(
    "value",
    ["a", "a@", "@b.c", "a@b", "a b@c.de", "a@b..c", "a@-b.com", "a@b.com, c@d.com", "x" * 255],
)
def test_refuses_what_is_no_email(value: str) -> None:
    with pytest.raises(InvalidError):
        RULES["email"].clean(value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("082 555 0101", "+27 82 555 0101"),
        ("0027825550101", "+27 82 555 0101"),
        ("+27 (0)82 555 0101", "+27 82 555 0101"),
        ("+49 30 123456", "+49 30 123456"),
        ("+1-202-555-0143", "+1 202-555-0143"),
    ],
)
def test_a_phone_number_is_kept_in_international_form(value: str, kept: str) -> None:
    assert RULES["phone"].clean(value) == kept


@pytest.mark.parametrize("value", ["12", "phone", "+27 82", "+999 123456789", "1" * 41])
def test_refuses_what_is_no_phone_number(value: str) -> None:
    with pytest.raises(InvalidError):
        RULES["phone"].clean(value)


def test_a_message_says_what_was_expected_and_what_came() -> None:
    with pytest.raises(InvalidError, match=r'E-mail must be .* like name@example.com, not "nope"'):
        RULES["email"].clean("nope")
    with pytest.raises(InvalidError, match="may have at most 50 characters, not 51"):
        RULES["text"].clean("x" * 51)


def test_a_record_names_every_fault_by_its_path() -> None:
    with pytest.raises(InvalidError) as error:
        RULES["contact"].clean(
            {"last_name": "B", "address": {"city": "x" * 101, "moon": 1}, "tags": "vip"}
        )
    assert set(error.value.fields) == {"first_name", "address.city", "address.moon", "tags"}


def test_a_partial_record_has_only_what_came() -> None:
    rule = Record("Contact", contact_rules("ZA"), partial=True)
    assert rule.clean({"company": " Acme  Ltd "}) == {"company": "Acme Ltd"}
    with pytest.raises(InvalidError, match="First name is required"):
        rule.clean({"first_name": ""})


@given(st.text())
def test_fold_is_stable_and_plain(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert folded == folded.strip()


@pytest.mark.parametrize(
    "person", PEOPLE, ids=lambda person: f"{person.first_name} {person.last_name}"
)
def test_everyone_is_found_by_name_without_accents(person: Person) -> None:
    values = {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "phone": person.phone or None,
    }
    text = derived_columns({**values, "email": None, "company": None, "contact_id": "C-1"})
    for word in search_words(f"{person.first_name} {person.last_name}"):
        assert word in text["search_text"]
        assert word.isascii()
    for word in search_words(person.phone):
        assert word in text["search_text"]


@given(st.text())
def test_a_cursor_is_read_or_refused(text: str) -> None:
    for column in ("sort_name", "date_added", "total_spent_cents", "number"):
        try:
            value, number = _read_cursor(column, text)
        except InvalidError:
            continue
        assert isinstance(number, int)
        assert value is not None


@pytest.mark.parametrize("value", ["short", "aaaaaaaaaaaa", "", None, "x" * 73, 1234567890])
def test_refuses_weak_passwords(value: Any) -> None:
    with pytest.raises(InvalidError):
        RULES["password"].clean(value)


@pytest.mark.parametrize("rule", [Text("Name"), Email("E-mail"), Password("Password")])
def test_halves_of_characters_go_no_further(rule: Any) -> None:
    try:
        kept = rule.clean("carl\ud800@example.com")
    except InvalidError:
        return
    assert kept.encode().decode() == kept


def test_what_is_far_too_long_is_not_looked_at_closely() -> None:
    huge = "e\u0301 " * 4_000_000
    started = time.process_time()
    for rule in (Text("Name"), Email("E-mail"), Record("Person", {"name": Text("Name")})):
        with pytest.raises(InvalidError) as refused:
            rule.clean(huge)
        assert len(refused.value.message) < 300
    with pytest.raises(InvalidError) as refused:
        Record("Person", {}).clean({f"field{n}": n for n in range(200_000)})
    assert len(refused.value.fields) == 20
    assert time.process_time() - started < 2
