"""The words of mails as the business has them: an owner's own, or those that it began with.

A table holds only what an owner has changed, so that a better text of ours reaches everyone else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_integrations.integration_registry import INTEGRATIONS
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import Business, read_business
from ..server_shared.errors import ConflictError, InvalidError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Int, Text
from . import mail_layout, mail_senders, template_language
from .mail_templates import COMMON_VARIABLES, MAIL_TEMPLATES, MailTemplate

NAME = Choice("Template", tuple(MAIL_TEMPLATES), required=True)
WORDS = {
    "subject": Text("Subject", max_chars=150, required=True),
    "body": Text("Text", max_chars=8_000, multiline=True, required=True),
}
VERSION = Int("The version", minimum=0, required=True)


def read_template(name: str) -> MailTemplate:
    """A template as the business has it."""
    row = app_tables.mail_templates.get(q.fetch_only("subject", "body"), name=name)
    standard = MAIL_TEMPLATES[name]
    return replace(standard, subject=row["subject"], body=row["body"]) if row else standard


@server_callable(needs="settings.view")
def list_mail_templates() -> dict[str, Any]:
    """``{"templates": [...], "sender": text}``; ``sender`` says by whom mails are sent now.

    A template has ``name``, ``title``, ``when``, ``subject``, ``body``, ``is_changed``, ``version``
    (0: as it began) and ``variables``: ``{name, meaning, sample, is_required}``.
    """
    rows = {row["name"]: row for row in app_tables.mail_templates.search()}
    way = mail_senders.choose_sender()[0]
    sender = INTEGRATIONS[way].title if way in INTEGRATIONS else "Mybizz"
    shown = [_shown(template, rows.get(name)) for name, template in MAIL_TEMPLATES.items()]
    return {"templates": shown, "sender": sender}


@server_callable(
    needs="settings.manage",
    takes={"name": NAME, **WORDS, "version": VERSION},
    audit="mail_template.update",
)
def update_mail_template(name: str, subject: str, body: str, version: int) -> dict[str, Any]:
    """Change the words of a mail that the caller has seen as ``version``: ``{"template": ...}``.

    Raises :class:`InvalidError` by field where they cannot be filled in, and
    :class:`ConflictError` (``edited_meanwhile``).
    """
    return {"template": _update(replace(MAIL_TEMPLATES[name], subject=subject, body=body), version)}


@server_callable(
    needs="settings.manage",
    takes={"name": NAME, "version": VERSION},
    audit="mail_template.reset",
)
def reset_mail_template(name: str, version: int) -> dict[str, Any]:
    """Take the words that the mail began with: ``{"template": ...}``."""
    standard = MAIL_TEMPLATES[name]
    row = app_tables.mail_templates.get(name=name)
    _require_version(row, version)
    if row is None:
        audit.unchanged()
    else:
        changes = _changes(row, standard)
        row.delete()
        audit.record("reset", "mail_template", name, changes)
    return {"template": _shown(standard, None)}


@server_callable(needs="settings.view", takes={"name": NAME, **WORDS})
def preview_mail_template(name: str, subject: str, body: str) -> dict[str, Any]:
    """``subject``, ``html`` and ``text`` of the mail with the samples of its variables.

    Raises :class:`InvalidError` by field.
    """
    template = replace(MAIL_TEMPLATES[name], subject=subject, body=body)
    check_template(template)
    business = read_business()
    line, markup = fill(template, _samples(template, business))
    return {
        "subject": line,
        "html": mail_layout.html_of(line, markup, business),
        "text": mail_layout.text_of(markup, business),
    }


def check_template(template: MailTemplate) -> None:
    """Raise :class:`InvalidError` by field unless the template can be filled in, and says what it
    is there to say."""
    faults: dict[str, str] = {}
    for name, label in (("subject", "Subject"), ("body", "Text")):
        try:
            template_language.check(label, getattr(template, name), template.samples)
        except InvalidError as error:
            faults[name] = error.message
    if "body" not in faults:
        markup = template_language.render_markup(template.body, template.samples)
        said = mail_layout.text_of(markup, Business(business_name=""))
        for name in template.required:
            if template.samples[name] not in said:
                faults["body"] = (
                    f"The text must show {{{{ {name} }}}}: without it this mail is of no use."
                )
    if "subject" not in faults and not template_language.render_line(
        template.subject, template.samples
    ):
        faults["subject"] = "The subject would be empty."
    if faults:
        raise InvalidError(" ".join(faults.values()), fields=faults)


def fill(template: MailTemplate, values: dict[str, str]) -> tuple[str, str]:
    """Subject, and body as markup, with the values."""
    subject = template_language.render_line(template.subject, values)
    return subject, template_language.render_markup(template.body, values)


def _samples(template: MailTemplate, business: Business) -> dict[str, str]:
    """The samples, but of the business what it is really called."""
    own = {
        "business_name": business.business_name,
        "business_email": business.email,
        "business_phone": business.phone,
    }
    return {**template.samples, **{name: value for name, value in own.items() if value}}


@in_transaction
def _update(template: MailTemplate, version: int) -> dict[str, Any]:
    check_template(template)
    row = app_tables.mail_templates.get(name=template.name)
    _require_version(row, version)
    changes = _changes(row or _words_of(MAIL_TEMPLATES[template.name]), template)
    if not changes:
        audit.unchanged()
        return _shown(template, row)
    columns = {
        **_words_of(template),
        "updated_at": clock.now(),
        "updated_by": current_actor().row,
        "version": version + 1,
    }
    if row is None:
        row = app_tables.mail_templates.add_row(name=template.name, **columns)
    else:
        row.update(**columns)
    audit.record("update", "mail_template", template.name, changes)
    return _shown(template, row)


def _require_version(row: Any, version: int) -> None:
    if (int(row["version"]) if row else 0) != version:
        raise ConflictError(
            "Someone else changed this mail while you were editing. Nothing has been saved yet; "
            "what you typed is still here.",
            code="edited_meanwhile",
        )


def _words_of(template: MailTemplate) -> dict[str, str]:
    return {"subject": template.subject, "body": template.body}


def _changes(before: Any, after: MailTemplate) -> dict[str, list[str]]:
    words = _words_of(after)
    return {name: [before[name], words[name]] for name in words if before[name] != words[name]}


def _shown(template: MailTemplate, row: Any) -> dict[str, Any]:
    variables = {**COMMON_VARIABLES, **template.variables}
    return {
        "name": template.name,
        "title": template.title,
        "when": template.when,
        "subject": row["subject"] if row else template.subject,
        "body": row["body"] if row else template.body,
        "is_changed": row is not None,
        "version": int(row["version"]) if row else 0,
        "variables": [
            {
                "name": name,
                "meaning": meaning,
                "sample": sample,
                "is_required": name in template.required,
            }
            for name, (meaning, sample) in variables.items()
        ],
    }
