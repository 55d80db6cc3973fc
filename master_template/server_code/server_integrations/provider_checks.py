"""One cheap question to each service that shows whether its keys are right.

Each check takes the fields and gives a sentence for a person. It raises :class:`ProviderError`:
``provider_refused`` where the keys are wrong, ``provider_unreachable`` and ``provider_busy`` as
``http_client`` does. Where a service says that a key is right but may not do this, that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from ..server_shared.errors import ProviderError
from ..server_shared.http_client import Answer, ProviderClient
from . import smtp_client
from .provider_addresses import base_url

Values = Mapping[str, str]
Check = Callable[[Values], str]

TEST_MODE = "It is for tests: no money moves and nothing is sent to real customers."
LIVE_MODE = "It is live: real money moves."


def _bearer(title: str, name: str, usual: str, token: str) -> ProviderClient:
    headers = {"authorization": f"Bearer {token}"}
    return ProviderClient(title, base_url(name, usual), headers=headers)


def _refused(message: str) -> ProviderError:
    return ProviderError(message, permanent=True, code="provider_refused")


def _unexpected(title: str, answer: Answer, *said: str) -> ProviderError:
    reason = " ".join(answer.find(*said).split())[:200]
    detail = f": {reason}" if reason else f" with status {answer.status}"
    return ProviderError(f"{title} answered unexpectedly{detail}", permanent=answer.status < 500)


def check_stripe(values: Values) -> str:
    """https://docs.stripe.com/api/balance; a restricted key that may not see it gets 403."""
    client = _bearer("Stripe", "stripe", "https://api.stripe.com", values["secret_key"])
    answer = client.get("/v1/balance")
    if answer.status == 401:
        raise _refused(
            "Stripe does not accept the secret key. It may have been typed wrongly or rolled."
        )
    is_live = "_live_" in values["secret_key"]
    mode = LIVE_MODE if is_live else TEST_MODE
    if answer.status == 403:
        return f"Stripe accepts the key, which is restricted. {mode}"
    if not answer.is_ok or not isinstance(answer.body, dict):
        raise _unexpected("Stripe", answer, "error", "message")
    mode = LIVE_MODE if answer.body.get("livemode") is True else TEST_MODE
    return f"Stripe accepts the key. {mode}"


def check_paystack(values: Values) -> str:
    """https://paystack.com/docs/api/transfer-control/#balance"""
    client = _bearer("Paystack", "paystack", "https://api.paystack.co", values["secret_key"])
    answer = client.get("/balance")
    if answer.is_refused:
        raise _refused("Paystack does not accept the secret key.")
    if (
        not answer.is_ok
        or not isinstance(answer.body, dict)
        or answer.body.get("status") is not True
    ):
        raise _unexpected("Paystack", answer, "message")
    mode = LIVE_MODE if values["secret_key"].startswith("sk_live_") else TEST_MODE
    return f"Paystack accepts the key. {mode}"


def check_paypal(values: Values) -> str:
    """https://developer.paypal.com/api/rest/authentication/"""
    is_live = values["environment"] == "live"
    usual = "https://api-m.paypal.com" if is_live else "https://api-m.sandbox.paypal.com"
    auth = (values["client_id"], values["client_secret"])
    client = ProviderClient("PayPal", base_url("paypal", usual), auth=auth)
    form = {"grant_type": "client_credentials"}
    answer = client.post("/v1/oauth2/token", form=form, is_repeatable=True)
    if answer.status == 401:
        where = "live" if is_live else "sandbox"
        raise _refused(
            f"PayPal's {where} environment does not accept the client ID and secret. Those of "
            f"the {'sandbox' if is_live else 'live environment'} are others."
        )
    if not answer.is_ok or not answer.find("access_token"):
        raise _unexpected("PayPal", answer, "error_description")
    return f"PayPal accepts the client ID and secret. {LIVE_MODE if is_live else TEST_MODE}"


def brevo_client(values: Values) -> ProviderClient:
    """For requests with the key of Brevo (https://developers.brevo.com/docs/api-key-authentication)."""
    address = base_url("brevo", "https://api.brevo.com")
    return ProviderClient("Brevo", address, headers={"api-key": values["api_key"]})


def check_brevo(values: Values) -> str:
    """https://developers.brevo.com/reference/getaccount and .../getsenders-1"""
    client = brevo_client(values)
    answer = client.get("/v3/account")
    if answer.is_refused:
        raise _refused(
            "Brevo does not accept the API key. If it is right, Brevo may be refusing the address "
            "of this server: see Security, Authorized IPs there."
        )
    if not answer.is_ok:
        raise _unexpected("Brevo", answer, "message")
    senders = client.get("/v3/senders")
    listed = senders.body.get("senders") if isinstance(senders.body, dict) else None
    known = [each for each in listed or [] if isinstance(each, dict)]
    sender = values["sender_email"].lower()
    active = any(str(each.get("email")).lower() == sender and each.get("active") for each in known)
    if senders.is_ok and not active:
        raise ProviderError(
            f"Brevo accepts the key, but {sender} is not a verified sender there.", permanent=True
        )
    company = answer.find("companyName") or answer.find("email")
    return f"Brevo accepts the key of {company}."


def check_smtp(values: Values) -> str:
    """Logs in and leaves again."""
    with smtp_client.logged_in(values) as server:
        server.noop()
    return f"The mail server {values['host']} accepts the user name and password."


