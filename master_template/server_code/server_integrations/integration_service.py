"""Connecting outside services: their fields are kept here, secrets encrypted and never sent out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor, display_name
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.encryption import decrypt, encrypt
from ..server_shared.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    ProviderError,
)
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Int, Rule
from .integration_registry import INTEGRATIONS, Field, Integration
from .provider_checks import CHECKS

NAME = Choice("Integration", tuple(INTEGRATIONS), required=True)
ENDING_CHARS = 4
MAX_MESSAGE_CHARS = 400


class FieldTexts(Rule):
    """What was typed into the fields of an integration: each one a text, checked by its own rule
    once it is known which integration it is."""

    MAX_FIELDS = 20
    MAX_CHARS = 5_000

    def check(self, value: Any) -> dict[str, str]:
        if not isinstance(value, Mapping) or len(value) > self.MAX_FIELDS:
            raise self.refuse("a set of named fields", value)
        texts: dict[str, str] = {}
        for name, text in value.items():
            if not isinstance(text, str | int) or isinstance(text, bool):
                raise InvalidError("This must be text.", field=str(name)[:80])
            if len(str(text)) > self.MAX_CHARS:
                message = f"This may have at most {self.MAX_CHARS} characters."
                raise InvalidError(message, field=str(name)[:80])
            texts[str(name)] = str(text)
        return texts


@server_callable(needs="settings.view")
def list_integrations() -> dict[str, Any]:
    """``{"integrations": [...]}``, in the order in which they are shown.

    Each has ``name``, ``title``, ``group``, ``text``, ``help``, ``help_url``, ``version`` (0: not
    connected), ``is_connected``, ``saved_at``, ``saved_by`` (a name), ``tested_at``, ``is_working``
    (None: not tested as it is now), ``message`` of the last test, and ``fields``: ``{name, label,
    kind, hint, required, options}`` with ``value``, or for a secret ``is_set`` and ``ending``.
    """
    query = q.fetch_only(
        "name",
        "public_fields",
        "secret_endings",
        "saved_at",
        "tested_at",
        "is_working",
        "message",
        "version",
        updated_by=q.fetch_only("first_name", "last_name", "email"),
    )
    rows = {row["name"]: row for row in app_tables.integrations.search(query)}
    return {"integrations": [_shown(each, rows.get(each.name)) for each in INTEGRATIONS.values()]}


@server_callable(
    needs="settings.manage",
    takes={
        "name": NAME,
        "fields": FieldTexts("The fields", required=True),
        "version": Int("The version", minimum=0, required=True),
    },
    audit="integration.update",
)
def update_integration(name: str, fields: dict[str, str], version: int) -> dict[str, Any]:
    """Connect a service, or change how: ``{"integration": as list_integrations says}``.

    ``version`` is what the caller has seen. A secret that is left empty stays as it is. Raises
    :class:`InvalidError` by field and :class:`ConflictError` (``edited_meanwhile``).
    """
    return {"integration": _update(INTEGRATIONS[name], fields, version)}


@server_callable(needs="settings.manage", takes={"name": NAME}, audit="integration.delete")
def delete_integration(name: str) -> dict[str, Any]:
    """Disconnect a service and forget its secrets: ``{"integration": ...}``."""
    row = app_tables.integrations.get(name=name)
    if row is None:
        audit.unchanged()
    else:
        before = dict(row["public_fields"] or {})
        changes = {field: [value, None] for field, value in before.items()}
        changes |= {field: ["set", None] for field in dict(row["secret_endings"] or {})}
        row.delete()
        audit.record("delete", "integration", name, changes)
    return {"integration": _shown(INTEGRATIONS[name], None)}


@server_callable(
    needs="settings.manage", takes={"name": NAME}, audit="integration.test", atomic=False
)
def test_integration(name: str) -> dict[str, Any]:
    """Ask a connected service whether it accepts us: ``{"is_working", "message", "integration"}``.

    Raises :class:`NotFoundError` where it is not connected.
    """
    values, version = _read(name)
    try:
        message, is_working = CHECKS[name](values), True
    except ProviderError as error:
        message, is_working = error.message, False
    message = without_secrets(INTEGRATIONS[name], values, message)[:MAX_MESSAGE_CHARS]
    shown = _note_test(name, version, is_working, message)
    return {"is_working": is_working, "message": message, "integration": shown}


def read_integration(name: str) -> dict[str, str]:
    """The fields of a connected service with its secrets, for Python of this server only.

    Raises :class:`NotFoundError` where it is not connected, and :class:`EncryptionError`.
    """
    return _read(name)[0]


def is_connected(name: str) -> bool:
    """Whether a service is connected."""
    return app_tables.integrations.get(q.fetch_only("name"), name=name) is not None


def without_secrets(integration: Integration, values: Mapping[str, str], text: str) -> str:
    """A text from outside in which no secret of ours is to be read."""
    for name in integration.secret_names:
        if len(values.get(name, "")) >= ENDING_CHARS:
            text = text.replace(values[name], "•••")
    return text


def _read(name: str) -> tuple[dict[str, str], int]:
    row = app_tables.integrations.get(name=name)
    if row is None:
        raise NotFoundError(f"{INTEGRATIONS[name].title} is not connected.")
    public = {field: str(value) for field, value in dict(row["public_fields"]).items()}
    return {**public, **_secrets_of(row)}, int(row["version"])


def _secrets_of(row: Any) -> dict[str, str]:
    if row is None or not row["secrets_encrypted"]:
        return {}
    secrets: dict[str, str] = json.loads(decrypt(row["secrets_encrypted"]))
    return secrets


@in_transaction
def _update(integration: Integration, fields: dict[str, str], version: int) -> dict[str, Any]:
    row = app_tables.integrations.get(name=integration.name)
    if (int(row["version"]) if row else 0) != version:
        raise ConflictError(
            f"Someone else changed {integration.title} while you were editing. Nothing has been "
            "saved yet; what you typed is still here.",
            code="edited_meanwhile",
        )
    before = dict(row["public_fields"]) if row else {}
    endings = dict(row["secret_endings"]) if row else {}
    public, typed = _clean(integration, fields, before, set(endings))
    changed = {field: [before.get(field), value] for field, value in public.items()}
    changed = {field: pair for field, pair in changed.items() if pair[0] != pair[1]}
    if not changed and not typed:
        audit.unchanged()
        return _shown(integration, row)
    columns: dict[str, Any] = {"public_fields": public}
    if typed:
        secrets = {**_secrets_of_or_none(row, typed, integration), **typed}
        columns["secrets_encrypted"] = encrypt(json.dumps(secrets, ensure_ascii=False))
        columns["secret_endings"] = {**endings, **_endings(integration, typed)}
        kept = set(secrets)
        columns["secret_endings"] = {
            name: ending for name, ending in columns["secret_endings"].items() if name in kept
        }
    now = clock.now()
    columns |= {
        "saved_at": now,
        "updated_by": current_actor().row,
        "tested_at": None,
        "is_working": None,
        "message": None,
        "version": version + 1,
    }
    if row is None:
        row = app_tables.integrations.add_row(name=integration.name, **columns)
    else:
        row.update(**columns)
    # Names of fields say which secret it was; what it was, nobody is told.
    changed |= {name: ["set" if name in endings else None, "set anew"] for name in typed}
    audit.record(
        "update", "integration", integration.name, changed, details={"fields": sorted(changed)}
    )
    return _shown(integration, row)


def _secrets_of_or_none(
    row: Any, typed: Mapping[str, str], integration: Integration
) -> dict[str, str]:
    """The secrets that stay. Where all are typed anew, the old ones need not be readable: their key
    may be lost, and this is how a business comes out of that."""
    if set(typed) >= set(integration.secret_names):
        return {}
    return _secrets_of(row)


def _clean(
    integration: Integration, fields: dict[str, str], before: Mapping[str, Any], known: set[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The public fields, and the secrets that were typed. Raises :class:`InvalidError`."""
    faults: dict[str, str] = {}
    public: dict[str, Any] = {}
    typed: dict[str, str] = {}
    names = {field.name for field in integration.fields}
    for name in fields:
        if name not in names:
            faults[name[:80]] = f"{integration.title} has no such field."
    for field in integration.fields:
        text = fields.get(field.name, "")
        if field.is_secret and not text.strip() and field.name in known:
            continue
        try:
            value = field.rule.clean(_as_rule_takes(field, text))
        except InvalidError as error:
            faults[field.name] = error.message
            continue
        if not field.is_secret:
            public[field.name] = value
        elif value:
            typed[field.name] = value
    faults |= {} if faults else _mixed_modes(integration, {**public, **typed})
    bound = [field for field in integration.fields if field.binds and known]
    moved = [field for field in bound if public.get(field.name) != before.get(field.name)]
    if moved and not faults:
        for name in known - set(typed):
            faults[name] = f"Please enter this again, because {moved[0].rule.label} has changed."
    if faults:
        raise InvalidError(" ".join(faults.values()), fields=faults)
    return public, typed


