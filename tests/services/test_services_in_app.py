"""Mail, secrets and HTTP as server code uses them on the real server, with its real options."""

from __future__ import annotations

import asyncio
import email
from email.policy import default as modern
from pathlib import Path

import pytest

from tests.app_server.running import CallFailed, serve_app
from tests.services.doubles import LocalSite, MailReceiver

ANVIL_YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
services:
- source: /runtime/services/anvil/email.yml
- source: /runtime/services/anvil/secrets.yml
"""

SERVER_CODE = """
import anvil
import anvil.email
import anvil.http
import anvil.secrets
import anvil.server


@anvil.server.callable
def send(to):
    image = anvil.BlobMedia("image/png", b"PNG", name="logo.png")
    return anvil.email.send(
        to=to, cc=["mia@example.com"], from_name="Desk", subject="Hi",
        html="<img src='cid:logo'>", inline_attachments={"logo": image},
    ).message_id


@anvil.server.callable
def send_badly():
    try:
        anvil.email.send(to="carl@example.com", subject="a\\nBcc: eve@example.com", text="")
    except anvil.email.SendFailure as failure:
        return str(failure.args[0])


@anvil.server.callable
def seal(text):
    sealed = anvil.secrets.encrypt_with_key("fields", text)
    try:
        anvil.secrets.get_secret("other")
    except anvil.secrets.SecretError as error:
        problem = str(error.args[0])
    return [anvil.secrets.decrypt_with_key("fields", sealed), problem,
            anvil.secrets.get_secret("stripe")]


@anvil.server.callable
def launch():
    anvil.server.launch_background_task("never")


@anvil.server.callable
def fetch(url):
    found = anvil.http.request(url + "/a", json=True)
    try:
        anvil.http.request(url + "/b", method="POST", data={"x": "ü"}, json=True)
    except anvil.http.HttpError as error:
        return [found, error.status, error.content]
"""


async def test_services_of_server_code(tmp_path: Path, mail_receiver: MailReceiver) -> None:
    smtp, site = await mail_receiver.start(), LocalSite()
    await site.start()
    json_type = {"Content-Type": "application/json"}
    site.answers = [(200, json_type, b'{"n": 1}'), (409, json_type, b'"taken"')]
    options = [f"--smtp-host={smtp.host}", f"--smtp-port={smtp.port}", "--secret=stripe=sk_1"]
    options += ["--encryption-key=fields=MDEyMzQ1Njc4OWFiY2RlZg=="]

    def use() -> None:
        files = {"server_code/main.py": SERVER_CODE}
        with (
            serve_app(tmp_path, files, *options, anvil_yaml=ANVIL_YAML) as server,
            server.browser() as browser,
        ):
            assert browser.call("send", "carl@example.com").startswith("<")
            assert "subject of an e-mail must be one line" in browser.call("send_badly")
            plain, problem, secret = browser.call("seal", "Grüße")
            assert (plain, secret) == ("Grüße", "sk_1")
            assert problem.startswith("No such secret 'other'")
            with pytest.raises(CallFailed, match="need a database"):
                browser.call("launch")
            with pytest.raises(CallFailed) as caught:
                browser.call("anvil.private.users.get_current_user")
            assert caught.value.type == "anvil.server.ServiceNotAdded"
            assert browser.call("fetch", site.url) == [{"n": 1}, 409, "taken"]
            assert not any("Grüße" in line or "sk_1" in line for line in server.log)

    await asyncio.to_thread(use)
    await site.stop()
    [envelope] = mail_receiver.messages
    assert envelope.rcpt_tos == ["carl@example.com", "mia@example.com"]
    message = email.message_from_bytes(envelope.content, policy=modern)
    assert message["From"] == "Desk <no-reply@localhost>"
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/related",
        "text/html",
        "image/png",
    ]
    assert site.requests[1][0] == "POST /b HTTP/1.1"
    assert site.requests[1][2] == b'{"x": "\\u00fc"}'
