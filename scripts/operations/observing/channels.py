"""How a message gets to people: by e-mail, to Slack, by WhatsApp.

- e-mail: submission as by RFC 8314, TLS on port 465 or STARTTLS on 587;
- Slack: an incoming webhook, docs.slack.dev/messaging/sending-messages-using-incoming-webhooks;
- WhatsApp: the Cloud API's template messages, since who is told has not written to us within the
  last 24 hours: developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import httpx

SECONDS = 10.0
WHATSAPP_URL = "https://graph.facebook.com/v23.0"
MAX_SLACK_CHARS = 3500
# A template's text may have 1,024 characters with its variables.
MAX_WHATSAPP_CHARS = 800

Message = Mapping[str, Any]


class UnsentError(Exception):
    """A message did not get through. ``is_permanent``: it never will, as the channel is set."""

    def __init__(self, text: str, *, is_permanent: bool = False):
        super().__init__(text)
        self.is_permanent = is_permanent


def send(kind: str, channel: Mapping[str, Any], message: Message) -> None:
    """Send a message by a channel as it is set. Raises ``UnsentError``."""
    _SENDERS[kind](channel, message)


def send_email(channel: Mapping[str, Any], message: Message) -> None:
    mail = EmailMessage()
    mail["Subject"] = " ".join(str(message["subject"]).split())[:200]
    mail["From"] = channel["sender"]
    mail["To"] = ", ".join(channel["to"])
    mail["Date"] = format_datetime(datetime.fromisoformat(message["made_at"]))
    # The same when it is sent again after a crash: readers show it once.
    domain = str(channel["sender"]).rpartition("@")[2].strip("> ") or "localhost"
    mail["Message-ID"] = f"<{message['id']}.alert@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{message['text']}\n")
    host, security = str(channel["host"]), str(channel.get("security") or "starttls")
    port = int(channel.get("port") or (465 if security == "tls" else 587))
    try:
        with _connect(host, port, security) as server:
            if channel.get("username"):
                server.login(str(channel["username"]), str(channel.get("password") or ""))
            server.send_message(mail)
    except smtplib.SMTPAuthenticationError as error:
        raise UnsentError(
            f"{host} does not accept the user name and password", is_permanent=True
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise UnsentError(f"{host}:{port}: {' '.join(str(error).split())[:200]}") from error


def _connect(host: str, port: int, security: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=SECONDS)
    if security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def send_slack(channel: Mapping[str, Any], message: Message) -> None:
    text = f"*{_escape(message['subject'])}*\n{_escape(message['text'])}"
    if len(text) > MAX_SLACK_CHARS:
        text = f"{text[:MAX_SLACK_CHARS]}...\nAll of them: scripts/mybizz fleet alerts list"
    answer = _post(str(channel["webhook_url"]), {"text": text}, {}, "Slack")
    if answer.status_code != 200:
        # 400 invalid_payload, 403 action_prohibited, 404 channel_not_found, 410 channel_is_archived
        raise UnsentError(
            f"Slack answered {answer.status_code}: {answer.text[:100]}",
            is_permanent=answer.status_code in (403, 404, 410),
        )


def _escape(text: object) -> str:
    """Slack reads these three as markup; everything else is shown as it is."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def send_whatsapp(channel: Mapping[str, Any], message: Message) -> None:
    base = str(channel.get("base_url") or WHATSAPP_URL).rstrip("/")
    url = f"{base}/{channel['phone_number_id']}/messages"
    headers = {"authorization": f"Bearer {channel['access_token']}"}
    text = re.sub(r"\s+", " ", str(message["line"]))[:MAX_WHATSAPP_CHARS]
    told: list[str] = message.get("told", [])
    for number in channel["to"]:
        if number in told:
            continue
        template = {
            "name": channel["template"],
            "language": {"code": channel.get("language") or "en"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": text}]}],
        }
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": re.sub(r"\D", "", str(number)),
            "type": "template",
            "template": template,
        }
        answer = _post(url, body, headers, "WhatsApp")
        if answer.status_code != 200:
            raise UnsentError(
                f"WhatsApp answered {answer.status_code}: {_read_meta_error(answer)}",
                is_permanent=answer.status_code in (401, 403),
            )
        told.append(number)


def _read_meta_error(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return answer.text[:100]


def _post(url: str, body: Any, headers: Mapping[str, str], title: str) -> httpx.Response:
    try:
        return httpx.post(url, json=body, headers=dict(headers), timeout=SECONDS)
    except httpx.HTTPError as error:
        # Without the address: Slack's is a secret.
        raise UnsentError(f"{title} could not be reached ({type(error).__name__})") from error


_SENDERS: Mapping[str, Callable[[Mapping[str, Any], Message], None]] = {
    "email": send_email,
    "slack": send_slack,
    "whatsapp": send_whatsapp,
}
