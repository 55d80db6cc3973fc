"""What an app gets to see of a message."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app_server.email.incoming.delivery import Outcome, read_refusal
from app_server.email.incoming.parse import parse_message, to_anvil
from app_server.email.incoming.signatures import check_signatures
from app_server.wire.codec import encode
from tests.services.incoming import Dns, Domain, make_mail

NOT_SIGNED = {"valid": False, "valid_from_sender": False, "domains": []}


def read(content: bytes) -> dict[str, Any]:
    return to_anvil(
        parse_message(content), sender="zoe@example.org", recipient="a@b.example", dkim=NOT_SIGNED
    )


def test_text_html_and_attachments() -> None:
    message = make_mail(Cc='"Doe, Jane" <jane@example.org>, joe@example.org')
    message.add_alternative("<p>Is there <img src='cid:logo'>?</p>", subtype="html")
    html = list(message.iter_parts())[-1]
    html.add_related(b"PNG", "image", "png", cid="<logo>", filename="logo.png")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="größe.pdf")
    message.add_attachment("a text of its own", filename="../../notes.txt")
    found = read(message.as_bytes())
    assert found["envelope"] == {"from": "zoe@example.org", "recipient": "a@b.example"}
    assert found["subject"] == "Grüße"
    assert found["text"].strip() == "Is there a place on Monday?"
    assert found["html"].strip() == "<p>Is there <img src='cid:logo'>?</p>"
    assert [(one.name, one.content_type) for one in found["attachments"]] == [
        ("größe.pdf", "application/pdf"),
        ("notes.txt", "text/plain; charset=utf-8"),
    ]
    assert found["attachments"][0].data == b"%PDF"
    [(content_id, logo)] = found["inline_attachments"].items()
    assert (content_id, logo.data, logo.content_type) == ("logo", b"PNG", "image/png")
    assert found["addressees"] == {
        "from": [{"address": "zoe@example.org", "name": "Zoë", "raw": "Zoë <zoe@example.org>"}],
        "to": [{"address": "desk@studio.example", "name": None, "raw": "desk@studio.example"}],
        "cc": [
            {
                "address": "jane@example.org",
                "name": "Doe, Jane",
                "raw": '"Doe, Jane" <jane@example.org>',
            },
            {"address": "joe@example.org", "name": None, "raw": "joe@example.org"},
        ],
    }
    assert ["Message-ID", "<1@example.org>"] in found["headers"]


def test_folded_headers_are_one_line() -> None:
    found = read(
        b"References: <1@x>\r\n <2@x>\r\n\t<3@x>\r\nSubject: =?utf-8?q?a?=\r\n =?x?q?b?=\r\n\r\n"
    )
    assert ["References", "<1@x> <2@x>\t<3@x>"] in found["headers"]
    assert found["subject"] == "=?utf-8?q?a?= =?x?q?b?="  # a character set that is none
    assert (found["text"], found["html"]) == ("", None)


def test_a_message_within_a_message_is_an_attachment() -> None:
    outer = make_mail()
    outer.add_attachment(make_mail(sender="inner@example.org"))
    [attachment] = read(outer.as_bytes())["attachments"]
    assert attachment.content_type == "message/rfc822"
    assert b"inner@example.org" in attachment.data


def test_odd_character_sets() -> None:
    for charset, content in [("utf-8", b"\xe9t\xe9"), ("no-such", "été".encode()), ("", b"\xff\0")]:
        head = f'Content-Type: text/plain; charset="{charset}"\r\n\r\n'.encode()
        assert isinstance(read(head + content)["text"], str)


HEADERS = st.sampled_from(
    [b"From", b"To", b"Subject", b"Content-Type", b"Content-Disposition", b"Content-ID", b"X"]
    + [b"Content-Transfer-Encoding", b"MIME-Version", b"DKIM-Signature"]
)
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"multipart/mixed; boundary=b", b"text/html; charset=utf-7", b"message/rfc822"]
        + [b"base64", b"quoted-printable", b"attachment; filename*=utf-8''%ff", b"=?utf-8?b?!!?="]
    ),
)


@given(st.lists(st.tuples(HEADERS, VALUES), max_size=8), st.binary(max_size=300))
def test_whatever_comes_something_is_made_of_it(
    headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    for content in (head + b"\r\n" + body, head + b"\r\n--b\r\n" + head + b"\r\n" + body):
        encode({"args": [read(content)]})  # it can travel to the app


async def test_signatures() -> None:
    own, other = Domain("example.org"), Domain("other.example")
    dns = Dns(own, other)
    content = make_mail().as_bytes().replace(b"\n", b"\r\n")

    async def check(signed: bytes, sender: str = "zoe@Example.org") -> dict[str, Any]:
        return await check_signatures(signed, sender, dns)

    good = {"valid": True, "valid_from_sender": True, "domains": ["example.org"]}
    assert await check(own.sign(content)) == good
    assert dns.asked == ["mail._domainkey.example.org."]
    assert await check(other.sign(content)) == {
        "valid": True,
        "valid_from_sender": False,
        "domains": ["other.example"],
    }
    both = await check(other.sign(own.sign(content)))
    assert (both["valid_from_sender"], sorted(both["domains"])) == (
        True,
        ["example.org", "other.example"],
    )
    # A domain whose name only ends like the sender's is another one.
    assert not (await check(own.sign(content), "x@sub.example.org"))["valid_from_sender"]
    assert not (await check(own.sign(content), ""))["valid_from_sender"]
    for bad in (
        content,
        own.sign(content).replace(b"Monday", b"Tuesday"),
        own.sign(content, has_length=True),
        Domain("example.org").sign(content),
        Domain("unknown.example").sign(content),
        b"DKIM-Signature: nonsense\r\n" + content,
        b"",
    ):
        assert await check(bad) == NOT_SIGNED


def test_what_the_sender_is_told() -> None:
    class Studio:
        name = "studio"

    def told(kind: str, message: str) -> Outcome:
        return read_refusal(Studio(), {"type": kind, "message": message})  # type: ignore[arg-type]

    assert told("anvil.email.DeliveryFailure", "No such course") == Outcome(554, "No such course")
    assert told("DeliveryFailure", "452: Full\r\n250 OK") == Outcome(452, "Full 250 OK")
    assert told("DeliveryFailure", "250: Not a refusal").code == 554
    assert told("DeliveryFailure", "").text
    assert told("KeyError", "a secret").code == 451
    assert "secret" not in told("KeyError", "a secret").text
    missing = 'No server function matching "email:handle_message" has been registered'
    assert told("anvil.server.NoServerFunctionError", missing).code == 551
