from ._anvil_designer import LegalTextSettingsTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, appearance, formatting, session, unsaved
from ...shared.components.ConfirmationDialog import confirm

PREVIEW_AFTER_MS = 700
# Name of a button -> (before the marked text, after it, what stands there if nothing is marked).
MARKS = {
    "heading": ("\n## ", "\n", "Heading"),
    "bold": ("**", "**", "important"),
    "list": ("\n- ", "\n", "one thing"),
    "link": ("[", "](https://)", "words of the link"),
}


class LegalTextSettings(LegalTextSettingsTemplate):
    """The privacy policy and the terms: written here, seen as a page, published as versions."""

    def __init__(self, **properties):
        self.texts = {}
        self.kind = "privacy_policy"
        self.typed = {}  # kind -> what is in the editor
        self._asked = 0
        self._timer = None
        self.init_components(**properties)
        may = session.may("settings.manage")
        self.dom_nodes["source"].readOnly = not may
        self.dom_nodes["tools"].hidden = not may
        self.btn_publish.visible = may
        self.rg_kind.selected_value = self.kind
        unsaved.watch(self, self.is_dirty, save=self.save)

    def load(self):
        """Read both texts and show the privacy policy."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("get_legal_texts")
        except api.ApiError as error:
            self.state.say("error", "The texts did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.texts = answer["texts"]
        self.typed = dict((kind, self.texts[kind]["source"]) for kind in self.texts)
        values = answer["variables"]
        self.dd_variable.items = [
            (name.replace("_", " ").capitalize() + ": " + self._short(values[name]), name)
            for name in values
        ]
        self.dom_nodes["body"].hidden = False
        self._show()

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _short(self, text):
        text = text or "nothing yet"
        return text if len(text) <= 40 else text[:39] + "…"

    def is_dirty(self):
        """Whether one of the texts is changed and not published."""
        return any(self.typed[kind] != self.texts[kind]["source"] for kind in self.typed)

    def _show(self):
        text = self.texts[self.kind]
        nodes = self.dom_nodes
        nodes["source"].value = self.typed[self.kind]
        nodes["source"].setAttribute("aria-label", text["title"])
        nodes["page"].href = text["path"]
        if text["number"]:
            since = formatting.day(text["published_at"])
            nodes["version"].textContent = "Version " + text["version"] + ", since " + since
        else:
            nodes["version"].textContent = "The standard text. Read it, adapt it, publish it."
        self.dd_version.items = [
            (
                "Version {} · {} · {}".format(
                    v["number"], formatting.day(v["published_at"]), v["author_name"]
                ),
                v["number"],
            )
            for v in text["versions"]
        ] + [("The standard text", 0)]
        self.dd_version.selected_value = None
        self._say_fault("")
        self._say("")
        self._preview()

    @handle("rg_kind", "change")
    def rg_kind_change(self, **event_args):
        self.kind = self.rg_kind.selected_value
        self._show()

    # Writing.

    def source_input(self, event):
        self._take(self.dom_nodes["source"].value)

    def _take(self, source):
        self.typed[self.kind] = source
        self._say_fault("")
        if self._timer is not None:
            window.clearTimeout(self._timer)
        self._timer = window.setTimeout(self._preview, PREVIEW_AFTER_MS)

    def tools_click(self, event):
        button = event.target.closest("[data-mark]")
        if button:
            self._insert(*MARKS[button.dataset.mark])

    @handle("dd_variable", "change")
    def dd_variable_change(self, **event_args):
        name = self.dd_variable.selected_value
        if name:
            self._insert("", "", "{{" + name + "}}")
            self.dd_variable.selected_value = None

    def _insert(self, before, after, default):
        """Put something around what is marked in the text, and mark it again."""
        field = self.dom_nodes["source"]
        start, end = field.selectionStart, field.selectionEnd
        words = field.value[start:end] or default
        field.setRangeText(before + words + after, start, end, "end")
        field.focus()
        if before:
            field.setSelectionRange(start + len(before), start + len(before) + len(words))
        self._take(field.value)

    @handle("dd_version", "change")
    def dd_version_change(self, **event_args):
        number = self.dd_version.selected_value
        if number is None:
            return
        try:
            source = api.call("get_legal_source", self.kind, number)["source"]
        except api.ApiError as error:
            self._say(error.message)
            return
        self.dom_nodes["source"].value = source
        self._take(source)

    def _preview(self):
        self._timer = None
        self._asked += 1
        number, kind = self._asked, self.kind
        scheme = "dark" if appearance.is_dark() else "light"
        try:
            html = api.call_quietly("preview_legal_text", kind, self.typed[kind], scheme)["html"]
        except api.ApiError as error:
            if number == self._asked:
                self._say_fault(error.fields.get("source") or error.message)
            return
        if number == self._asked:
            self.page_preview.show_page(html)

    def _say_fault(self, text):
        nodes = self.dom_nodes
        nodes["fault"].textContent = text
        nodes["source"].setAttribute("aria-invalid", "true" if text else "false")

    def _say(self, text):
        self.dom_nodes["problem_text"].textContent = text
        self.dom_nodes["problem"].hidden = not text

    # Publishing.

    @handle("btn_publish", "click")
    def btn_publish_click(self, **event_args):
        text = self.texts[self.kind]
        if self.typed[self.kind] == text["source"]:
            Notification("This is the text that is published.", timeout=3).show()
            return
        if confirm(
            "Publish the new text?",
            "It replaces the text on your website at once. Whoever signs up from now on agrees "
            "to it; the versions before stay on record.",
            "Publish",
        ):
            self._publish(self.kind)

    def save(self):
        """Publish what is changed; give whether that worked."""
        changed = [k for k in self.typed if self.typed[k] != self.texts[k]["source"]]
        return all([self._publish(kind) for kind in changed])

    def _publish(self, kind):
        self._say("")
        self.btn_publish.enabled = False
        try:
            number = self.texts[kind]["number"]
            text = api.call("publish_legal_text", kind, self.typed[kind], number)["text"]
        except api.ApiError as error:
            self.kind = self.rg_kind.selected_value = kind
            self._say_fault(error.fields.get("source", ""))
            if not error.fields:
                self._say(error.message)
            self.btn_again.visible = error.code == "edited_meanwhile"
            return False
        finally:
            self.btn_publish.enabled = True
        self.texts[kind] = text
        self.typed[kind] = text["source"]
        self._show()
        Notification("Published.", timeout=2).show()
        return True

    @handle("btn_again", "click")
    def btn_again_click(self, **event_args):
        try:
            self.texts = api.call_quietly("get_legal_texts")["texts"]
        except api.ApiError as error:
            self._say(error.message)
            return
        self._publish(self.kind)
