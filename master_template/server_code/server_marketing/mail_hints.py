"""What an owner should know of a mail before it goes out: what is missing, what looks like spam,
what mail programs cut off. Only faults stop it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from ..server_emails import mail_markdown
from ..server_emails.mail_blocks import blocks_of, missing_in, walk

FAULT, WARNING, INFO = "fault", "warning", "info"
# Gmail shows the first 102 KB of a mail and hides the rest behind a link
# (https://support.google.com/mail/answer/8253); links and names add to it as it goes out.
CLIPPED_BYTES = 100_000
LONG_SUBJECT_CHARS = 70
FEW_WORDS = 20
_SHORTENERS = frozenset(
    {"bit.ly", "tinyurl.com", "goo.gl", "ow.ly", "t.co", "is.gd", "buff.ly", "cutt.ly", "rb.gy"}
)
_LINK = re.compile(r"https?://[^\s)\"'<>\]]+", re.IGNORECASE)


@dataclass(frozen=True)
class Hint:
    """One hint; ``field`` is where it is about (``blocks.2.alt``), or ''."""

    level: str
    text: str
    field: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def find_hints(content: Mapping[str, Any], size_bytes: int) -> list[Hint]:
    """What there is to say of a checked mail whose HTML has this size, faults first."""
    faults = [Hint(FAULT, text, field) for field, text in missing_in(content).items()]
    blocks = list(walk(blocks_of(content)))
    return [
        *faults,
        *_of_subject(content),
        *_of_pictures(blocks),
        *_of_links(blocks),
        *_of_size(size_bytes),
    ]


def _of_subject(content: Mapping[str, Any]) -> Iterator[Hint]:
    subject = str(content["subject"])
    letters = re.sub(r"\{\{.*?\}\}|[^A-Za-zÀ-ɏ]", "", subject)
    if len(letters) >= 8 and letters == letters.upper():
        yield Hint(WARNING, "A subject in capitals looks like spam.", "subject")
    if subject.count("!") > 1 or re.search(r"[$€£]{2,}|\?{2,}", subject):
        yield Hint(WARNING, "Repeated !, ? or $ in a subject looks like spam.", "subject")
    if re.match(r"(?i)\s*(re|fwd?|aw|wg)\s*:", subject):
        yield Hint(
            WARNING,
            "A subject that pretends to be an answer (“Re:”) misleads, which the law forbids.",
            "subject",
        )
    if len(subject) > LONG_SUBJECT_CHARS:
        yield Hint(
            INFO,
            f"The subject has {len(subject)} characters; many programs show about "
            f"{LONG_SUBJECT_CHARS}, phones about 40.",
            "subject",
        )
    if subject and not content["preheader"]:
        yield Hint(
            INFO,
            "Without a preview text, lists of mails show the first words of the mail there.",
            "preheader",
        )


def _of_pictures(blocks: list[tuple[str, dict[str, Any]]]) -> Iterator[Hint]:
    pictures = [(path, block) for path, block in blocks if block["kind"] == "image"]
    for path, block in pictures:
        if block["image"] and not block["alt"]:
            yield Hint(
                WARNING,
                "A picture without a description says nothing to people who cannot see it, and "
                "where pictures are not loaded.",
                f"blocks.{path}.alt",
            )
    words = sum(len(_words_of(block).split()) for _, block in blocks)
    if pictures and words < FEW_WORDS:
        yield Hint(
            WARNING,
            "A mail of pictures with hardly any text is often taken for spam, and is empty where "
            "pictures are not loaded.",
        )


def _words_of(block: Mapping[str, Any]) -> str:
    if block["kind"] == "text":
        return mail_markdown.to_text(block["markdown"], lambda link: link)
    return str(block.get("text") or block.get("label") or "")


def _of_links(blocks: list[tuple[str, dict[str, Any]]]) -> Iterator[Hint]:
    for path, block in blocks:
        key = "markdown" if "markdown" in block else "link"
        for link in _LINK.findall(str(block.get(key) or "")):
            host = (urlsplit(link).hostname or "").removeprefix("www.")
            if host in _SHORTENERS:
                yield Hint(
                    WARNING,
                    f"Links shortened by {host} are often blocked: use the whole address.",
                    f"blocks.{path}.{key}",
                )
            elif link.lower().startswith("http://"):
                yield Hint(
                    INFO,
                    f"The link to {host} is not encrypted: https:// is better, if it works there.",
                    f"blocks.{path}.{key}",
                )


def _of_size(size_bytes: int) -> Iterator[Hint]:
    if size_bytes > CLIPPED_BYTES:
        yield Hint(
            WARNING,
            f"The mail has {size_bytes // 1_000} KB. Gmail shows the first 102 KB only, so that "
            "the end with the unsubscribe link is hidden. Please shorten it.",
        )
