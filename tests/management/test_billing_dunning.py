"""Dunning: reminders, the warning, suspension, and what ends it. The time is handed in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from management.server_billing.dunning_steps import (
    CaseFacts,
    DunningRules,
    Step,
    next_step,
    reminder_day,
)

from tests.management.billing_office import Office, details
from tests.product.studio import Refused

RULES = DunningRules()
BEGIN = datetime(2026, 3, 1, 9, tzinfo=UTC)


@st.composite
def possible_rules(draw: st.DrawFn) -> DunningRules:
    warn_days = draw(st.integers(1, 20))
    suspend_days = draw(st.integers(warn_days + 1, 60))
    reminders = st.lists(st.integers(0, suspend_days - warn_days - 1), max_size=5, unique=True)
    ended_days = draw(st.integers(warn_days, 60))
    return DunningRules(tuple(sorted(draw(reminders))), suspend_days, warn_days, ended_days)


def run_through(
    rules: DunningRules, has_ended: bool, hours: list[int]
) -> list[tuple[Step, datetime]]:
    """What is done when the task comes along after so many hours, each time."""
    done: list[tuple[Step, datetime]] = []
    case, now = CaseFacts(BEGIN, has_ended), BEGIN
    for pause in hours:
        now += timedelta(hours=pause)
        found = next_step(case, rules, now)
        if found is None or found[1] > now:
            continue
        step, last_day, warned_at, suspended_at = found[0], case.last_day, case.warned_at, None
        if step is Step.REMIND:
            last_day = reminder_day(case, rules, now)
        elif step is Step.WARN:
            warned_at = now
        else:
            suspended_at = now
        done.append((step, now))
        case = CaseFacts(BEGIN, has_ended, last_day, warned_at, suspended_at)
    return done


@given(possible_rules(), st.booleans(), st.lists(st.integers(1, 24 * 30), max_size=40))
def test_nobody_is_suspended_without_a_warning_in_time(
    rules: DunningRules, has_ended: bool, hours: list[int]
) -> None:
    assert rules.problems() == {}
    done = run_through(rules, has_ended, hours)
    suspended = [at for step, at in done if step is Step.SUSPEND]
    warned = [at for step, at in done if step is Step.WARN]
    reminded = [at for step, at in done if step is Step.REMIND]
    assert len(suspended) <= 1 and len(warned) <= 1 and len(reminded) <= len(rules.reminder_days)
    if suspended:
        limit = rules.ended_days if has_ended else rules.suspend_days
        assert suspended[0] >= warned[0] + timedelta(days=rules.warn_days)
        assert suspended[0] >= BEGIN + timedelta(days=limit)
    assert not warned or all(at <= warned[0] for at in reminded)


@settings(max_examples=20)
@given(possible_rules(), st.booleans())
def test_who_never_pays_is_suspended_on_the_day(rules: DunningRules, has_ended: bool) -> None:
    done = run_through(rules, has_ended, [1] * (24 * 61 + 1))
    limit = rules.ended_days if has_ended else rules.suspend_days
    step, at = done[-1]
    late = at - (BEGIN + timedelta(days=limit))
    # An hour later where the first run warns, of a case that ends as soon as it may.
    assert step is Step.SUSPEND and timedelta(0) <= late <= timedelta(hours=1)
    expected = 0 if has_ended else len(rules.reminder_days)
    assert [step for step, _ in done].count(Step.REMIND) == expected


def test_after_an_outage_one_reminder_goes_out() -> None:
    steps = run_through(RULES, False, [8 * 24, 1, 1])
    assert [step for step, _ in steps] == [Step.REMIND]


def test_who_does_not_pay_is_reminded_warned_and_suspended(office: Office) -> None:
    name = "highveld-vets"
    subscription = office.subscribe(name)
    invoice = office.fail(subscription)
    assert office.account(name)["account"]["state"] == "past_due"
    begin = office.case_opened_at(name)
    for day in (0, 3, 7):
        office.advance(begin + timedelta(days=day, minutes=1))
    office.advance(begin + timedelta(days=7, minutes=2))  # a task that comes early
    failed = "Your payment for Highveld Vets did not go through"
    assert office.subjects(name) == [failed] * 3
    office.advance(begin + timedelta(days=11, hours=1))
    assert office.subjects(name)[-1].startswith("Highveld Vets will be switched off on ")
    office.advance(begin + timedelta(days=14))  # three days after the warning are not over yet
    assert office.jobs(name) == []
    office.advance(begin + timedelta(days=14, hours=2))
    shown = office.account(name)
    assert shown["account"]["access"] == "suspended" and shown["account"]["state"] == "suspended"
    assert office.jobs(name) == [("instance.stop", "waiting")]
    assert office.subjects(name)[-1] == "Highveld Vets has been switched off"
    assert len(office.subjects(name)) == 5

    office.pay(subscription, invoice)
    shown = office.account(name)
    assert shown["account"]["access"] == "running" and shown["account"]["state"] == "active"
    assert shown["case"] is None
    assert [action for action, _ in office.jobs(name)] == ["instance.stop", "instance.start"]
    assert office.subjects(name)[-1] == "Highveld Vets is back"


def test_two_tasks_at_once_send_one_reminder(office: Office) -> None:
    name = "yzerfontein-surf"
    office.fail(office.subscribe(name))
    at = office.case_opened_at(name) + timedelta(minutes=1)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: office.call("advance_dunning_at", at.isoformat()), range(2)))
    office.settle()
    assert len(office.subjects(name)) == 1 and office.account(name)["case"]["reminders"] == 1


def test_who_has_paid_meanwhile_is_not_suspended(office: Office) -> None:
    name = "kalk-bay-books"
    subscription = office.subscribe(name)
    invoice = office.fail(subscription)
    begin = office.case_opened_at(name)
    office.advance(begin + timedelta(days=11))
    office.stripe.pay(invoice["id"])  # and the message is lost
    office.advance(begin + timedelta(days=15))
    assert office.account(name)["account"]["access"] == "running"
    assert office.account(name)["case"] is None and office.jobs(name) == []


def test_nobody_is_suspended_while_stripe_cannot_be_asked(office: Office) -> None:
    name = "lions-head-gym"
    office.fail(office.subscribe(name))
    begin = office.case_opened_at(name)
    office.advance(begin + timedelta(days=11))
    key, office.stripe.contract.key = office.stripe.contract.key, "sk_test_another_one"
    counts = office.advance(begin + timedelta(days=15))
    office.stripe.contract.key = key
    assert counts["failed"] >= 1 and counts["suspend"] == 0
    assert office.jobs(name) == []
    assert office.advance(begin + timedelta(days=15, hours=2))["suspend"] >= 1
    assert office.jobs(name) == [("instance.stop", "waiting")]


def test_who_is_suspended_by_hand_stays_so(office: Office) -> None:
    name = "mossel-bay-inn"
    subscription = office.subscribe(name)
    invoice = office.fail(subscription)
    office.call("suspend_tenant", name, "They asked for it")
    office.pay(subscription, invoice)
    assert office.account(name)["case"] is None
    assert office.account(name)["account"]["access"] == "suspended"
    office.call("resume_tenant", name)
    assert office.account(name)["account"]["access"] == "running"
    with pytest.raises(Refused, match="is not suspended"):
        office.call("resume_tenant", name)


def test_who_is_resumed_unpaid_has_all_the_days_again(office: Office) -> None:
    name = "namaqua-tours"
    office.fail(office.subscribe(name))
    begin = office.case_opened_at(name)
    office.advance(begin + timedelta(days=11))
    office.advance(begin + timedelta(days=15))
    assert office.account(name)["account"]["access"] == "suspended"
    office.call("resume_tenant", name)
    assert office.case_opened_at(name) > begin
    assert office.account(name)["case"]["next_step"] == "remind"
    assert office.account(name)["account"]["state"] == "past_due"


def test_who_pays_nothing_by_agreement_is_left_alone(office: Office) -> None:
    name = "overberg-yoga"
    office.fail(office.subscribe(name))
    office.call("update_billing_account", name, details(name, is_exempt=True), 1)
    shown = office.account(name)
    assert shown["account"]["state"] == "exempt" and shown["case"] is None


def test_the_end_of_a_subscription_is_told_before_the_end(office: Office) -> None:
    name = "paarl-pottery"
    office.subscribe(name)
    office.call("cancel_subscription", name, "now")
    begin = office.case_opened_at(name)
    office.advance(begin + timedelta(days=4, minutes=1))
    assert office.subjects(name) == ["The subscription of Paarl Pottery has ended"]
    office.advance(begin + timedelta(days=7, hours=1))
    assert office.account(name)["account"]["access_reason"] == "ended"
    # Subscribing again by the link of a mail brings the tenant back.
    link = office.call("create_checkout_link", name, "studio")["link"]
    session = office.session_of(office.open_link(link))
    office.tell("customer.subscription.created", office.stripe.subscribe(session["id"]))
    assert office.account(name)["account"]["access"] == "running"


def test_the_agent_s_failure_shows_at_the_account(office: Office) -> None:
    name = "quince-cafe"
    office.subscribe(name)
    office.call("suspend_tenant", name, "A test")
    office.console.query(
        "UPDATE app.operator_jobs SET state = 'cancelled', ended_at = now() WHERE instance <> %s "
        "AND state = 'waiting'",
        name,
    )
    with office.console.uplink() as agent:
        lease = "a-lease-of-this-test"
        job = agent.call("take_job", lease)["job"]
        agent.call(
            "end_job", job_id=job["job_id"], lease=lease, is_done=False, error="No such folder."
        )
    assert office.account(name)["account"]["access_job"] == "failed"


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"warn_days": 14}, "warn_days"),
        ({"reminder_days": [0, 12]}, "reminder_days"),
        ({"ended_days": 2}, "ended_days"),
        ({"suspend_days": 0}, "suspend_days"),
    ],
    ids=["warned too early", "reminded too late", "ended too soon", "no days"],
)
def test_refuses_rules_that_break_a_promise(
    office: Office, rules: dict[str, object], field: str
) -> None:
    given_now = office.call("get_dunning_rules")
    with pytest.raises(Refused) as refused:
        office.call("update_dunning_rules", {**given_now["rules"], **rules}, given_now["version"])
    assert field in refused.value.fields


def test_other_rules_count_for_open_cases(office: Office) -> None:
    name = "robertson-wine"
    office.fail(office.subscribe(name))
    given_now = office.call("get_dunning_rules")
    gentle = {**given_now["rules"], "is_suspending": False, "reminder_days": [0]}
    kept = office.call("update_dunning_rules", gentle, given_now["version"])
    try:
        begin = office.case_opened_at(name)
        for day in (1, 20, 40):
            office.advance(begin + timedelta(days=day))
        assert len(office.subjects(name)) == 1 and office.jobs(name) == []
    finally:
        office.call("update_dunning_rules", given_now["rules"], kept["version"])
