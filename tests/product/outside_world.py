"""An instance whose outside services are local servers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.product.providers.calendars import Google, Outlook
from tests.product.providers.mail import Brevo, MailServer, make_authority, serve_mail
from tests.product.providers.messages import Twilio, WhatsApp
from tests.product.providers.payments import PayPal, Paystack, Stripe
from tests.product.providers.server import Provider, serve
from tests.product.providers.shipping import BobGo, Easyship
from tests.product.studio import ROOT, SECRETS, Caller, Studio, serve_instance, write_instance


class World:
    """The outside services by name, a mail server, and the instance that uses them."""

    def __init__(self) -> None:
        self.stripe, self.paystack, self.paypal = Stripe(), Paystack(), PayPal()
        self.brevo, self.mail = Brevo(), MailServer()
        self.whatsapp, self.twilio = WhatsApp(), Twilio()
        self.bobgo, self.easyship = BobGo(), Easyship()
        self.google, self.outlook = Google(), Outlook()
        self.studio: Studio

    @property
    def mail_port(self) -> int:
        """Where the instance receives mail."""
        found = re.search(r"Receiving e-mail on \S+ port (\d+)", "".join(self.studio.server.log))
        assert found
        return int(found[1])

    @property
    def providers(self) -> dict[str, Provider]:
        found = [value for value in vars(self).values() if isinstance(value, Provider)]
        return {provider.name: provider for provider in found}

    def right_fields(self) -> dict[str, dict[str, str]]:
        """For each integration what connects it."""
        return {
            "stripe": {
                "publishable_key": "pk_test_51Hx9aPublishable",
                "secret_key": self.stripe.test_key,
                "webhook_secret": "whsec_YogaStudioWebhook0001",
            },
            "paystack": {
                "public_key": "pk_test_7f3a90c1d2e4",
                "secret_key": self.paystack.key,
            },
            "paypal": {
                "environment": "sandbox",
                "client_id": self.paypal.client_id,
                "client_secret": self.paypal.secret,
            },
            "brevo": {"sender_email": self.brevo.sender, "api_key": self.brevo.key},
            "smtp": {
                "host": self.mail.host,
                "port": str(self.mail.port),
                "security": "starttls",
                "username": self.mail.username,
                "password": self.mail.password,
                "sender_email": "hello@yogastudio.example",
            },
            "whatsapp": {
                "phone_number_id": self.whatsapp.phone_number_id,
                "access_token": self.whatsapp.token,
                "app_secret": "77aa88bb99cc00dd" * 2,
            },
            "twilio": {
                "account_sid": self.twilio.sid,
                "auth_token": self.twilio.token,
                "sender": "+1 415 555 0100",
            },
            "bobgo": {"environment": "sandbox", "api_key": self.bobgo.key},
            "easyship": {"access_token": self.easyship.token},
            "google": {"client_id": self.google.client_id, "client_secret": self.google.secret},
            "outlook": {
                "tenant_id": self.outlook.tenant_id,
                "client_id": self.outlook.client_id,
                "client_secret": self.outlook.secret,
            },
        }


def connect(caller: Caller, name: str, fields: dict[str, str]) -> dict:
    """Connect a service, or change how, whatever version there is now."""
    listed = caller.call("list_integrations")["integrations"]
    [version] = [each["version"] for each in listed if each["name"] == name]
    return caller.call("update_integration", name, fields, version)["integration"]


@contextmanager
def open_world(
    folder: Path,
    database_url: str,
    *,
    sample_data: bool = False,
    mail: MailServer | None = None,
    secrets: dict[str, str] | None = None,
    template: Path = ROOT / "master_template",
) -> Iterator[World]:
    """Serve the world and the instance until the block ends. ``mail`` takes the mail server's
    place; ``secrets`` are more of the instance's."""
    world = World()
    world.mail = mail or world.mail
    authority, context = make_authority(folder)
    with serve(*world.providers.values()), serve_mail(world.mail, context):
        addresses = {name: provider.url for name, provider in world.providers.items()}
        addresses["smtp"] = world.mail.host
        instance = folder / "instance"
        write_instance(instance, template)
        config = yaml.safe_load((instance / "instance.yaml").read_text())
        config["smtp-server-port"] = 0
        config["secret"] = {
            **SECRETS,
            **(secrets or {}),
            "provider_addresses": json.dumps(addresses),
            "mail_certificate_authority": authority,
        }
        (instance / "instance.yaml").write_text(yaml.safe_dump(config))
        server = serve_instance(instance, database_url)
        world.studio = Studio(server, database_url, instance / "data")
        try:
            world.studio.set_up(sample_data=sample_data)
            yield world
        finally:
            server.stop()
    for provider in world.providers.values():
        assert provider.faults == []
