from ._anvil_designer import EmailCampaignEditorFormTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, formatting, navigation_helpers
from ...shared.components.ConfirmationDialog import confirm
from ...shared.editing import Editor
from .. import campaign_texts, send_figures, step_list

LIST_PATH = "/app/campaigns"
SETTINGS = "campaign_settings."
# Field of the server -> component that shows its message.
COMPONENTS = {
    "campaign_name": "txt_name",
    "campaign_type": "dd_trigger",
    SETTINGS + "segment_id": "pick_segment",
    SETTINGS + "form_id": "dd_form",
    SETTINGS + "changed_field": "dd_changed",
    SETTINGS + "changed_value": "txt_value",
    SETTINGS + "date_field": "dd_date",
    SETTINGS + "date_offset_days": "txt_offset",
    SETTINGS + "reenrolment": "dd_again",
    SETTINGS + "reenrolment_days": "txt_again",
    SETTINGS + "conversion_days": "txt_conversion",
}
BOXES = ("cb_yearly", "cb_imported", "cb_bought", "cb_booked", "cb_left")
EXITS = {"bought": "cb_bought", "booked": "cb_booked", "left_segment": "cb_left"}
NEW = {
    "campaign_name": "",
    "campaign_type": "contact_created",
    "status": "draft",
    "steps": [],
    "campaign_settings": {
        "segment_id": None,
        "form_id": None,
        "changed_field": None,
        "changed_value": None,
        "date_field": None,
        "date_offset_days": 0,
        "is_yearly": False,
        "include_imported": False,
        "exits": [],
        "reenrolment": "never",
        "reenrolment_days": 0,
        "conversion_days": 7,
    },
}