def _as_rule_takes(field: Field, text: str) -> Any:
    return int(text) if isinstance(field.rule, Int) and text.strip().isdigit() else text


def _mixed_modes(integration: Integration, values: Mapping[str, Any]) -> dict[str, str]:
    """A fault where one key is for tests and the other is live."""
    keys = [name for name in values if name in ("publishable_key", "public_key", "secret_key")]
    modes = {"_test_" in str(values[name]) for name in keys}
    if len(modes) < 2:
        return {}
    return {keys[-1]: "One key is for tests and the other is live: they must be of one kind."}


def _endings(integration: Integration, secrets: Mapping[str, str]) -> dict[str, str]:
    """By which the service's own pages name a key. Of a short one nothing is shown."""
    shown = {field.name for field in integration.fields if field.is_secret and field.shows_ending}
    return {
        name: value[-ENDING_CHARS:] if name in shown and len(value) >= 4 * ENDING_CHARS else ""
        for name, value in secrets.items()
    }


@in_transaction
def _note_test(name: str, version: int, is_working: bool, message: str) -> dict[str, Any]:
    """Keep what a test said, unless the fields have been changed since."""
    row = app_tables.integrations.get(name=name)
    if row is not None and int(row["version"]) == version:
        row.update(tested_at=clock.now(), is_working=is_working, message=message)
    audit.record(
        "test", "integration", name, details={"is_working": is_working, "message": message}
    )
    return _shown(INTEGRATIONS[name], row)


