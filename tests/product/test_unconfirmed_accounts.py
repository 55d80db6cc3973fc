"""Accounts that nobody confirmed go after a while, and nothing else does."""

from __future__ import annotations

from tests.product.customers import AGREED, CONTACTS, make_contact, make_customer
from tests.product.studio import PASSWORD, Studio

AGE = "UPDATE app.users SET signed_up = now() - %s * interval '1 day' WHERE email = %s"
HERE = "SELECT 1 FROM app.users WHERE email = %s"


def sign_up(studio: Studio, email: str, age_days: int) -> None:
    with studio.person() as caller:
        caller.call(
            "sign_up",
            first_name="Typed",
            last_name="Bysomeone",
            email=email,
            password=PASSWORD,
            agreed=AGREED,
            marketing=True,
        )
    studio.query(AGE, age_days, email)


def test_erases_what_nobody_confirmed(empty_studio: Studio) -> None:
    old, young = "old@unconfirmed.example", "young@unconfirmed.example"
    with empty_studio.person("mia") as mia:
        known = make_contact(mia, email=old, first_name="Oldwin")
    sign_up(empty_studio, old, 31)
    sign_up(empty_studio, young, 29)
    confirmed = make_customer(empty_studio, "confirmed")
    empty_studio.query(AGE, 400, confirmed)
    empty_studio.query(AGE, 400, "sam@yogastudio.example")

    assert empty_studio.do_job("unconfirmed_accounts")["state"] == "done"

    assert empty_studio.query(HERE, old) == []
    for stays in (young, confirmed, "sam@yogastudio.example"):
        assert empty_studio.query(HERE, stays) == [(1,)], stays
    # Whom the business knows by other ways stays known.
    assert empty_studio.query(CONTACTS, old) == [(known,)]
    left = empty_studio.query(
        "SELECT row_to_json(t)::text FROM app.consents t "
        "UNION ALL SELECT row_to_json(t)::text FROM app.audit_log t "
        "WHERE resource_type = 'user'"
    )
    assert not [row for (row,) in left if old in row or "Bysomeone" in row and young not in row]
    entries = "SELECT resource_id FROM app.audit_log WHERE action = 'erase'"
    assert empty_studio.query(entries) == [("erased",)]

    assert empty_studio.do_job("unconfirmed_accounts")["state"] == "done"
    assert empty_studio.query(entries) == [("erased",)], "nothing is left to do"


def test_more_than_a_batch(empty_studio: Studio) -> None:
    empty_studio.query(
        "INSERT INTO app.users (email, role, status, enabled, confirmed_email, signed_up) "
        "SELECT 'many' || n || '@unconfirmed.example', 'customer', 'active', true, "
        "CASE WHEN n % 2 = 0 THEN false END, now() - interval '60 days' "
        "FROM generate_series(1, 230) n"
    )
    assert empty_studio.do_job("unconfirmed_accounts")["state"] == "done"
    many = "SELECT count(*) FROM app.users WHERE email LIKE 'many%%'"
    assert empty_studio.query(many) == [(0,)]
