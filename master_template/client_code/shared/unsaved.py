"""Asks before typing is lost that nobody has saved.

    unsaved.watch(self, self.is_dirty, save=self.save, discard=self.discard)

A page or a part of one says so once, in its `__init__`. From then on, for as long as it is on the
page, each way out of it asks: the menu, links, back and forward, logging out; and the browser asks
by itself when the tab is closed, reloaded or sent elsewhere. `navigation_helpers` does the asking.
"""

from anvil.js import get_dom_node, window

from .components.ConfirmationDialog import ask

SAVE = "save"
DISCARD = "discard"

_watched = []
_state = {"asking": False}


def watch(component, is_dirty, save=None, discard=None):
    """Ask before a page or a part of it is left with something unsaved.

    `is_dirty()` says whether there is; it must not call the server. `save()` tries to save and
    gives whether that worked, with messages at the fields where not; with it, saving is one of the
    answers. `discard()` is called when the person gives up what they typed.
    """
    _forget_the_gone()
    _watched.append(
        {
            "component": component,
            "is_dirty": is_dirty,
            "save": save,
            "discard": discard,
            "was_shown": False,
        }
    )


def unwatch(component):
    """Ask no more for a component, though it stays on the page."""
    _watched[:] = [entry for entry in _watched if entry["component"] is not component]


def is_dirty():
    """Whether anything on the page is not saved."""
    return bool(_dirty())


def may_leave():
    """Whether the page may be left: at once if all is saved, else as the person answers.

    Gives False while the question is open already.
    """
    if _state["asking"]:
        return False
    dirty = _dirty()
    if not dirty:
        return True
    _state["asking"] = True
    try:
        return _ask(dirty)
    finally:
        _state["asking"] = False


def _ask(dirty):
    can_save = all(entry["save"] for entry in dirty)
    buttons = [("Discard", DISCARD, "danger"), ("Keep editing", None)]
    if can_save:
        buttons.append(("Save", SAVE))
    answer = ask(
        "Save your changes?" if can_save else "Discard your changes?",
        "What you typed on this page is not saved yet.",
        buttons,
    )
    if answer == SAVE:
        return all(entry["save"]() for entry in dirty)
    if answer != DISCARD:
        return False
    for entry in dirty:
        if entry["discard"]:
            entry["discard"]()
        # Whatever its fields still say, this was answered.
        _watched.remove(entry)
    return True


def _dirty():
    """The watched parts on the page that have something unsaved."""
    _forget_the_gone()
    _finish_typing()
    return [entry for entry in _watched if entry["was_shown"] and entry["is_dirty"]()]


def _forget_the_gone():
    """A part that was on the page and is no longer has been left."""
    for entry in list(_watched):
        if get_dom_node(entry["component"]).isConnected:
            entry["was_shown"] = True
        elif entry["was_shown"]:
            _watched.remove(entry)


def _finish_typing():
    """A field hands over what was typed when it loses the focus; the Back key takes none away."""
    field = window.document.activeElement
    if _watched and field and field.tagName != "BODY":
        field.blur()
        field.focus()


def _closing(event):
    if is_dirty():
        event.preventDefault()
        # Older browsers ask for this instead.
        event.returnValue = ""


window.addEventListener("beforeunload", _closing)