def check_whatsapp(values: Values) -> str:
    """https://developers.facebook.com/docs/whatsapp/business-management-api/manage-phone-numbers"""
    client = _bearer("WhatsApp", "whatsapp", "https://graph.facebook.com", values["access_token"])
    fields = {"fields": "verified_name,display_phone_number,quality_rating"}
    answer = client.get(f"/v21.0/{quote(values['phone_number_id'])}", fields)
    if answer.is_ok and answer.find("display_phone_number"):
        name = answer.find("verified_name") or "without a name"
        return f"WhatsApp knows the number {answer.find('display_phone_number')} ({name})."
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if code == 190 or answer.status == 401:
        raise _refused("WhatsApp does not accept the access token. It may have expired.")
    if code in (10, 100, 200):
        raise _refused("WhatsApp accepts the token, but it may not use this phone number ID.")
    raise _unexpected("WhatsApp", answer, "error", "message")


def check_twilio(values: Values) -> str:
    """https://www.twilio.com/docs/iam/api/account#fetch-an-account-resource"""
    auth = (values["account_sid"], values["auth_token"])
    client = ProviderClient("Twilio", base_url("twilio", "https://api.twilio.com"), auth=auth)
    answer = client.get(f"/2010-04-01/Accounts/{quote(values['account_sid'])}.json")
    if answer.status in (401, 403, 404):
        raise _refused("Twilio does not accept the account SID and auth token.")
    if not answer.is_ok:
        raise _unexpected("Twilio", answer, "message")
    if answer.find("status") != "active":
        state = answer.find("status") or "not active"
        message = f"Twilio accepts the token, but the account is {state}."
        raise ProviderError(message, permanent=True)
    trial = " It is a trial: only numbers verified at Twilio get messages."
    name = answer.find("friendly_name")
    return f"Twilio accepts the token of {name}.{trial if answer.find('type') == 'Trial' else ''}"


def check_bobgo(values: Values) -> str:
    """https://api.bobgo.co.za/docs"""
    is_live = values["environment"] == "live"
    usual = "https://api.bobgo.co.za" if is_live else "https://api.sandbox.bobgo.co.za"
    client = _bearer("Bob Go", "bobgo", usual, values["api_key"])
    answer = client.get("/v2/shipments", {"limit": "1"})
    if answer.is_refused:
        raise _refused(
            f"Bob Go's {'live environment' if is_live else 'sandbox'} does not accept the key."
        )
    if not answer.is_ok:
        raise _unexpected("Bob Go", answer, "message")
    return f"Bob Go accepts the key. {'It is live.' if is_live else TEST_MODE}"


def check_easyship(values: Values) -> str:
    """https://developers.easyship.com/reference/account_get; 403 is a token without that scope."""
    is_live = values["access_token"].startswith("prod_")
    usual = "https://public-api.easyship.com"
    if not is_live:
        usual = "https://public-api-sandbox.easyship.com"
    client = _bearer("Easyship", "easyship", usual, values["access_token"])
    answer = client.get("/2024-09/account")
    mode = "It is live." if is_live else TEST_MODE
    if answer.status == 401:
        raise _refused("Easyship does not accept the access token.")
    if answer.status == 403:
        return f"Easyship accepts the token, which may not see the account. {mode}"
    if not answer.is_ok:
        raise _unexpected("Easyship", answer, "error", "message")
    name = answer.find("account", "name")
    return f"Easyship accepts the token{' of ' + name if name else ''}. {mode}"


def check_google(values: Values) -> str:
    """Asks for a token with a code that cannot be one: a client that is known hears of a wrong
    code (``invalid_grant``), one that is not of itself (``invalid_client``; RFC 6749 section 5.2).
    """
    client = ProviderClient("Google", base_url("google", "https://oauth2.googleapis.com"))
    form = {
        "grant_type": "authorization_code",
        "code": "a-test-of-the-client",
        "client_id": values["client_id"],
        "client_secret": values["client_secret"],
        "redirect_uri": "https://localhost/",
    }
    answer = client.post("/token", form=form, is_repeatable=True)
    error = answer.find("error")
    if error in ("invalid_client", "unauthorized_client"):
        raise _refused("Google does not accept the client ID and secret.")
    if error in ("invalid_grant", "redirect_uri_mismatch"):
        return "Google knows the client ID and secret. Calendars can be connected with it."
    raise _unexpected("Google", answer, "error_description")


def check_outlook(values: Values) -> str:
    """https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow"""
    usual = "https://login.microsoftonline.com"
    client = ProviderClient("Microsoft", base_url("outlook", usual))
    form = {
        "grant_type": "client_credentials",
        "client_id": values["client_id"],
        "client_secret": values["client_secret"],
        "scope": "https://graph.microsoft.com/.default",
    }
    path = f"/{quote(values['tenant_id'])}/oauth2/v2.0/token"
    answer = client.post(path, form=form, is_repeatable=True)
    if answer.is_ok and answer.find("access_token"):
        return "Microsoft knows the application and its secret. Calendars can be connected with it."
    said = answer.find("error_description")
    if "AADSTS90002" in said or "AADSTS900023" in said:
        raise _refused("Microsoft knows no directory with this tenant ID.")
    if "AADSTS700016" in said:
        raise _refused("The directory has no application with this client ID.")
    if answer.find("error") == "invalid_client":
        raise _refused(
            "Microsoft does not accept the client secret. It wants the secret's value, not its "
            "ID, and it may have expired."
        )
    raise _unexpected("Microsoft", answer, "error_description")


CHECKS: dict[str, Check] = {
    "stripe": check_stripe,
    "paystack": check_paystack,
    "paypal": check_paypal,
    "brevo": check_brevo,
    "smtp": check_smtp,
    "whatsapp": check_whatsapp,
    "twilio": check_twilio,
    "bobgo": check_bobgo,
    "easyship": check_easyship,
    "google": check_google,
    "outlook": check_outlook,
}
