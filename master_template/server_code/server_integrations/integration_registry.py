"""The outside services that a business can connect: their fields, and where to find the values.

A field that is ``is_secret`` is kept encrypted and never sent out again; ``shows_ending`` allows
its last four characters, by which the service's own pages name it. One that ``binds`` says to whom
or as whom the secrets are sent: with another value there, they have to be entered anew, or whoever
may edit settings could have a password that they never saw sent to a server of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..server_shared.errors import InvalidError
from ..server_shared.validators import Choice, Email, Int, Rule, Text

PAYMENTS, MAIL, MESSAGES, SHIPPING, CALENDARS = (
    "Payments",
    "E-mail",
    "Messages",
    "Shipping",
    "Calendars",
)


@dataclass(frozen=True)
class Field:
    """One field of an integration. ``kind`` is ``text``, ``secret`` or ``choice``."""

    name: str
    rule: Rule
    kind: str = "text"
    hint: str = ""
    binds: bool = False
    shows_ending: bool = True
    options: tuple[tuple[str, str], ...] = ()

    @property
    def is_secret(self) -> bool:
        return self.kind == "secret"


@dataclass(frozen=True)
class Integration:
    """One outside service. ``help`` says where its values are found, ``help_url`` leads there."""

    name: str
    title: str
    group: str
    text: str
    help: str
    help_url: str
    fields: tuple[Field, ...]

    @property
    def secret_names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.is_secret)


class Key(Rule):
    """A key or token: visible characters of ASCII without spaces, as its pattern says."""

    def __init__(
        self,
        label: str,
        pattern: str = r"[!-~]{8,500}",
        *,
        looks: str = "",
        required: bool = True,
    ) -> None:
        super().__init__(label, required=required, default="")
        self.pattern = re.compile(pattern, re.ASCII)
        self.looks = looks

    def check(self, value: Any) -> str:
        """Never quotes what was typed: it may be a secret in the wrong field."""
        text = value.strip() if isinstance(value, str) else ""
        if len(text) > 4_000 or not self.pattern.fullmatch(text):
            expected = f"begin like {self.looks}" if self.looks else "be a key without spaces"
            raise InvalidError(f"{self.label} must {expected}.")
        return text


class SecretText(Rule):
    """A password of another service: kept exactly as it was typed, spaces and all."""

    MAX_CHARS = 500

    def check(self, value: Any) -> str:
        """Never quotes what was typed."""
        if not isinstance(value, str) or len(value) > self.MAX_CHARS:
            raise InvalidError(f"{self.label} may have at most {self.MAX_CHARS} characters.")
        if not value.isprintable():
            raise InvalidError(f"{self.label} holds a character that cannot be typed.")
        return value


class HostName(Rule):
    """The name of a server: ``smtp.example.com``."""

    def check(self, value: Any) -> str:
        label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
        text = value.strip().lower() if isinstance(value, str) else ""
        if len(text) > 253 or not re.fullmatch(rf"({label}\.)*{label}", text):
            raise self.refuse("a server's name like smtp.example.com", value)
        return text


def _secret(name: str, rule: Rule, hint: str = "", *, shows_ending: bool = True) -> Field:
    return Field(name, rule, "secret", hint, shows_ending=shows_ending)


def _choice(name: str, label: str, *options: tuple[str, str]) -> Field:
    rule = Choice(label, [value for value, _ in options], required=True)
    return Field(name, rule, "choice", options=options, binds=True)


_ALL = (
    Integration(
        "stripe",
        "Stripe",
        PAYMENTS,
        "Cards, Apple Pay and Google Pay",
        "In Stripe: Developers, then API keys. Keys that begin with sk_test_ move no money.",
        "https://dashboard.stripe.com/apikeys",
        (
            Field(
                "publishable_key",
                Key("Publishable key", r"pk_(test|live)_\w{8,250}", looks="pk_test_ or pk_live_"),
            ),
            _secret(
                "secret_key",
                Key("Secret key", r"[sr]k_(test|live)_\w{8,250}", looks="sk_test_ or sk_live_"),
            ),
            _secret(
                "webhook_secret",
                Key("Webhook secret", r"whsec_\w{8,250}", looks="whsec_", required=False),
                "From Developers, Webhooks: proves that messages come from Stripe",
            ),
        ),
    ),
    Integration(
        "paystack",
        "Paystack",
        PAYMENTS,
        "Cards, bank and mobile money in Africa",
        "In Paystack: Settings, then API Keys & Webhooks.",
        "https://dashboard.paystack.com/#/settings/developers",
        (
            Field(
                "public_key",
                Key("Public key", r"pk_(test|live)_\w{8,250}", looks="pk_test_ or pk_live_"),
            ),
            _secret(
                "secret_key",
                Key("Secret key", r"sk_(test|live)_\w{8,250}", looks="sk_test_ or sk_live_"),
            ),
        ),
    ),
    Integration(
        "paypal",
        "PayPal",
        PAYMENTS,
        "PayPal accounts and cards",
        "In PayPal's developer dashboard: Apps & Credentials, then your app.",
        "https://developer.paypal.com/dashboard/applications",
        (
            _choice("environment", "Environment", ("sandbox", "Sandbox (test)"), ("live", "Live")),
            Field("client_id", Key("Client ID"), binds=True),
            _secret("client_secret", Key("Secret")),
        ),
    ),
    Integration(
        "brevo",
        "Brevo",
        MAIL,
        "Sends your e-mails and campaigns",
        "In Brevo: SMTP & API, then API keys. The sender must be verified there.",
        "https://app.brevo.com/settings/keys/api",
        (
            Field("sender_email", Email("Sender's e-mail", required=True)),
            _secret("api_key", Key("API key", r"xkeysib-[\w-]{8,250}", looks="xkeysib-")),
        ),
    ),
    Integration(
        "smtp",
        "Own mail server",
        MAIL,
        "Sends your e-mails through your own mailbox (SMTP)",
        "Your mail provider's help pages call these the SMTP or outgoing mail settings. Many ask "
        "for an app password instead of your own.",
        "",
        (
            Field("host", HostName("Server", required=True), hint="smtp.example.com", binds=True),
            Field("port", Int("Port", minimum=1, maximum=65_535, required=True), binds=True),
            _choice(
                "security",
                "Security",
                ("starttls", "STARTTLS (port 587)"),
                ("tls", "TLS (port 465)"),
            ),
            Field("username", Text("User name", max_chars=254, required=True), binds=True),
            _secret("password", SecretText("Password", required=True), shows_ending=False),
            Field("sender_email", Email("Sender's e-mail", required=True)),
            Field(
                "bounce_email",
                Email("Address for bounces", default=""),
                hint="Only where your provider lets you send in another address's name",
            ),
        ),
    ),
    Integration(
        "whatsapp",
        "WhatsApp Business",
        MESSAGES,
        "Messages with your customers",
        "In Meta's app dashboard: WhatsApp, then API Setup. Use a permanent token of a system "
        "user.",
        "https://developers.facebook.com/apps/",
        (
            Field(
                "phone_number_id",
                Key("Phone number ID", r"[0-9]{5,30}", looks="a number like 106540352242922"),
                binds=True,
            ),
            _secret("access_token", Key("Access token", r"[!-~]{20,1000}")),
            _secret(
                "app_secret",
                Key("App secret", r"[0-9a-f]{32}", looks="32 digits and letters a to f"),
                "Proves that messages come from WhatsApp",
            ),
        ),
    ),
    Integration(
        "twilio",
        "Twilio",
        MESSAGES,
        "SMS, and WhatsApp by another way",
        "On the first page of Twilio's console, under Account Info.",
        "https://console.twilio.com/",
        (
            Field(
                "account_sid",
                Key("Account SID", r"AC[0-9a-fA-F]{32}", looks="AC and 32 digits and letters"),
                binds=True,
            ),
            _secret(
                "auth_token", Key("Auth token", r"[0-9a-fA-F]{32}", looks="32 digits and letters")
            ),
            Field("sender", Text("Sender", max_chars=20, required=True), hint="+1 415 555 0100"),
        ),
    ),
    Integration(
        "bobgo",
        "Bob Go",
        SHIPPING,
        "Couriers in South Africa",
        "In Bob Go: Settings, then API keys.",
        "https://my.bobgo.co.za/",
        (
            _choice("environment", "Environment", ("sandbox", "Sandbox (test)"), ("live", "Live")),
            _secret("api_key", Key("API key")),
        ),
    ),
    Integration(
        "easyship",
        "Easyship",
        SHIPPING,
        "Couriers all over the world",
        "In Easyship: Connect, New Integration, API Integration. Tokens that begin with sand_ are "
        "for tests.",
        "https://app.easyship.com/connect",
        (
            _secret(
                "access_token",
                Key("Access token", r"(prod|sand)_[!-~]{8,500}", looks="prod_ or sand_"),
            ),
        ),
    ),
    Integration(
        "google",
        "Google Calendar",
        CALENDARS,
        "Keeps bookings and Google calendars the same",
        "In Google Cloud's console: APIs & Services, Credentials, an OAuth client of the type web "
        "application.",
        "https://console.cloud.google.com/apis/credentials",
        (
            Field(
                "client_id",
                Key(
                    "Client ID",
                    r"[\w.-]{10,200}\.apps\.googleusercontent\.com",
                    looks="123-abc.apps.googleusercontent.com",
                ),
                binds=True,
            ),
            _secret("client_secret", Key("Client secret")),
        ),
    ),
    Integration(
        "outlook",
        "Outlook Calendar",
        CALENDARS,
        "Keeps bookings and Outlook calendars the same",
        "In Microsoft Entra's admin center: App registrations, then your app; the secret is under "
        "Certificates & secrets.",
        "https://entra.microsoft.com/",
        (
            Field(
                "tenant_id",
                Key(
                    "Directory (tenant) ID",
                    r"[0-9a-fA-F-]{36}|[\w-]+(\.[\w-]+)+",
                    looks="8f1c2d3e-… or contoso.onmicrosoft.com",
                ),
                binds=True,
            ),
            Field(
                "client_id",
                Key(
                    "Application (client) ID",
                    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
                    looks="8f1c2d3e-0000-…",
                ),
                binds=True,
            ),
            _secret("client_secret", Key("Client secret")),
        ),
    ),
)

INTEGRATIONS: dict[str, Integration] = {each.name: each for each in _ALL}
