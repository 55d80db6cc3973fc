"""Integrations: their secrets never come out again, and a test says plainly whether they work."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import yaml

from master_template.server_integrations.integration_registry import INTEGRATIONS
from master_template.server_integrations.provider_checks import CHECKS
from tests.product.conftest import fresh_database
from tests.product.outside_world import World, connect, open_world
from tests.product.providers.server import Reply
from tests.product.studio import FIELD_KEYS, Caller, Refused
from tests.product.vault import key_id, move_all


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with fresh_database(postgres_url) as database_url, open_world(folder, database_url) as running:
        yield running


@pytest.fixture
def olga(world: World) -> Iterator[Caller]:
    with world.studio.person("olga") as caller:
        yield caller


def shown(caller: Caller, name: str) -> dict:
    listed = caller.call("list_integrations")["integrations"]
    return next(each for each in listed if each["name"] == name)


def test_each_integration_has_a_check_and_a_server() -> None:
    assert set(INTEGRATIONS) == set(CHECKS) == set(World().right_fields())


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_right_keys_work(world: World, olga: Caller, name: str) -> None:
    fields = world.right_fields()[name]
    connect(olga, name, fields)
    answer = olga.call("test_integration", name)
    assert answer["is_working"] is True, answer["message"]
    assert INTEGRATIONS[name].title.split()[0] in answer["message"] or name in ("smtp", "outlook")
    after = shown(olga, name)
    assert (after["is_working"], after["message"]) == (True, answer["message"])
    assert after["saved_by"] == "Olga Naidoo"
    times = "SELECT tested_at > saved_at FROM app.integrations WHERE name = %s"
    assert world.studio.query(times, name) == [(True,)]


WRONG = {
    "stripe": {"secret_key": "sk_test_ThisOneIsWrong0001"},
    "paystack": {"secret_key": "sk_test_thisoneiswrong"},
    "paypal": {"client_secret": "this-one-is-wrong-0001"},
    "brevo": {"api_key": "xkeysib-this-one-is-wrong"},
    "smtp": {"password": "not the password"},
    "whatsapp": {"access_token": "EAAJ-this-one-is-wrong-0001"},
    "twilio": {"auth_token": "0" * 32},
    "bobgo": {"api_key": "this-one-is-wrong"},
    "easyship": {"access_token": "sand_this-one-is-wrong"},
    "google": {"client_secret": "this-one-is-wrong"},
    "outlook": {"client_secret": "this-one-is-wrong"},
}


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_wrong_keys_are_told(world: World, olga: Caller, name: str) -> None:
    connect(olga, name, {**world.right_fields()[name], **WRONG[name]})
    answer = olga.call("test_integration", name)
    assert answer["is_working"] is False
    assert "not accept" in answer["message"]
    assert all(secret not in json.dumps(answer) for secret in WRONG[name].values())


@pytest.mark.parametrize(
    ("name", "changed", "says", "works"),
    [
        ("stripe", {"secret_key": "live"}, "It is live: real money moves", True),
        ("stripe", {"secret_key": "restricted"}, "restricted", True),
        ("easyship", {"access_token": "narrow"}, "may not see the account", True),
        ("brevo", {"sender_email": "who@yogastudio.example"}, "not a verified sender", False),
        ("whatsapp", {"phone_number_id": "99999999"}, "may not use this phone number", False),
        ("outlook", {"tenant_id": "nobody.onmicrosoft.com"}, "no directory", False),
        (
            "outlook",
            {"client_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12},
            "no application",
            False,
        ),
    ],
)
def test_what_a_service_says_is_told_in_plain_words(
    world: World, olga: Caller, name: str, changed: dict, says: str, works: bool
) -> None:
    fields = {**world.right_fields()[name], **changed}
    if fields.get("secret_key") == "live":
        fields |= {"secret_key": world.stripe.live_key, "publishable_key": "pk_live_51Hx9aPub"}
    elif fields.get("secret_key") == "restricted":
        fields["secret_key"] = world.stripe.restricted_key
    elif fields.get("access_token") == "narrow":
        fields["access_token"] = world.easyship.narrow_token
    connect(olga, name, fields)
    answer = olga.call("test_integration", name)
    assert says in answer["message"]
    assert answer["is_working"] is works


def test_a_trial_account_is_told(world: World, olga: Caller) -> None:
    connect(olga, "twilio", world.right_fields()["twilio"])
    world.twilio.account_type = "Trial"
    try:
        assert "trial" in olga.call("test_integration", "twilio")["message"]
    finally:
        world.twilio.account_type = "Full"


def test_a_busy_service_is_asked_again_after_the_time_it_names(world: World, olga: Caller) -> None:
    connect(olga, "stripe", world.right_fields()["stripe"])
    world.stripe.requests.clear()
    world.stripe.trouble = [Reply(429, {}, {"retry-after": "1"}), Reply(503, {})]
    assert olga.call("test_integration", "stripe")["is_working"] is True
    assert len(world.stripe.requests) == 3


def test_a_service_that_stays_busy_is_told(world: World, olga: Caller) -> None:
    connect(olga, "stripe", world.right_fields()["stripe"])
    world.stripe.requests.clear()
    world.stripe.trouble = [Reply(429, {}, {"retry-after": "3600"})]
    answer = olga.call("test_integration", "stripe")
    assert answer["is_working"] is False
    assert "busy" in answer["message"]
    assert len(world.stripe.requests) == 1  # An hour is not waited for.


def test_a_service_that_is_down_is_told(world: World, olga: Caller) -> None:
    connect(olga, "stripe", world.right_fields()["stripe"])
    world.stripe.trouble = [Reply(500, {"error": {"message": "An error on our side."}})]
    answer = olga.call("test_integration", "stripe")
    assert (answer["is_working"], answer["message"]) == (
        False,
        "Stripe answered unexpectedly: An error on our side.",
    )


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, None, raw=b"<html>no JSON"),
        Reply(200, ["not", "a", "balance"]),
        Reply(302, None, {"location": "http://169.254.169.254/latest/meta-data"}),
        Reply(200, None, raw=b"x" * 2_000_000),
    ],
    ids=["html", "list", "redirect", "endless"],
)
def test_a_strange_answer_is_no_success(world: World, olga: Caller, reply: Reply) -> None:
    connect(olga, "stripe", world.right_fields()["stripe"])
    world.stripe.trouble = [reply]
    answer = olga.call("test_integration", "stripe")
    assert answer["is_working"] is False


def test_what_a_service_repeats_of_a_secret_is_hidden(world: World, olga: Caller) -> None:
    fields = world.right_fields()["stripe"]
    connect(olga, "stripe", fields)
    text = f"Strange: {fields['secret_key']}"
    world.stripe.trouble = [Reply(400, {"error": {"message": text}})]
    answer = olga.call("test_integration", "stripe")
    assert answer["message"] == "Stripe answered unexpectedly: Strange: •••"


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_no_secret_ever_comes_out(world: World, olga: Caller, name: str) -> None:
    """Neither to a browser, nor into the database, nor into the audit log."""
    fields = world.right_fields()[name]
    answers = [connect(olga, name, fields), olga.call("test_integration", name), shown(olga, name)]
    secrets = [fields[secret] for secret in INTEGRATIONS[name].secret_names]
    assert secrets
    stored = world.studio.query("SELECT row_to_json(t)::text FROM app.integrations t")
    logged = world.studio.query("SELECT row_to_json(t)::text FROM app.audit_log t")
    everything = json.dumps(answers, default=str) + str(stored) + str(logged)
    assert [secret for secret in secrets if secret in everything] == []
    for field in shown(olga, name)["fields"]:
        if field["kind"] == "secret":
            assert field["is_set"] is True
            assert "value" not in field
            assert field["ending"] in ("", fields[field["name"]][-4:])


def test_a_secret_that_is_left_empty_stays(world: World, olga: Caller) -> None:
    fields = world.right_fields()["stripe"]
    connect(olga, "stripe", fields)
    connect(olga, "stripe", {**fields, "publishable_key": "pk_test_AnotherOne01", "secret_key": ""})
    assert olga.call("test_integration", "stripe")["is_working"] is True
    assert shown(olga, "stripe")["fields"][0]["value"] == "pk_test_AnotherOne01"


def test_a_stored_password_is_not_sent_to_another_server(world: World, olga: Caller) -> None:
    """Whoever may edit settings must not be able to have it sent to a server of their own."""
    fields = world.right_fields()["smtp"]
    connect(olga, "smtp", fields)
    for changed in ({"host": "evil.example"}, {"port": "26"}, {"username": "other"}):
        with pytest.raises(Refused) as refused:
            connect(olga, "smtp", {**fields, **changed, "password": ""})
        assert "enter this again" in refused.value.fields["password"]
    assert shown(olga, "smtp")["fields"][0]["value"] == "localhost"


def test_faults_are_told_at_their_fields(world: World, olga: Caller) -> None:
    with pytest.raises(Refused) as refused:
        wrong = {"publishable_key": "sk_test_SecretInTheWrongField", "secret_key": "x"}
        connect(olga, "stripe", {**wrong, "webhook_secret": "", "colour": "red"})
    assert set(refused.value.fields) == {"publishable_key", "secret_key", "colour"}
    assert "SecretInTheWrongField" not in json.dumps(refused.value.answer)
    with pytest.raises(Refused) as refused:
        fields = world.right_fields()["stripe"]
        connect(olga, "stripe", {**fields, "publishable_key": "pk_live_51Hx9aPublishable"})
    assert "of one kind" in refused.value.fields["secret_key"]


def test_two_who_edit_at_once_do_not_overwrite_each_other(world: World, olga: Caller) -> None:
    fields = world.right_fields()["easyship"]
    version = connect(olga, "easyship", fields)["version"]
    with pytest.raises(Refused) as refused:
        olga.call("update_integration", "easyship", fields, version - 1)
    assert refused.value.code == "edited_meanwhile"


def test_disconnecting_forgets_everything(world: World, olga: Caller) -> None:
    connect(olga, "google", world.right_fields()["google"])
    gone = olga.call("delete_integration", "google")["integration"]
    assert (gone["is_connected"], gone["version"], gone["message"]) == (False, 0, "")
    assert world.studio.query("SELECT 1 FROM app.integrations WHERE name = 'google'") == []
    with pytest.raises(Refused, match="not connected"):
        olga.call("test_integration", "google")


def test_a_mail_server_in_a_private_network_is_refused(world: World, olga: Caller) -> None:
    """The operator allows localhost here, and nothing else."""
    fields = world.right_fields()["smtp"]
    for host in ("127.0.0.1", "169.254.169.254", "10.0.0.1"):
        connect(olga, "smtp", {**fields, "host": host})
        answer = olga.call("test_integration", "smtp")
        assert answer["is_working"] is False
        assert "not a server of the public internet" in answer["message"]


def test_changes_and_tests_are_in_the_audit_log(world: World, olga: Caller) -> None:
    fields = world.right_fields()["bobgo"]
    olga.call("delete_integration", "bobgo")
    connect(olga, "bobgo", fields)
    olga.call("test_integration", "bobgo")
    found = world.studio.query(
        "SELECT action, user_email FROM app.audit_log WHERE resource_type = 'integration' "
        "AND resource_id = 'bobgo' ORDER BY logged_at DESC LIMIT 2"
    )
    assert found == [("test", "olga@yogastudio.example"), ("update", "olga@yogastudio.example")]


def test_its_secrets_move_to_a_new_key(world: World, olga: Caller) -> None:
    """And once the old key is gone they can still be read, or entered anew where they cannot."""
    connect(olga, "stripe", world.right_fields()["stripe"])
    old, new = FIELD_KEYS[0], FIELD_KEYS[1]
    give_keys(world, new, old)
    with world.studio.uplink() as script:
        assert move_all(script) == 0
    give_keys(world, new)
    assert olga.call("test_integration", "stripe")["is_working"] is True
    give_keys(world, old)
    assert olga.answer("test_integration", "stripe")["code"] == "encryption_key_unknown"
    connect(olga, "stripe", world.right_fields()["stripe"])
    assert olga.call("test_integration", "stripe")["is_working"] is True


def give_keys(world: World, *keys: str) -> None:
    """Change the keys of the instance as its operator does, and wait until it has them."""
    config = yaml.safe_load(world.studio.config_file.read_text())
    config["secret"]["field_encryption_keys"] = ",".join(keys)
    world.studio.config_file.write_text(yaml.safe_dump(config))
    world.studio.reload()
    expected = [key_id(key) for key in keys]
    deadline = time.monotonic() + 60
    with world.studio.uplink() as script:
        while script.call("get_encryption_status")["keys"] != expected:
            assert time.monotonic() < deadline, "the server does not read its keys anew"
