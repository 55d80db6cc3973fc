"""What forms share that edit one thing: reading it, asking before it is lost, saving, refusals.

A form that has an `Editor` stands on the names of its template: components `state` and `btn_save`,
dom nodes `body`, `problem` and `problem_text`; a button `btn_again`, if there is one, saves over
what someone else has saved meanwhile.
"""

import time

from anvil import Notification

from . import api, form_fields, navigation_helpers, session, unsaved
from .components.ConfirmationDialog import confirm

# Seconds between looks whether a save that is on its way has arrived.
PAUSE = 0.05


class Editor:
    """The editing of one form.

    `components` maps each field of the server to the name of its component. `fetch()` gives the
    server's answer with a `version`, `show(answer)` puts it into the fields, `read()` gives what
    they say now, and `store(values, version)` saves that and gives an answer as `fetch` does; both
    `fetch` and `store` may raise `ApiError`. `needs` is the permission to change anything, `what`
    names the thing in messages. `on_change()`, if given, is called when a field changes,
    `on_load()` when the thing has been read and stands on the page, and `refused(fields)` shows
    messages that belong to no component and gives those that are left.
    """

    def __init__(
        self,
        form,
        components,
        fetch,
        show,
        read,
        store,
        needs,
        what,
        on_change=None,
        refused=None,
        on_load=None,
    ):
        self.form = form
        self.components = components
        self.fetch = fetch
        self.show = show
        self.read = read
        self.store = store
        self.what = what
        self.on_change = on_change
        self.refused = refused
        self.on_load = on_load
        self.before = None
        self.version = None
        self._is_saving = False
        self.may = session.may(needs)
        form_fields.remember_hints(form, components)
        for name in components.values():
            component = getattr(form, name)
            component.enabled = self.may
            component.add_event_handler("change", self._field_change)
        form.btn_save.visible = self.may
        form.btn_save.add_event_handler("click", self._save_click)
        form.state.add_event_handler("action", self._try_again)
        if hasattr(form, "btn_again"):
            form.btn_again.add_event_handler("click", self._save_over)
        unsaved.watch(form, self.is_dirty, save=self.save)

    def load(self):
        """Read the thing and show it."""
        self.form.state.kind = "loading"
        try:
            answer = self.fetch()
        except api.ApiError as error:
            self.form.state.did_not_load(self.what, error)
            return
        self.take(answer)
        self.form.state.kind = "none"
        self.form.dom_nodes["body"].hidden = False
        if self.on_load is not None:
            self.on_load()

    def take(self, answer):
        """Go on from an answer of the server."""
        self.version = answer["version"]
        self.show(answer)
        self.before = self.read()

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return self.before is not None and self.read() != self.before

    def save(self):
        """Send what the fields say; give whether it is saved. What is typed while it is on its way
        stays, and is not saved yet."""
        if self._is_saving:
            while self._is_saving:
                time.sleep(PAUSE)
            if not self.is_dirty():
                return True
        self._say("")
        self.form.btn_save.enabled = False
        self._is_saving = True
        sent = self.read()
        try:
            answer = self.store(sent, self.version)
        except api.ApiError as error:
            self.refuse(error)
            return False
        finally:
            self._is_saving = False
            self.form.btn_save.enabled = True
        form_fields.show_errors(self.form, self.components, {})
        if self.version is None or self.read() == sent:
            self.take(answer)
        else:
            self.version, self.before = answer["version"], sent
        Notification("Saved.", timeout=2).show()
        return True

    def delete(self, question, text, function, thing_id, path):
        """Ask, have the server's `function` delete the thing, and go on to `path`. What is typed
        and not saved goes with it."""
        if not confirm(question, text, "Delete", is_dangerous=True):
            return
        try:
            api.call(function, thing_id)
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self.before = None
        navigation_helpers.go(path, replace=True)

    def refuse(self, error):
        """Show what the server refused, each message where it belongs."""
        fields = self.refused(error.fields) if self.refused is not None else None
        form_fields.show_refusal(self.form, self.components, error, fields)
        if hasattr(self.form, "btn_again"):
            self.form.btn_again.visible = error.code == "edited_meanwhile"

    def _say(self, text):
        self.form.dom_nodes["problem_text"].textContent = text
        self.form.dom_nodes["problem"].hidden = not text

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)
        if self.on_change is not None:
            self.on_change()

    def _save_click(self, **event_args):
        if self.is_dirty():
            self.save()
        else:
            Notification("There was nothing to save.", timeout=2).show()

    def _try_again(self, **event_args):
        self.load()

    def _save_over(self, **event_args):
        """Save over what someone else has saved, having been told of it."""
        try:
            self.version = self.fetch()["version"]
        except api.ApiError as error:
            self._say(error.message)
            return
        self.save()
