from ._anvil_designer import EmailBroadcastFormTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, formatting, navigation_helpers
from ...shared.components.ConfirmationDialog import confirm
from ...shared.editing import Editor
from .. import campaign_texts, send_figures
from ..broadcast_parts import FilterFields, TrialFields
from ..WordsDialog import ask_words

LIST_PATH = "/app/broadcasts"
COMPONENTS = {"broadcast_name": "txt_name", "subject_test.subject": "txt_second"}
CHIPS = {
    "segments": "chips_segments",
    "tags": "chips_tags",
    "without_segments": "chips_without_segments",
    "without_tags": "chips_without_tags",
}
NEW = {
    "broadcast_name": "",
    "status": "draft",
    "content": None,
    "resend_of": None,
    "scheduled_at": None,
    "started_at": None,
    "subject_test": None,
    "subject_test_until": None,
    "is_trying": False,
    "recipients": {
        "everyone": False,
        "segments": [],
        "tags": [],
        "filters": {},
        "without_segments": [],
        "without_tags": [],
    },
}
EDITABLE = ("draft", "scheduled")
FOLLOW_MS = 5000  # How often the figures are asked for while it goes out.


class EmailBroadcastForm(EmailBroadcastFormTemplate):
    """Write a broadcast, choose who gets it, send it now or later, and see what became of it."""

    def __init__(self, broadcast_id=None, **properties):
        self.broadcast_id = broadcast_id
        self.broadcast = NEW
        self._started = False
        self._asked = 0
        self._timer = None
        title = "Broadcast" if broadcast_id else "New broadcast"
        navigation_helpers.arrive(LIST_PATH + "/" + (broadcast_id or "new"), title)
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "broadcasts")
        self.dom_nodes["back"].href = LIST_PATH
        self.dom_nodes["title"].textContent = title
        self.dd_time.items = campaign_texts.QUARTER_ITEMS
        self.dd_time.selected_value = "09:00"
        self.editor = Editor(
            self,
            COMPONENTS,
            fetch=self._fetch,
            show=self._show,
            read=self._read,
            store=self._store,
            needs="marketing.manage",
            what="This broadcast",
            refused=self.mail_editor.show_errors,
        )
        self.trial = TrialFields(self)
        self.filters = FilterFields(self)
        for control in (self.cb_everyone, self.dd_status, self.dd_lifecycle, self.more):
            control.set_event_handler("change", self._recipients_change)
        for name in CHIPS.values():
            getattr(self, name).set_event_handler("change", self._recipients_change)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.editor.load()

    @handle("", "hide")
    def form_hide(self, **event_args):
        if self._timer is not None:
            window.clearTimeout(self._timer)

    def back_click(self, event):
        navigation_helpers.follow(event, LIST_PATH)

    # Reading and saving.

    def _fetch(self):
        choices = api.call_quietly("get_recipient_choices")
        segments = [(one["segment_name"], one["segment_id"]) for one in choices["segments"]]
        tags = [(tag, tag) for tag in choices["tags"]]
        for name in CHIPS:
            getattr(self, CHIPS[name]).items = segments if "segments" in name else tags
        self.filters.offer(choices["tags"], segments)
        if not self.broadcast_id:
            return {"broadcast": NEW, "version": 0}
        return _versioned(api.call_quietly("get_broadcast", self.broadcast_id))

    def _store(self, values, version):
        if self.broadcast_id:
            if self.broadcast["status"] not in EDITABLE:
                values = {"broadcast_name": values["broadcast_name"]}
            return _versioned(api.call("update_broadcast", self.broadcast_id, values, version))
        answer = api.call("create_broadcast", values)
        self.broadcast_id = answer["broadcast_id"]
        navigation_helpers.replace_address(LIST_PATH + "/" + self.broadcast_id)
        return _versioned(answer)

    def _show(self, answer):
        broadcast = self.broadcast = answer["broadcast"]
        self.txt_name.text = broadcast["broadcast_name"]
        recipients = broadcast["recipients"]
        may = self.editor.may and broadcast["status"] in EDITABLE
        self.cb_everyone.checked = recipients["everyone"]
        self.cb_everyone.enabled = may
        for name in CHIPS:
            picker = getattr(self, CHIPS[name])
            picker.values = recipients[name]
            picker.enabled = may
        self.filters.show(recipients["filters"], may)
        self.mail_editor.show(broadcast["content"], is_editable=may)
        self.trial.show(broadcast["subject_test"], may, is_offered=not broadcast["resend_of"])
        self._show_status()
        self._show_choice()
        # The page need not wait for the figures.
        is_draft = broadcast["status"] in EDITABLE
        window.setTimeout(self._count if is_draft else self._load_figures, 0)

    def _read(self):
        recipients = dict(self.broadcast["recipients"], everyone=bool(self.cb_everyone.checked))
        for name in CHIPS:
            recipients[name] = getattr(self, CHIPS[name]).values
        recipients["filters"] = self.filters.read()
        return {
            "broadcast_name": (self.txt_name.text or "").strip(),
            "content": self.mail_editor.content,
            "subject_test": self.trial.read(),
            "recipients": recipients,
        }

    def toggle_click(self, event):
        self.filters.toggle()

    # What shows.

    def _show_status(self):
        broadcast, nodes = self.broadcast, self.dom_nodes
        is_new, status = not self.broadcast_id, broadcast["status"]
        nodes["title"].textContent = broadcast["broadcast_name"] or "New broadcast"
        nodes["status"].hidden = is_new
        campaign_texts.show_chip(nodes["status"], status, campaign_texts.BROADCAST_STATUS)
        moment = broadcast["started_at"] or broadcast["scheduled_at"]
        nodes["subtitle"].textContent = formatting.day_and_time(moment)
        may = self.editor.may and not is_new
        self.btn_pause.visible = may and status in ("planning", "sending")
        self.btn_resume.visible = may and status == "paused"
        self.btn_stop.visible = may and status in ("scheduled", "planning", "sending", "paused")
        self.btn_stop.text = "Do not send" if status == "scheduled" else "Stop"
        is_out = status in ("sending", "sent") and not broadcast["is_trying"]
        self.btn_resend.visible = may and is_out
        self.btn_copy.visible = may
        self.btn_delete.visible = may and status == "draft"
        nodes["sending"].hidden = not self.editor.may or status not in EDITABLE
        nodes["figures"].hidden = status in EDITABLE
        nodes["send_note"].textContent = (
            "It waits for its time. You may still change it, send it at once, or choose another."
            if status == "scheduled"
            else "At most 50 mails go out in an hour unless your settings say more; the rest waits."
        )

    def _show_choice(self):
        is_resend = bool(self.broadcast["resend_of"])
        nodes = self.dom_nodes
        nodes["resend_note"].hidden = not is_resend
        nodes["choice"].hidden = is_resend
        nodes["chosen_box"].hidden = bool(self.cb_everyone.checked)
        count = len(self.filters.read())
        words = "Only some of them ({})" if count else "Only some of them"
        nodes["toggle_text"].textContent = words.format(count)

    def _recipients_change(self, **event_args):
        self._show_choice()
        self._count()

    def _count(self):
        """How many it would reach; an overtaken answer is dropped."""
        nodes = self.dom_nodes
        if self.broadcast["resend_of"]:
            return
        self._asked += 1
        asked = self._asked
        try:
            counts = api.call_quietly("count_recipients", self._read()["recipients"])["counts"]
        except api.ApiError as error:
            nodes["count"].textContent = ""
            nodes["count_note"].textContent = error.message
            return
        if asked != self._asked:
            return
        nodes["count"].textContent = formatting.plural(
            counts["reachable"], "person gets it", "people get it"
        )
        left = []
        if counts["not_opted_in"]:
            words = ("has not agreed to marketing", "have not agreed to marketing")
            left.append(formatting.plural(counts["not_opted_in"], *words))
        if counts["no_address"]:
            words = ("has no e-mail address", "have no e-mail address")
            left.append(formatting.plural(counts["no_address"], *words))
        nodes["count_note"].textContent = "; ".join(left)

    def _load_figures(self):
        try:
            answer = api.call_quietly("get_broadcast_stats", self.broadcast_id)
        except api.ApiError as error:
            self.dom_nodes["subtitle"].textContent = error.message
            return
        if not navigation_helpers.is_open(self):
            return
        stats, nodes = answer["stats"], self.dom_nodes
        send_figures.show_figures(nodes, stats)
        send_figures.show_subjects(nodes["subjects"], answer["subjects"])
        self._show_wait(answer["broadcast"])
        done = stats["planned"] - stats["waiting"]
        percent = 100 * done // stats["planned"] if stats["planned"] else 0
        nodes["bar"].style.width = "{}%".format(percent)
        nodes["progress"].setAttribute("aria-valuenow", str(percent))
        nodes["count"].textContent = formatting.plural(stats["planned"], "person", "people")
        nodes["count_note"].textContent = answer["broadcast"]["recipients_text"]
        nodes["sends_link"].href = self._sends_path()
        status = answer["broadcast"]["status"]
        nodes["progress"].hidden = status in ("sent", "cancelled")
        is_trying = answer["broadcast"]["is_trying"]
        if status != self.broadcast["status"] or is_trying != self.broadcast["is_trying"]:
            self.broadcast = answer["broadcast"]
            self._show_status()
        if status in ("planning", "sending"):
            self._timer = window.setTimeout(self._load_figures, FOLLOW_MS)

    def _show_wait(self, broadcast):
        """That the rest waits for the better of two subjects."""
        until = broadcast["subject_test_until"]
        text = "All others get the better subject once these are out and the wait is over."
        if until is not None:
            text = "All others get the better subject, which is chosen after {}."
            text = text.format(formatting.day_and_time(until))
        node = self.dom_nodes["trial_note"]
        node.hidden = not broadcast["is_trying"] or broadcast["status"] == "cancelled"
        node.textContent = text

    def _sends_path(self):
        return "/app/sends/broadcast:" + self.broadcast_id

    def sends_click(self, event):
        navigation_helpers.follow(event, self._sends_path())

    # Sending.

    @handle("btn_send", "click")
    def btn_send_click(self, **event_args):
        if not self._save_first():
            return
        text = self.dom_nodes["count"].textContent or "It goes to who has not opened it"
        if confirm("Send it now?", text + ". What has gone out cannot be taken back.", "Send"):
            self._change("send_broadcast", "It is going out.")

    @handle("btn_schedule", "click")
    def btn_schedule_click(self, **event_args):
        day = self.dp_day.date
        self._say_when("" if day else "Please choose a day.")
        if day and self._save_first():
            when = day.isoformat() + "T" + self.dd_time.selected_value
            self._change("send_broadcast", "It waits for its time.", when)

    def _say_when(self, text):
        self.dom_nodes["when_problem"].textContent = text
        self.dom_nodes["when_problem"].hidden = not text

    def _save_first(self):
        if self.broadcast_id and not self.editor.is_dirty():
            return True
        return self.editor.save()

    @handle("btn_pause", "click")
    def btn_pause_click(self, **event_args):
        self._change("pause_broadcast", "Nothing more goes out until you let it go on.")

    @handle("btn_resume", "click")
    def btn_resume_click(self, **event_args):
        self._change("resume_broadcast", "It goes on.")

    @handle("btn_stop", "click")
    def btn_stop_click(self, **event_args):
        if self.broadcast["status"] == "scheduled":
            self._change("cancel_broadcast", "It is a draft again.")
            return
        text = "What has not gone out will not go. What has, stays."
        if confirm("Stop this broadcast for good?", text, "Stop", is_dangerous=True):
            self._change("cancel_broadcast", "Stopped.")

    @handle("btn_copy", "click")
    def btn_copy_click(self, **event_args):
        self._open_other(self._ask("duplicate_broadcast"))

    @handle("btn_resend", "click")
    def btn_resend_click(self, **event_args):
        before = self.broadcast["content"]["subject"]
        text = "To those who have not opened it. With the same subject most would pass it by again."
        subject = ask_words("Send it again?", text, "Make a draft", "New subject", before=before)
        if subject:
            self._open_other(self._ask("resend_to_unopened", subject))

    @handle("btn_delete", "click")
    def btn_delete_click(self, **event_args):
        text = "Its mail goes with it."
        self.editor.delete(
            "Delete this draft?", text, "delete_broadcast", self.broadcast_id, LIST_PATH
        )

    def _open_other(self, answer):
        if answer:
            navigation_helpers.go(LIST_PATH + "/" + answer["broadcast_id"])

    def _change(self, name, done, *more):
        answer = self._ask(name, *more)
        if answer:
            self.editor.take(_versioned(answer))
            Notification(done, timeout=4).show()

    def _ask(self, name, *more):
        """Have something done with the broadcast; what is refused shows at its field."""
        try:
            return api.call(name, self.broadcast_id, *more)
        except api.ApiError as error:
            if "send_at" in error.fields:
                self._say_when(error.message)
            else:
                self.editor.refuse(error)
            return None


def _versioned(answer):
    return {"broadcast": answer["broadcast"], "version": answer["broadcast"]["version"]}
