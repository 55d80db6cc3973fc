from ._anvil_designer import MailTemplateEditorTemplate

from anvil import Notification, handle
from anvil.js import get_dom_node, window

from ...shared import api, form_fields, session, unsaved
from ...shared.components.ConfirmationDialog import confirm

DEBOUNCE_MS = 500
COMPONENTS = {"subject": "txt_subject", "body": "txt_body"}


class MailTemplateEditor(MailTemplateEditorTemplate):
    """The words of one mail, with a preview that follows the typing.

    Events: `x-saved` (`template`) after each save, `x-close` for the way back to the list.
    """

    def __init__(self, **properties):
        self.template = None
        self.item = {"subject": "", "body": ""}
        self._timer = None
        self._asked = 0
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        unsaved.watch(self, self.is_dirty, save=self.save)

    def open(self, template, sender):
        """Show a template; `sender` is by whom mails go out."""
        self.dom_nodes["sender"].textContent = "Mails go out through {}.".format(sender)
        self._show(template)

    def _show(self, template):
        self.template = template
        self.item = {"subject": template["subject"], "body": template["body"]}
        may_change = session.may("settings.manage")
        self.txt_subject.enabled = self.txt_body.enabled = may_change
        self.btn_save.visible = self.btn_test.visible = may_change
        self.btn_reset.visible = may_change and template["is_changed"]
        self._show_variables(may_change)
        form_fields.show_errors(self, COMPONENTS, {})
        self._say("")
        self._preview()

    def _show_variables(self, may_change):
        box = self.dom_nodes["variables"]
        box.replaceChildren()
        for variable in self.template["variables"]:
            chip = window.document.createElement("button")
            chip.type = "button"
            chip.className = "mb-variable"
            chip.disabled = not may_change
            chip.title = variable["meaning"] + ", like " + variable["sample"]
            chip.textContent = variable["meaning"]
            chip.dataset.name = variable["name"]
            chip.addEventListener("click", self._variable_click)
            box.appendChild(chip)

    def _variable_click(self, event):
        self._insert("{{ " + event.currentTarget.dataset.name + " }}")

    def _insert(self, text):
        """Put text where the cursor is in the body."""
        control = get_dom_node(self.txt_body).querySelector(".m3-control")
        control.setRangeText(text, control.selectionStart, control.selectionEnd, "end")
        self.txt_body.text = control.value
        self.item["body"] = control.value
        control.focus()
        self._preview_soon()

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return self.template is not None and any(
            self.item[name] != self.template[name] for name in COMPONENTS
        )

    def field_change(self, sender, **event_args):
        form_fields.clear_error(sender)
        self.item = {"subject": self.txt_subject.text, "body": self.txt_body.text}
        self._preview_soon()

    def _preview_soon(self):
        if self._timer is not None:
            window.clearTimeout(self._timer)
        self._timer = window.setTimeout(self._preview, DEBOUNCE_MS)

    def _preview(self):
        """Show what stands in the fields as it will arrive; an overtaken answer is dropped."""
        self._timer = None
        self._asked += 1
        asked = self._asked
        try:
            shown = api.call_quietly("preview_mail_template", *self._words())
        except api.ApiError as error:
            if asked == self._asked:
                self.dom_nodes["fault"].textContent = error.message
                self.dom_nodes["fault"].hidden = False
            return
        if asked != self._asked:
            return
        nodes = self.dom_nodes
        nodes["fault"].hidden = True
        nodes["preview_subject"].textContent = shown["subject"]
        nodes["frame"].srcdoc = shown["html"]
        nodes["plain"].textContent = shown["text"]

    def _words(self):
        return self.template["name"], self.item["subject"], self.item["body"]

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        if not self.is_dirty():
            Notification("There was nothing to save.", timeout=2).show()
        elif self.save():
            Notification("Saved.", timeout=2).show()

    def save(self):
        """Send what was typed; give whether it is saved."""
        answer = self._ask("update_mail_template", *self._words() + (self.template["version"],))
        if answer is None:
            return False
        self._show(answer["template"])
        self.raise_event("x-saved", template=answer["template"])
        return True

    def _ask(self, name, *args):
        """The server's answer, or None where it refuses, which is then shown."""
        self._say("")
        for button in (self.btn_save, self.btn_test, self.btn_reset):
            button.enabled = False
        try:
            return api.call(name, *args)
        except api.ApiError as error:
            left = form_fields.show_errors(self, COMPONENTS, error.fields)
            if left or not error.fields:
                self._say(" ".join(left) or error.message, True)
            return None
        finally:
            for button in (self.btn_save, self.btn_test, self.btn_reset):
                button.enabled = True

    def _say(self, text, is_problem=False):
        banner = self.dom_nodes["banner"]
        banner.hidden = not text
        banner.classList.toggle("error", is_problem)
        self.dom_nodes["banner_text"].textContent = text

    @handle("btn_test", "click")
    def btn_test_click(self, **event_args):
        answer = self._ask("send_test_mail", *self._words())
        if answer is not None:
            form_fields.show_errors(self, COMPONENTS, {})
            self._say(answer["message"], not answer["is_sent"])

    @handle("btn_reset", "click")
    def btn_reset_click(self, **event_args):
        is_sure = confirm(
            "Take the original words again?",
            "Your own words of this mail are lost.",
            "Take the original",
            is_dangerous=True,
        )
        if not is_sure:
            return
        answer = self._ask("reset_mail_template", self.template["name"], self.template["version"])
        if answer is not None:
            self._show(answer["template"])
            self.raise_event("x-saved", template=answer["template"])

    @handle("btn_back", "click")
    def btn_back_click(self, **event_args):
        if unsaved.may_leave():
            self.raise_event("x-close")

    def html_click(self, event):
        self._show_kind(True)

    def plain_click(self, event):
        self._show_kind(False)

    def _show_kind(self, is_html):
        nodes = self.dom_nodes
        nodes["frame"].hidden = not is_html
        nodes["plain"].hidden = is_html
        nodes["tab_html"].setAttribute("aria-pressed", "true" if is_html else "false")
        nodes["tab_plain"].setAttribute("aria-pressed", "false" if is_html else "true")
