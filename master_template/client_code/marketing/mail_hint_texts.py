"""Hints about a mail as an editor shows them."""

import re

from anvil.js import window

from ..shared import formatting

ICONS = {"fault": "error", "warning": "warning", "info": "info"}
SPOKEN = {"fault": "Must be put right", "warning": "Warning", "info": "Hint"}


def fields_in(content):
    """The fields for people's data that a mail uses, each once: what to count anew when it
    changes."""
    if content["format"] == "markdown":
        texts = [content["markdown"]]
    else:
        texts = list(_texts(content["blocks"]))
    found = []
    for text in [content["subject"], content["preheader"]] + texts:
        for name in re.findall(r"\{\{[^{}]*\}\}", text):
            if name not in found:
                found.append(name)
    return found


def _texts(blocks):
    for block in blocks:
        for name in block:
            if isinstance(block[name], str):
                yield block[name]
        for column in block.get("columns", []):
            for text in _texts(column):
                yield text


def of_missing(missing):
    """A hint about people of whom a field is not known."""
    people = formatting.plural(missing["missing"], "person", "people")
    if missing["has_fallback"]:
        text = "{}: not known of {}, who get the fall-back.".format(missing["label"], people)
        return {"level": "info", "text": text, "field": ""}
    text = '{}: not known of {}, who get nothing there. Add a fall-back: {{{{ {} | "…" }}}}.'
    return {
        "level": "warning",
        "text": text.format(missing["label"], people, missing["name"]),
        "field": "",
    }


def element(hint):
    """A line of the list; one that is about a field leads there."""
    document = window.document
    line = document.createElement("li")
    line.className = "mb-mail-hint " + hint["level"]
    icon = document.createElement("m3-icon")
    icon.setAttribute("name", ICONS[hint["level"]])
    icon.setAttribute("aria-hidden", "true")
    spoken = document.createElement("span")
    spoken.className = "mb-live"
    spoken.textContent = SPOKEN[hint["level"]] + ": "
    words = document.createElement("button" if hint["field"] else "span")
    words.textContent = hint["text"]
    if hint["field"]:
        words.type = "button"
        words.className = "mb-text-button"
        words.dataset.field = hint["field"]
    line.append(icon, spoken, words)
    return line


def name_of(contact):
    """What a contact is called in a list."""
    return contact["full_name"] or contact["email"] or contact["contact_id"]
