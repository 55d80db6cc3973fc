from ._anvil_designer import LeadCaptureEditorFormTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, formatting, navigation_helpers, session
from ...shared.editing import Editor
from .. import lead_texts

LIST_PATH = "/app/lead-capture"
TEXTS = ("heading", "text", "button", "success", "consent")
NUMBERS = ("delay_seconds", "scroll_percent", "frequency_days")
# Field of the server -> component that shows its message.
COMPONENTS = {
    "name": "txt_name",
    "kind": "dd_kind",
    "fields.consent": "dd_consent_demand",
    "trigger.kind": "dd_trigger",
    "trigger.position": "dd_position",
    "origins": "txt_origins",
    "tags": "txt_tags",
    "segment_id": "pick_segment",
    "campaign_id": "pick_campaign",
}
COMPONENTS.update(dict(("fields." + name, "dd_" + name) for name in lead_texts.FIELDS))
COMPONENTS.update(dict(("texts." + name, "txt_" + name) for name in TEXTS))
COMPONENTS.update(dict(("trigger." + name, "txt_" + name) for name in NUMBERS))
SUBMISSIONS_SHOWN = 10


class LeadCaptureEditorForm(LeadCaptureEditorFormTemplate):
    """Make a lead form or change one: what it asks, when it shows, where, and what it brings."""

    def __init__(self, form_id=None, **properties):
        self.form_id = form_id
        self.answer = None
        self._started = False
        self._asked = 0
        self._has_preview = False
        self._choices = None
        path = LIST_PATH + "/" + (form_id or "new")
        navigation_helpers.arrive(path, "Lead form" if form_id else "New lead form")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "lead_capture")
        self.dom_nodes["back"].href = LIST_PATH
        self._fill_choices()
        self.editor = Editor(
            self,
            COMPONENTS,
            fetch=self._fetch,
            show=self._show,
            read=self._read,
            store=self._store,
            needs="marketing.manage",
            what="This form",
            on_change=self._change,
            on_load=self._load_rest,
        )
        self.sw_double.enabled = self.editor.may
        self.sw_double.accessible_name = "Confirm by e-mail"

    def _fill_choices(self):
        self.dd_kind.items = lead_texts.KIND_ITEMS
        self.dd_trigger.items = lead_texts.TRIGGER_ITEMS
        self.dd_position.items = lead_texts.POSITION_ITEMS
        self.dd_consent_demand.items = lead_texts.CONSENT_ITEMS
        for name in lead_texts.FIELDS:
            getattr(self, "dd_" + name).items = lead_texts.DEMAND_ITEMS

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.editor.load()

    def back_click(self, event):
        navigation_helpers.follow(event, LIST_PATH)

    def _fetch(self):
        self._choices = api.call_quietly("get_lead_form_choices")
        if not self.form_id:
            return {"form": lead_texts.NEW_FORM, "version": 0}
        return api.call_quietly("get_lead_form", self.form_id)

    def _store(self, values, version):
        if self.form_id:
            return api.call("update_lead_form", self.form_id, values, version)
        answer = api.call("create_lead_form", values)
        self.form_id = answer["form"]["form_id"]
        navigation_helpers.replace_address(LIST_PATH + "/" + self.form_id)
        return answer

    def _show(self, answer):
        self.answer = answer
        form = answer["form"]
        self.txt_name.text = form["name"]
        self.dd_kind.selected_value = form["kind"]
        for name in lead_texts.FIELDS:
            getattr(self, "dd_" + name).selected_value = form["fields"].get(name, "off")
        self.dd_consent_demand.selected_value = form["fields"].get("consent", "required")
        for name in TEXTS:
            getattr(self, "txt_" + name).text = form["texts"].get(name) or ""
        trigger = form["trigger"]
        self.dd_trigger.selected_value = trigger["kind"]
        self.dd_position.selected_value = trigger["position"]
        for name in NUMBERS:
            getattr(self, "txt_" + name).text = trigger[name]
        self.txt_origins.text = "\n".join(form["origins"])
        self.txt_tags.text = ", ".join(form["tags"])
        self.sw_double.selected = form["is_double_opt_in"]
        self.pick_segment.items = lead_texts.segment_items(self._choices["segments"])
        self.pick_campaign.items = lead_texts.campaign_items(self._choices["campaigns"])
        self._pick(self.pick_segment, form["segment_id"], lead_texts.GONE_SEGMENT)
        self._pick(self.pick_campaign, form["campaign_id"], lead_texts.GONE_CAMPAIGN)
        self._show_parts()
        self._show_use(answer)

    def _pick(self, picker, value, gone):
        """Show a choice, by a name of its own where it is no longer among the items."""
        if value is not None and all(row[1] != value for row in picker.items):
            picker.remember(value, gone)
        picker.selected_value = value

    def _load_rest(self):
        """What the page shows beside the form, which can be written in meanwhile."""
        self._preview()
        if self.form_id:
            self._load_figures()

    def _read(self):
        fields = dict(
            (name, getattr(self, "dd_" + name).selected_value) for name in lead_texts.FIELDS
        )
        fields["consent"] = self.dd_consent_demand.selected_value
        trigger = dict((name, getattr(self, "txt_" + name).text) for name in NUMBERS)
        trigger["kind"] = self.dd_trigger.selected_value
        trigger["position"] = self.dd_position.selected_value
        return {
            "name": (self.txt_name.text or "").strip(),
            "kind": self.dd_kind.selected_value,
            "fields": fields,
            "texts": dict(
                (name, (getattr(self, "txt_" + name).text or "").strip()) for name in TEXTS
            ),
            "trigger": trigger,
            "origins": lead_texts.split_words(self.txt_origins.text, "\n"),
            "is_double_opt_in": bool(self.sw_double.selected),
            "tags": lead_texts.split_words(self.txt_tags.text),
            "segment_id": self.pick_segment.selected_value,
            "campaign_id": self.pick_campaign.selected_value,
        }

    def _change(self):
        self._show_parts()
        self._preview()

    @handle("sw_double", "change")
    def sw_double_change(self, **event_args):
        self._show_parts()

    def _show_parts(self):
        """Only what counts for the chosen kind."""
        kind, trigger = self.dd_kind.selected_value, self.dd_trigger.selected_value
        nodes = self.dom_nodes
        nodes["timing"].hidden = kind == "inline"
        nodes["seconds_box"].hidden = trigger != "delay"
        nodes["scroll_box"].hidden = trigger != "scroll"
        nodes["position_box"].hidden = kind != "bar"
        nodes["single_note"].hidden = bool(self.sw_double.selected)
        if self._choices is not None:
            notes = (
                ("segment_note", lead_texts.segment_note, self.pick_segment, "segments"),
                ("campaign_note", lead_texts.campaign_note, self.pick_campaign, "campaigns"),
            )
            for name, note, picker, kind in notes:
                text = note(self._choices[kind], picker.selected_value)
                nodes[name].textContent = text
                nodes[name].hidden = not text

    def _show_use(self, answer):
        """How the form gets onto a website, and whether it is on."""
        nodes, form = self.dom_nodes, answer["form"]
        is_there = "snippet" in answer
        nodes["use"].hidden = not is_there
        nodes["title"].textContent = form["name"] or "New lead form"
        self.btn_on.visible = is_there and self.editor.may and form["status"] != "active"
        self.btn_pause.visible = is_there and self.editor.may and form["status"] == "active"
        self.btn_delete.visible = is_there and self.editor.may
        nodes["status"].hidden = not is_there
        if not is_there:
            return
        lead_texts.show_chip(
            nodes["status"], form["status"], lead_texts.STATUS_NAMES, lead_texts.STATUS_CHIPS
        )
        text = answer["snippet"]
        if form["kind"] == "inline":
            text = '<div data-mybizz-form="{}"></div>\n'.format(form["form_id"]) + text
        elif form["trigger"]["kind"] == "click":
            text += '\n<a href="{}" data-mybizz-open="{}">{}</a>'.format(
                answer["page_url"], form["form_id"], form["texts"]["heading"]
            )
        nodes["snippet"].textContent = text
        nodes["page_link"].href = nodes["page_link"].textContent = answer["page_url"]
        nodes["policy"].textContent = "script-src {0}; connect-src {0}".format(answer["origin"])
        nodes["no_website"].hidden = bool(form["origins"])

    def _preview(self):
        """Show the form as it would be; what cannot be yet is told when it is saved."""
        self._asked += 1
        asked = self._asked
        if not self._has_preview:
            self.preview_state.kind = "loading"
        try:
            values = self._read()
            values["name"] = values["name"] or "A form"  # it says nothing of that
            html = api.call_quietly("preview_lead_form", values)["html"]
        except api.ApiError as error:
            # The last preview stays while a field is only half written.
            if asked == self._asked and not (self._has_preview and error.code == "invalid"):
                self._has_preview = False
                self.dom_nodes["preview_box"].hidden = True
                self.preview_state.did_not_load("The preview", error)
            return
        if asked == self._asked:
            self._has_preview = True
            self.preview_state.kind = "none"
            self.dom_nodes["preview_box"].hidden = False
            self.preview.show_page(html)

    @handle("preview_state", "action")
    def preview_state_action(self, **event_args):
        self._preview()

    def _load_figures(self):
        try:
            total = api.call_quietly("get_lead_form_stats", self.form_id)["total"]
        except api.ApiError:
            return  # The form itself is there; its figures are on the list as well.
        self.card_views.show(formatting.number(total["views"]))
        self.card_sent.show(
            formatting.number(total["submissions"]),
            formatting.plural(total["spam"], "program kept out", "programs kept out")
            if total["spam"]
            else "",
        )
        rate = total["rate"]
        note = "" if rate is None else formatting.percent(rate) + " of those who saw it wrote"
        self.card_confirmed.show(formatting.number(total["confirmations"]), note)
        self.dom_nodes["figures"].hidden = False
        if session.may("customers.view"):
            self._load_submissions()

    def _load_submissions(self):
        try:
            answer = api.call_quietly(
                "list_lead_submissions", self.form_id, page_size=SUBMISSIONS_SHOWN
            )
        except api.ApiError:
            return
        self.rp_submissions.items = answer["submissions"]
        self.dom_nodes["submissions"].hidden = not answer["submissions"]

    @handle("btn_on", "click")
    def btn_on_click(self, **event_args):
        self._set_status("active")

    @handle("btn_pause", "click")
    def btn_pause_click(self, **event_args):
        self._set_status("paused")

    def _set_status(self, status):
        if self.editor.is_dirty() and not self.editor.save():
            return
        try:
            answer = api.call("set_lead_form_status", self.form_id, status)
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self.editor.take(answer)
        words = {"active": "The form is on.", "paused": "The form is paused."}
        Notification(words[status], timeout=2).show()

    @handle("btn_delete", "click")
    def btn_delete_click(self, **event_args):
        self.editor.delete(
            "Delete this form?",
            "It disappears from every website. The contacts that it brought stay, and so does what "
            "they agreed to.",
            "delete_lead_form",
            self.form_id,
            LIST_PATH,
        )

    @handle("btn_copy", "click")
    def btn_copy_click(self, **event_args):
        window.navigator.clipboard.writeText(self.dom_nodes["snippet"].textContent)
        Notification("Copied.", timeout=2).show()
