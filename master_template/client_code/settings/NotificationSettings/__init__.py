from ._anvil_designer import NotificationSettingsTemplate

from anvil import handle
from anvil.js import window

from ...shared import api, formatting
from ..MailTemplateEditor import MailTemplateEditor

DEBOUNCE_MS = 300
STATUS_ITEMS = [
    ("Any status", None),
    ("Sent", "sent"),
    ("On its way", "queued"),
    ("Failed", "failed"),
]


class NotificationSettings(NotificationSettingsTemplate):
    """The e-mails that the business sends: their words, and which went out."""

    def __init__(self, **properties):
        self.editor = None
        self.templates = []
        self.sender = ""
        self.page = 1
        self._asked = 0
        self._timer = None
        self.init_components(**properties)
        self.dd_status.items = STATUS_ITEMS
        self.dd_status.selected_value = None

    def load(self):
        """Read the mails and the log and show them."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("list_mail_templates")
        except api.ApiError as error:
            self.state.say("error", "The e-mails did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.templates, self.sender = answer["templates"], answer["sender"]
        self._show_templates()
        self.dom_nodes["body"].hidden = False
        self._load_log()

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return self.editor is not None and self.editor.is_dirty()

    def _show_templates(self):
        self.dom_nodes["sender"].textContent = "Mails go out through {}.".format(self.sender)
        self.rp_templates.items = [
            {"template": template, "edit": self._edit} for template in self.templates
        ]

    def _edit(self, name):
        """Open the editor in place of the list."""
        [template] = [one for one in self.templates if one["name"] == name]
        self.editor = MailTemplateEditor()
        self.editor.add_event_handler("x-saved", self._saved)
        self.editor.add_event_handler("x-close", self._close_editor)
        self.editor_slot.add_component(self.editor)
        self.dom_nodes["body"].hidden = True
        self.raise_event("x-heading", title=template["title"], text=template["when"])
        self.editor.open(template, self.sender)
        window.scrollTo(0, 0)
        self.editor.btn_back.dom_nodes["root"].focus()

    def _saved(self, template, **event_args):
        self.templates = [
            template if one["name"] == template["name"] else one for one in self.templates
        ]
        self._show_templates()

    def _close_editor(self, sender, **event_args):
        name = self.editor.template["name"]
        self.editor = None
        self.editor_slot.clear()
        self.dom_nodes["body"].hidden = False
        self.raise_event(
            "x-heading", title="Notifications", text="The words of your e-mails, and which went out"
        )
        self._load_log()
        for card in self.rp_templates.get_components():
            if card.item["template"]["name"] == name:
                card.focus()

    @handle("dd_status", "change")
    def dd_status_change(self, **event_args):
        self._turn_to(1)

    @handle("txt_search", "change")
    def txt_search_change(self, **event_args):
        if self._timer is not None:
            window.clearTimeout(self._timer)
        self._timer = window.setTimeout(self._search, DEBOUNCE_MS)

    def _search(self):
        self._timer = None
        self._turn_to(1)

    @handle("btn_newer", "click")
    def btn_newer_click(self, **event_args):
        self._turn_to(self.page - 1)

    @handle("btn_older", "click")
    def btn_older_click(self, **event_args):
        self._turn_to(self.page + 1)

    @handle("log_state", "action")
    def log_state_action(self, **event_args):
        self._load_log()

    def _turn_to(self, page):
        self.page = page
        self._load_log()

    def _load_log(self):
        """Show the page of the log; an overtaken answer is dropped."""
        self._asked += 1
        asked = self._asked
        status, search = self.dd_status.selected_value, (self.txt_search.text or "").strip()
        if not self.rp_mails.items:
            self.log_state.kind = "loading"
        try:
            answer = api.call_quietly("list_mails", self.page, status, search)
        except api.ApiError as error:
            if asked == self._asked:
                self.rp_mails.items = []
                self.log_state.say("error", "The log did not load", error.message, "Try again")
            return
        if asked == self._asked:
            self._show_log(answer, bool(status or search))

    def _show_log(self, answer, is_filtered):
        mails, total = answer["mails"], answer["total"]
        self.rp_mails.items = mails
        first = (answer["page"] - 1) * answer["page_rows"]
        nodes = self.dom_nodes
        nodes["pager"].hidden = total <= answer["page_rows"]
        nodes["range"].textContent = "{} – {} of {}".format(
            formatting.number(first + 1),
            formatting.number(first + len(mails)),
            formatting.number(total),
        )
        self.btn_newer.enabled = answer["page"] > 1
        self.btn_older.enabled = first + len(mails) < total
        if mails:
            self.log_state.kind = "none"
        elif is_filtered:
            self.log_state.say("empty", "No e-mail matches", "Try fewer words or another status.")
        else:
            self.log_state.say(
                "empty", "No e-mails yet", "What Mybizz sends for you appears here for 90 days."
            )
