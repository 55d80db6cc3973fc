"""Many people at once: numbers without gaps or doubles, and no two contacts with one address.

Each guard is tested with the window held open: the copy of the template sleeps between looking and
writing. The controls show that without the guards the same races do harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.product.studio import Refused, Studio, copy_template, open_studio

SERVICE = "server_code/server_customers/contact_service.py"
SEQUENCES = "server_code/server_shared/sequences.py"
PEOPLE = 4
ROUNDS = 5

OPEN_WINDOWS = {
    SERVICE: [
        (
            "    (number,) = take_numbers(CONTACTS)\n    row = add_contact",
            "    import time; time.sleep(0.03)\n"
            "    (number,) = take_numbers(CONTACTS)\n    row = add_contact",
        )
    ],
    SEQUENCES: [
        (
            '    last = int(row["value"])\n',
            '    last = int(row["value"])\n    import time; time.sleep(0.02)\n',
        )
    ],
}
TRANSACTIONS = "server_code/server_shared/transactions.py"
NO_TRANSACTION = ("anvil.tables.in_transaction(alone)", "alone")


@contextmanager
def studio_with(
    folder: Path, database_url: str, *, transaction: bool, constraints: bool
) -> Iterator[Studio]:
    """The product with its race windows held open, and with or without each of its guards."""
    changes = {name: list(edits) for name, edits in OPEN_WINDOWS.items()}
    if not transaction:
        changes[TRANSACTIONS] = [NO_TRANSACTION]
    template = copy_template(folder, changes)
    if not constraints:
        (template / "constraints.yaml").unlink()
    with open_studio(folder / "instance", database_url, template=template) as studio:
        yield studio


def create_at_once(
    studio: Studio, *, same_email: bool, domain: str = "example.com"
) -> Counter[str]:
    """PEOPLE people make ROUNDS contacts each, at once; how often which answer came."""
    with ExitStack() as stack:
        callers = [stack.enter_context(studio.uplink()) for _ in range(PEOPLE)]

        def work(person: int) -> Counter[str]:
            outcomes: Counter[str] = Counter()
            for turn in range(ROUNDS):
                owner = turn if same_email else f"{person}-{turn}"
                contact = {
                    "first_name": "P",
                    "last_name": f"{person}",
                    "email": f"{owner}@{domain}",
                }
                try:
                    callers[person].call("create_contact", contact)
                    outcomes["made"] += 1
                except Refused as refused:
                    outcomes[refused.code] += 1
            return outcomes

        with ThreadPoolExecutor(PEOPLE) as pool:
            return sum(pool.map(work, range(PEOPLE)), Counter())


def numbers(studio: Studio) -> list[int]:
    return [int(row[0]) for row in studio.query("SELECT number FROM app.contacts ORDER BY number")]


def doubles(studio: Studio) -> int:
    """How many e-mail addresses more than one contact has."""
    found = studio.query(
        "SELECT count(*) FROM (SELECT email FROM app.contacts GROUP BY email HAVING count(*) > 1) d"
    )
    return int(found[0][0])


@pytest.mark.parametrize("constraints", [True, False])
def test_numbers_have_neither_gaps_nor_doubles(
    tmp_path: Path, database_url: str, constraints: bool
) -> None:
    with studio_with(tmp_path, database_url, transaction=True, constraints=constraints) as studio:
        outcomes = create_at_once(studio, same_email=False)
        assert outcomes == {"made": PEOPLE * ROUNDS}
        assert numbers(studio) == list(range(1, PEOPLE * ROUNDS + 1))


def test_control_without_the_transaction_numbers_are_given_twice(
    tmp_path: Path, database_url: str
) -> None:
    with studio_with(tmp_path, database_url, transaction=False, constraints=False) as studio:
        create_at_once(studio, same_email=False)
        assert len(set(numbers(studio))) < len(numbers(studio))


@pytest.mark.parametrize(
    ("transaction", "constraints"),
    [(True, True), (True, False), (False, True)],
    ids=["both guards", "the transaction alone", "the constraint alone"],
)
def test_one_address_makes_one_contact(
    tmp_path: Path, database_url: str, transaction: bool, constraints: bool
) -> None:
    with studio_with(
        tmp_path, database_url, transaction=transaction, constraints=constraints
    ) as studio:
        outcomes = create_at_once(studio, same_email=True)
        assert doubles(studio) == 0
        if transaction:
            assert outcomes == {"made": ROUNDS, "duplicate_email": (PEOPLE - 1) * ROUNDS}
        else:
            # Numbers collide too then, and the database may name either rule.
            assert 0 < outcomes["made"] <= ROUNDS
            assert outcomes.total() == PEOPLE * ROUNDS


def test_control_without_guards_one_address_makes_several(
    tmp_path: Path, database_url: str
) -> None:
    with studio_with(tmp_path, database_url, transaction=False, constraints=False) as studio:
        # Until two meet: on a busy machine one round may go through in single file.
        met = (
            create_at_once(studio, same_email=True, domain=f"round{number}.example")
            and doubles(studio) > 0
            for number in range(10)
        )
        assert any(met)
