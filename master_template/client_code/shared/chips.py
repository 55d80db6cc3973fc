"""Chosen things in a row, each with a button that takes it out: tags, segments, values."""

from anvil.js import window


def draw(holder, pairs, on_remove=None):
    """Show `pairs` of (value, text) in a list element, which is hidden where there are none.
    `on_remove(value)`, if given, is called for a press on a chip's button."""
    holder.replaceChildren(*[_chip(value, text, on_remove) for value, text in pairs])
    holder.hidden = not pairs


def _chip(value, text, on_remove):
    item = window.document.createElement("li")
    item.className = "mb-chip"
    words = window.document.createElement("span")
    words.textContent = text
    item.append(words)
    if on_remove is not None:
        button = window.document.createElement("button")
        button.type = "button"
        button.className = "mb-chip-remove"
        button.setAttribute("aria-label", "Remove " + text)
        button.textContent = "×"

        def press(event):
            on_remove(value)

        button.addEventListener("click", press)
        item.append(button)
    return item