class EmailCampaignEditorForm(EmailCampaignEditorFormTemplate):
    """Make a campaign or change one: what starts it, its mails, what ends it. Start and pause."""

    def __init__(self, campaign_id=None, **properties):
        self.campaign_id = campaign_id
        self.campaign = NEW
        self._started = False
        title = "Campaign" if campaign_id else "New campaign"
        navigation_helpers.arrive(LIST_PATH + "/" + (campaign_id or "new"), title)
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "campaigns")
        nodes = self.dom_nodes
        nodes["back"].href = LIST_PATH
        nodes["title"].textContent = title
        self._fill_choices()
        self.steps = step_list.StepList(self)
        self.editor = Editor(
            self,
            COMPONENTS,
            fetch=self._fetch,
            show=self._show,
            read=self._read,
            store=self._store,
            needs="marketing.manage",
            what="This campaign",
            on_change=self._show_parts,
            refused=self.steps.show_errors,
        )
        for name in BOXES:
            getattr(self, name).enabled = self.editor.may

    def _fill_choices(self):
        self.dd_trigger.items = campaign_texts.TRIGGER_ITEMS
        self.dd_changed.items = campaign_texts.CHANGED_ITEMS
        self.dd_date.items = campaign_texts.DATE_ITEMS
        self.dd_again.items = campaign_texts.AGAIN_ITEMS

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.editor.load()

    def back_click(self, event):
        navigation_helpers.follow(event, LIST_PATH)

    # Reading and saving.

    def _fetch(self):
        choices = api.call_quietly("get_campaign_choices")
        self.pick_segment.items = [
            (one["segment_name"], one["segment_id"]) for one in choices["segments"]
        ]
        self.dd_form.items = [("Any form", None)] + [
            (one["name"], one["form_id"]) for one in choices["forms"]
        ]
        if not self.campaign_id:
            return {"campaign": NEW, "version": 0}
        answer = api.call_quietly("get_campaign", self.campaign_id)
        return {"campaign": answer["campaign"], "version": answer["campaign"]["version"]}

    def _store(self, values, version):
        if self.campaign_id:
            answer = api.call("update_campaign", self.campaign_id, values, version)
        else:
            answer = api.call("create_campaign", values)
            self.campaign_id = answer["campaign_id"]
            navigation_helpers.replace_address(LIST_PATH + "/" + self.campaign_id)
        return {"campaign": answer["campaign"], "version": answer["campaign"]["version"]}

    def _show(self, answer):
        campaign = self.campaign = answer["campaign"]
        settings = campaign["campaign_settings"]
        self.txt_name.text = campaign["campaign_name"]
        self.dd_trigger.selected_value = campaign["campaign_type"]
        self.pick_segment.selected_value = settings["segment_id"]
        self.dd_form.selected_value = settings["form_id"]
        self.dd_changed.selected_value = settings["changed_field"]
        self.txt_value.text = settings["changed_value"] or ""
        self.dd_date.selected_value = settings["date_field"]
        self.txt_offset.text = str(settings["date_offset_days"])
        self.cb_yearly.checked = settings["is_yearly"]
        self.cb_imported.checked = settings["include_imported"]
        for name in EXITS:
            getattr(self, EXITS[name]).checked = name in settings["exits"]
        self.dd_again.selected_value = settings["reenrolment"]
        self.txt_again.text = str(settings["reenrolment_days"])
        self.txt_conversion.text = str(settings["conversion_days"])
        self.steps.show(campaign["steps"], self.editor.may and campaign["status"] != "archived")
        self._show_parts()
        self._show_status()
        # The page need not wait for them.
        window.setTimeout(self._load_figures, 0)

    def _read(self):
        return {
            "campaign_name": (self.txt_name.text or "").strip(),
            "campaign_type": self.dd_trigger.selected_value,
            "steps": self.steps.read(),
            "campaign_settings": {
                "segment_id": self.pick_segment.selected_value,
                "form_id": self.dd_form.selected_value,
                "changed_field": self.dd_changed.selected_value,
                "changed_value": (self.txt_value.text or "").strip() or None,
                "date_field": self.dd_date.selected_value,
                "date_offset_days": step_list.whole(self.txt_offset.text),
                "is_yearly": bool(self.cb_yearly.checked),
                "include_imported": bool(self.cb_imported.checked),
                "exits": [name for name in EXITS if getattr(self, EXITS[name]).checked],
                "reenrolment": self.dd_again.selected_value,
                "reenrolment_days": step_list.whole(self.txt_again.text),
                "conversion_days": step_list.whole(self.txt_conversion.text),
            },
        }

    # What shows.

    def _show_parts(self):
        """Only what counts for the chosen start."""
        trigger = self.dd_trigger.selected_value
        nodes = self.dom_nodes
        is_segment = trigger in ("segment_entered", "segment_left")
        for name, shows in (
            ("segment", is_segment),
            ("form", trigger == "lead_captured"),
            ("changed", trigger == "contact_changed"),
            ("value", trigger == "contact_changed"),
            ("date", trigger == "date"),
            ("offset", trigger == "date"),
            ("yearly", trigger == "date"),
            ("imported", trigger == "contact_created"),
            ("left", trigger == "segment_entered"),
            ("again", self.dd_again.selected_value == "after_end"),
        ):
            nodes[name + "_box"].hidden = not shows

    def _show_status(self):
        campaign, nodes = self.campaign, self.dom_nodes
        is_new, status = not self.campaign_id, campaign["status"]
        nodes["title"].textContent = campaign["campaign_name"] or "New campaign"
        nodes["status"].hidden = is_new
        campaign_texts.show_chip(nodes["status"], status, campaign_texts.CAMPAIGN_STATUS)
        may = self.editor.may and not is_new
        self.btn_start.visible = may and status in ("draft", "paused")
        self.btn_start.text = "Start" if status == "draft" else "Go on"
        self.btn_pause.visible = may and status == "active"
        self.btn_copy.visible = may
        never_ran = not is_new and campaign["activated_at"] is None
        self.btn_end.visible = may and status != "archived" and not never_ran
        self.btn_delete.visible = may and never_ran
        self.btn_save.visible = self.editor.may and status != "archived"
        nodes["running_note"].hidden = status not in ("active", "paused")
        nodes["figures"].hidden = is_new or never_ran

    def _load_figures(self):
        if self.dom_nodes["figures"].hidden:
            return
        try:
            stats = api.call_quietly("get_campaign_stats", self.campaign_id)["stats"]
        except api.ApiError as error:
            self.dom_nodes["subtitle"].textContent = error.message
            return
        if not navigation_helpers.is_open(self):
            return
        send_figures.show_figures(self.dom_nodes, stats["figures"])
        nodes = self.dom_nodes
        people = formatting.plural(stats["total_enrolled"], "person", "people")
        nodes["people_link"].textContent = "{} came in, {} are in it now".format(
            people, formatting.number(stats["active"] + stats["paused"])
        )
        nodes["people_link"].href = LIST_PATH + "/" + self.campaign_id + "/people"
        nodes["sends_link"].href = self._sends_path()
        self.steps.show_figures(stats["steps"])

    def _sends_path(self):
        return "/app/sends/campaign:" + self.campaign_id

    def people_click(self, event):
        navigation_helpers.follow(event, LIST_PATH + "/" + self.campaign_id + "/people")

    def sends_click(self, event):
        navigation_helpers.follow(event, self._sends_path())

    # The weekdays of a mail.

    def days_click(self, event):
        button = event.target.closest("button")
        if button:
            self.steps.press_day(int(button.getAttribute("data-day")))

    # What can be done with it.

    @handle("btn_start", "click")
    def btn_start_click(self, **event_args):
        if self.editor.is_dirty() and not self.editor.save():
            return
        if self.campaign["campaign_type"] == "manual":
            text = "You put people into it by hand."
        else:
            text = "From now on it writes by itself to whom it fits. People from before stay out."
        if confirm("Start this campaign?", text, "Start"):
            self._change("resume_campaign", "The campaign runs.")

    @handle("btn_pause", "click")
    def btn_pause_click(self, **event_args):
        self._change("pause_campaign", "The campaign is paused: no mail of it goes out.")

    @handle("btn_end", "click")
    def btn_end_click(self, **event_args):
        text = "It ends for everybody who is in it, and cannot be started again."
        if confirm("Archive this campaign?", text, "Archive", is_dangerous=True):
            self._change("archive_campaign", "Archived.")

    @handle("btn_copy", "click")
    def btn_copy_click(self, **event_args):
        answer = self._ask("duplicate_campaign")
        if answer:
            navigation_helpers.go(LIST_PATH + "/" + answer["campaign_id"])

    @handle("btn_delete", "click")
    def btn_delete_click(self, **event_args):
        text = "It has never run, so nothing else goes with it."
        self.editor.delete(
            "Delete this campaign?", text, "delete_campaign", self.campaign_id, LIST_PATH
        )

    def _change(self, name, done):
        answer = self._ask(name)
        if answer:
            campaign = answer["campaign"]
            self.editor.take({"campaign": campaign, "version": campaign["version"]})
            Notification(done, timeout=4).show()

    def _ask(self, name):
        """Have something done with the campaign; what is refused shows at its field."""
        try:
            return api.call(name, self.campaign_id)
        except api.ApiError as error:
            self.editor.refuse(error)
            return None