def _shown(integration: Integration, row: Any) -> dict[str, Any]:
    author = row["updated_by"] if row else None
    public = dict(row["public_fields"] or {}) if row else {}
    endings = dict(row["secret_endings"] or {}) if row else {}
    return {
        "name": integration.name,
        "title": integration.title,
        "group": integration.group,
        "text": integration.text,
        "help": integration.help,
        "help_url": integration.help_url,
        "is_connected": row is not None,
        "version": int(row["version"]) if row else 0,
        "saved_at": row["saved_at"] if row else None,
        "saved_by": (display_name(author) or author["email"]) if author else "",
        "tested_at": row["tested_at"] if row else None,
        "is_working": row["is_working"] if row else None,
        "message": (row["message"] or "") if row else "",
        "fields": [_shown_field(field, public, endings) for field in integration.fields],
    }


def _shown_field(
    field: Field, public: Mapping[str, Any], endings: Mapping[str, str]
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": field.name,
        "label": field.rule.label,
        "kind": field.kind,
        "hint": field.hint,
        "required": field.rule.required,
        "options": [list(option) for option in field.options],
    }
    if field.is_secret:
        is_set = field.name in endings
        return {**shown, "is_set": is_set, "ending": endings.get(field.name, "")}
    return {**shown, "value": str(public.get(field.name, ""))}
