"""One outgoing e-mail, and the MIME message made of it.

Arguments mean what they mean in ``anvil.email.send`` (Anvil's docs, "Sending and receiving email").
Anything that could start a header of its own is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from app_server.email.loops import mark_automatic
from app_server.errors import AnvilError
from app_server.wire.values import Media

_POLICY = SMTP.clone(cte_type="7bit")
"""Every relay takes seven bits."""

EXTRA_HEADERS = frozenset({"feedback-id", "list-id", "list-unsubscribe", "list-unsubscribe-post"})
"""What an app may add: how mail programs treat a mail, never whom it is from or goes to."""
MAX_RECIPIENTS = 500
MAX_MESSAGE_BYTES = 25 * 1024 * 1024
"""What large providers take (Gmail's documented limit of a whole message)."""


def send_failure(message: str) -> AnvilError:
    return AnvilError(message, "anvil.email.SendFailure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """What is to be sent. ``inline`` maps content ids (``cid:`` in the HTML) to images.

    ``from_address`` may be a whole address, a bare name before the ``@`` or None (``no-reply``);
    a missing domain is filled with that of the instance.
    """

    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    from_address: str | None = None
    from_name: str | None = None
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attachments: tuple[Media, ...] = ()
    inline: Mapping[str, Media] = field(default_factory=dict)
    in_reply_to: str | None = None
    references: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers, of those in EXTRA_HEADERS; Anvil's own server has no such argument."""
    hops: int = 0
    """Above 0, it is sent while another is handled; see ``loops``."""

    @property
    def recipients(self) -> list[str]:
        """Bare addresses of all who get it, each once."""
        everyone = [*self.to, *self.cc, *self.bcc]
        return list(dict.fromkeys(address.addr_spec for address in everyone))


def refuse_line_breaks(what: str, value: str) -> str:
    """``value`` itself; SendFailure when it holds a line break or NUL (header injection)."""
    if any(character in value for character in "\r\n\0"):
        raise send_failure(f"The {what} of an e-mail must be one line of text.")
    return value


def parse_addresses(what: str, value: object) -> tuple[Address, ...]:
    """Addresses from a string (several by commas) or a list of strings with one address each.

    Raises SendFailure, naming the address, when something is not one.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        return _parse_list(what, value) if value.strip() else ()
    if isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
        found: list[Address] = []
        for entry in value:
            parsed = _parse_list(what, entry)
            if len(parsed) != 1:
                raise send_failure(f"Invalid email address: {entry}")
            found += parsed
        return tuple(found)
    raise send_failure(f"Keyword argument '{what}' must be a string, or list of strings.")


def _parse_list(what: str, text: str) -> tuple[Address, ...]:
    refuse_line_breaks(what, text)
    try:
        header = _POLICY.header_factory("To", text)
    except (IndexError, ValueError):
        # Python's parser stumbles over some texts that are no addresses ("carl@").
        raise send_failure(f"Invalid email address: {text}") from None
    addresses = tuple(header.addresses)
    usable = addresses and all(address.username and address.domain for address in addresses)
    if not usable or header.defects:
        raise send_failure(f"Invalid email address: {text}")
    return tuple(_with_ascii_domain(address) for address in addresses)


def _with_ascii_domain(address: Address) -> Address:
    """The address with its domain in IDNA form; SendFailure when the name is not ASCII, which
    few servers take (RFC 6531)."""
    try:
        address.username.encode("ascii")
        domain = address.domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise send_failure(f"Invalid email address: {address.addr_spec}") from None
    return Address(address.display_name, address.username, domain)


def sender_of(email: Email, default_domain: str) -> Address:
    """The From address, completed as the real server does."""
    given = (email.from_address or "").strip() or "no-reply"
    refuse_line_breaks("from_address", given)
    name = refuse_line_breaks("from_name", email.from_name or "")
    if "@" not in given:
        given = f"{given}@{default_domain}"
    try:
        address = _parse_list("from_address", given)[0]
    except AnvilError:
        raise send_failure(f"Invalid 'from' address: {email.from_address}") from None
    return Address(name or address.display_name, address.username, address.domain.lower())


def build_message(email: Email, default_domain: str, now: datetime | None = None) -> EmailMessage:
    """The MIME message, with Date and Message-ID, without Bcc. Raises SendFailure when there is
    nobody to send it to, or it is too large or malformed."""
    if not email.recipients:
        raise send_failure("An e-mail needs at least one recipient (to, cc or bcc).")
    if len(email.recipients) > MAX_RECIPIENTS:
        raise send_failure(f"An e-mail may have at most {MAX_RECIPIENTS} recipients.")
    message = EmailMessage(policy=_POLICY)
    sender = sender_of(email, default_domain)
    message["From"] = sender
    _set_addresses(message, "To", email.to)
    _set_addresses(message, "Cc", email.cc)
    _set_addresses(message, "Reply-To", email.reply_to)
    message["Subject"] = refuse_line_breaks("subject", email.subject)
    message["Date"] = format_datetime(now or datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=sender.domain)
    for header, value in (("In-Reply-To", email.in_reply_to), ("References", email.references)):
        if value:
            message[header] = refuse_line_breaks(header, value)
    for header, value in email.headers.items():
        if header.lower() not in EXTRA_HEADERS:
            raise send_failure(f"An e-mail cannot be given the header {header}.")
        message[header] = refuse_line_breaks(header, value)
    if email.hops:
        mark_automatic(message, email.hops)
    _fill_body(message, email)
    for number, media in enumerate(email.attachments, 1):
        _attach(message, media, number)
    if len(message.as_bytes()) > MAX_MESSAGE_BYTES:
        raise send_failure(
            f"The e-mail is larger than {MAX_MESSAGE_BYTES // 1024**2} MB with its attachments."
        )
    return message


def _set_addresses(message: EmailMessage, header: str, addresses: Iterable[Address]) -> None:
    listed = tuple(addresses)
    if listed:
        message[header] = listed


def _fill_body(message: EmailMessage, email: Email) -> None:
    if email.html is None:
        message.set_content(email.text or "")
        return
    if email.text is None:
        message.set_content(email.html, subtype="html")
        html_part: MIMEPart = message
    else:
        message.set_content(email.text)
        message.add_alternative(email.html, subtype="html")
        html_part = list(message.iter_parts())[-1]
    for number, (content_id, media) in enumerate(email.inline.items(), 1):
        refuse_line_breaks("inline attachment's id", content_id)
        main, sub, parameters = _split_content_type(media.content_type)
        html_part.add_related(
            media.data,
            maintype=main,
            subtype=sub,
            params=parameters,
            cid=f"<{content_id}>",
            disposition="inline",
            filename=_file_name(media, number),
        )


def _attach(message: EmailMessage, media: Media, number: int) -> None:
    main, sub, parameters = _split_content_type(media.content_type)
    message.add_attachment(
        media.data,
        maintype=main,
        subtype=sub,
        params=parameters,
        filename=_file_name(media, number),
    )


def _file_name(media: Media, number: int) -> str:
    return refuse_line_breaks("attachment's name", media.name or f"Attachment {number}")


def _split_content_type(content_type: str | None) -> tuple[str, str, dict[str, str]]:
    """Main type, subtype and parameters. What is no plain type of one part becomes
    ``application/octet-stream``."""
    refuse_line_breaks("attachment's type", content_type or "")
    holder = MIMEPart(policy=_POLICY)
    holder["Content-Type"] = content_type or "application/octet-stream"
    header = holder["Content-Type"]
    main, sub = header.maintype, header.subtype
    if not main or not sub or main in ("multipart", "message"):
        return "application", "octet-stream", {}
    return main, sub, dict(header.params)
