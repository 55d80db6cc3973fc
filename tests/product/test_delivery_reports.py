"""Reports of mail servers on mails that came back: read right, whoever wrote them and however."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master_template.server_emails.delivery_reports import (
    COMPLAINT,
    DELAYED,
    HARD,
    SOFT,
    is_automatic,
    read_report,
)
from tests.product import returned_mail
from tests.product.returned_mail import MAIL_ID, TO, as_anvil


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("POSTFIX", HARD, "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown"),
        ("POSTFIX_HEADERS_ONLY", HARD, "550 5.1.1"),
        ("POSTFIX_NO_DOMAIN", HARD, "Host or domain name not found"),
        ("POSTFIX_DELAYED", DELAYED, "timed out"),
        ("POSTFIX_EXPIRED", SOFT, "delivery temporarily suspended"),
        ("CRLF", HARD, "User unknown"),
        ("FULL", SOFT, "over quota"),
        ("SPAM_REFUSED", SOFT, "rejected as spam"),
        ("EXCHANGE", HARD, "RecipientNotFound"),
        ("EXCHANGE_EDGE", HARD, "Access denied"),
        ("EXCHANGE_DELAYED", DELAYED, "Status 4.4.7"),
        ("GMAIL", HARD, "does not exist"),
        ("GMAIL_DELAYED", DELAYED, "did not accept"),
        ("ZOHO", HARD, "5.1.1 User unknown"),
        ("ZOHO_SPAM", SOFT, "headers fail syntax check"),
        ("ZOHO_DELAYED", DELAYED, "Host not reachable"),
        ("ZOHO_TEXT", HARD, "NXDOMAIN"),
        ("EXIM", HARD, "550 No such user here"),
        ("EXIM_FULL", SOFT, "552 mailbox is full"),
        ("QMAIL", HARD, "no mailbox here by that name"),
        ("COMPLAINT", COMPLAINT, "Reported as spam"),
    ],
)
def test_each_servers_form_is_read(name: str, kind: str, said: str) -> None:
    message = as_anvil(getattr(returned_mail, name))
    report = read_report(message)
    assert report is not None and is_automatic(message)
    [recipient] = report.recipients
    assert recipient.kind == kind
    assert said in recipient.said
    assert name == "QMAIL" or TO in recipient.addresses
    named = [report.headers.get("message-id", ""), *report.texts]
    assert any(f"<{MAIL_ID}@yogastudio.example>" in each for each in named)


def test_when_and_whom_a_report_speaks_of() -> None:
    report = read_report(as_anvil(returned_mail.POSTFIX))
    assert report is not None and report.recipients[0].occurred_at is not None
    assert report.recipients[0].occurred_at.isoformat() == "2026-03-14T09:29:30+00:00"
    assert report.headers["to"] == "Ann <ann@example.com>"
    passed_on = read_report(as_anvil(returned_mail.PASSED_ON))
    assert passed_on is not None
    assert [(each.kind, each.addresses) for each in passed_on.recipients] == [
        (HARD, ("old@team.example",)),
        (SOFT, ("new@team.example",)),
    ]


@pytest.mark.parametrize(
    ("content", "is_machine"),
    [
        (returned_mail.SUCCESS, True),
        (returned_mail.AWAY, True),
        (returned_mail.ANSWER, False),
    ],
    ids=["success", "away", "answer"],
)
def test_what_is_no_report(content: bytes, is_machine: bool) -> None:
    message = as_anvil(content, sender=TO)
    assert read_report(message) is None
    assert is_automatic(message) is is_machine


@given(st.data())
def test_a_broken_report_breaks_nothing(data: st.DataObject) -> None:
    content = data.draw(
        st.sampled_from([returned_mail.POSTFIX, returned_mail.ZOHO_TEXT, returned_mail.EXIM])
    )
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    noise = data.draw(st.binary(max_size=40))
    report = read_report(as_anvil(content[:start] + noise + content[end:]))
    assert report is None or all(each.kind in (HARD, SOFT, DELAYED) for each in report.recipients)
