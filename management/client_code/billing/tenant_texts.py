"""What the page of a tenant's billing says."""

from anvil.js import window

from master_template.shared import formatting

from . import billing_texts

JOB_TEXTS = {
    "waiting": "The operator agent has been asked to see to it.",
    "running": "The operator agent is at it.",
    "failed": "The operator agent could not do it: see Jobs.",
    "cancelled": "The job was taken back: see Jobs.",
}


def show(nodes, answer):
    """Fill the DOM nodes of the page with an answer of `get_billing_account`."""
    account, subscription = answer["account"], answer["subscription"]
    nodes["title"].textContent = account["billing_name"]
    nodes["subtitle"].textContent = account["instance_name"]
    chip, state = nodes["account_state"], account["state"]
    chip.textContent = billing_texts.STATE_NAMES[state]
    chip.className = "mb-chip " + billing_texts.STATE_CLASSES.get(state, "")
    chip.hidden = False
    _show_banner(nodes, "access", _access_text(account))
    _show_banner(nodes, "surplus", _surplus_text(answer["surplus"]))
    _show_banner(nodes, "case", _case_text(answer["case"]))
    _show_subscription(nodes, subscription, account)
    _show_usage(nodes["usage"], answer["usage"])
    _show_facts(nodes["facts"], _details(account))


def _show_banner(nodes, name, text):
    nodes[name].hidden = not text
    nodes[name + "_text"].textContent = text


def _access_text(account):
    job = JOB_TEXTS.get(account["access_job"], "")
    if account["access"] != "suspended":
        if account["access_job"] in ("failed", "cancelled"):
            return "This tenant shall run again. " + job
        return ""
    since = formatting.day_and_time(account["access_changed_at"])
    note = (account["access_note"] or "").strip()
    if note and note[-1] not in ".!?":
        note = note + "."
    parts = ("Suspended since {}.".format(since), note, job)
    return " ".join(part for part in parts if part)


def _surplus_text(surplus):
    if not surplus:
        return ""
    prices = [
        billing_texts.price(one["price_cents"], one["currency"], one["interval"]) for one in surplus
    ]
    return (
        "This tenant pays for a second subscription ({}). End it at Stripe, and refund what was "
        "paid for it.".format(", ".join(prices))
    )


def _case_text(case):
    if case is None:
        return ""
    if case["reason"] == "ended":
        text = "The subscription has ended."
    else:
        owed = formatting.money(case["owed_cents"], case["currency"]) if case["owed_cents"] else ""
        text = "A payment failed on {}.".format(formatting.day(case["opened_at"]))
        if owed:
            text = "{} {} is owed.".format(text, owed)
    if case["reminders"]:
        sent = formatting.plural(case["reminders"], "reminder was", "reminders were")
        text = "{} {} sent.".format(text, sent)
    if case["next_step"]:
        step = billing_texts.STEP_NAMES[case["next_step"]]
        text = "{} Next: {} on {}.".format(text, step, formatting.day(case["next_step_at"]))
    return text


def _show_subscription(nodes, subscription, account):
    facts = []
    if subscription is None:
        nodes["price"].textContent = "Free of charge" if account["is_exempt"] else "No subscription"
        nodes["subscription_text"].textContent = (
            "No payment is expected of this tenant."
            if account["is_exempt"]
            else "Send the link to subscribe; it shows here as soon as the card is entered."
        )
    else:
        plan = subscription["plan"]
        nodes["price"].textContent = billing_texts.price(
            subscription["price_cents"], subscription["currency"], subscription["interval"]
        )
        nodes["subscription_text"].textContent = plan["name"] if plan else "A plan of Stripe's own"
        facts.append(("Since", formatting.day(subscription["started_at"])))
        facts.append(_end_of(subscription))
        if subscription["trial_ends_at"] and subscription["status"] == "trialing":
            facts.append(("Trial until", formatting.day(subscription["trial_ends_at"])))
    _show_facts(nodes["subscription_facts"], facts)


def _end_of(subscription):
    if subscription["ended_at"]:
        return "Ended on", formatting.day(subscription["ended_at"])
    if subscription["cancel_at"]:
        return "Ends on", formatting.day(subscription["cancel_at"])
    return "Next payment", formatting.day(subscription["period_end"])


def _details(account):
    place = " ".join(part for part in (account["postal_code"], account["city"]) if part)
    address = ", ".join(part for part in (account["street"], place, account["country"]) if part)
    return [
        ("Name on invoices", account["billing_name"]),
        ("E-mail", account["billing_email"]),
        ("Address", address),
        ("VAT id", account["tax_id"] or "–"),
        ("Free of charge", "Yes" if account["is_exempt"] else "No"),
    ]


def _show_facts(place, facts):
    place.replaceChildren()
    for label, value in facts:
        place.append(_node("dt", label), _node("dd", value))


def _show_usage(place, usage):
    place.replaceChildren()
    for one in usage:
        name, used, limit = one["name"], one["used"], one["limit"]
        label = billing_texts.LIMIT_NAMES[name]
        text = "{}: {} of {}".format(
            label, billing_texts.limit(name, used), billing_texts.limit(name, limit)
        )
        place.append(_node("p", text))
        if limit:
            meter = window.document.createElement("meter")
            meter.max, meter.high, meter.value = limit, limit * 0.9, min(used, limit)
            meter.setAttribute("aria-label", label)
            place.append(meter)
        if limit and used > limit:
            warning = _node("p", "More than the plan includes.")
            warning.className = "mc-late"
            place.append(warning)


def _node(tag, text):
    node = window.document.createElement(tag)
    node.textContent = text
    return node
