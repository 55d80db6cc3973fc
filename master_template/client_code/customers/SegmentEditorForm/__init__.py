from ._anvil_designer import SegmentEditorFormTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, formatting, navigation_helpers
from ...shared.editing import Editor
from ..SegmentGroup import SegmentGroup
from ..segment_texts import TYPE_NAMES, USE_NAMES, relative_faults

LIST_PATH = "/app/segments"
COMPONENTS = {"segment_name": "txt_name", "description": "txt_description"}
KIND_ITEMS = [("Fills itself by rules", "custom"), ("Filled by hand", "static")]
RULES = "filter_criteria"
NEW_RULES = {"match": "all", "rules": []}
DEBOUNCE_MS = 400


class SegmentEditorForm(SegmentEditorFormTemplate):
    """Make a segment or change one by choosing, with who is in it as the rules change."""

    def __init__(self, segment_id=None, **properties):
        self.segment_id = segment_id.upper() if segment_id else None
        self.segment = None
        self.words = None
        self.group = None
        self._started = False
        self._asked = 0
        self._timer = None
        title = "Segment" if segment_id else "New segment"
        navigation_helpers.arrive(LIST_PATH + "/" + (self.segment_id or "new"), title)
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "segments")
        self.dom_nodes["back"].href = LIST_PATH
        self.dom_nodes["title"].textContent = title
        self.dd_kind.items = KIND_ITEMS
        self.editor = Editor(
            self,
            COMPONENTS,
            fetch=self._fetch,
            show=self._show,
            read=self._read,
            store=self._store,
            needs="marketing.manage",
            what="This segment",
        )

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.editor.load()
        if not self.segment_id and self.segment is not None:
            if self.segment["segment_name"]:
                self.editor.before = {}  # A copy is worth saving as it is.
            self.txt_name.focus()

    @handle("", "hide")
    def form_hide(self, **event_args):
        self._stop_waiting()

    def back_click(self, event):
        navigation_helpers.follow(event, LIST_PATH)

    def _fetch(self):
        if self.words is None:
            self.words = {
                "fields": api.call_quietly("get_segment_fields")["fields"],
                "tags": api.call_quietly("list_contact_tags")["tags"],
            }
        if self.segment_id:
            return api.call_quietly("get_segment", self.segment_id)
        blank = {
            "segment_name": "",
            "description": "",
            "segment_type": "custom",
            "filter_criteria": NEW_RULES,
            "is_active": True,
            "state": "ready",
        }
        pattern = navigation_helpers.query().get("from")
        if pattern:
            # The rules of another one, to begin with.
            known = api.call_quietly("get_segment", pattern)["segment"]
            blank["filter_criteria"] = known["filter_criteria"] or NEW_RULES
            blank["segment_name"] = known["segment_name"] + " (copy)"
        return {"segment": blank, "uses": [], "remaining": 0, "version": 0}

    def _store(self, values, version):
        try:
            if self.segment_id:
                # The kind is chosen once, when it is made.
                changes = dict((name, values[name]) for name in values if name != "segment_type")
                return api.call("update_segment", self.segment_id, changes, version)
            made = api.call("create_segment", values)
        except api.ApiError as error:
            faults = relative_faults(error.fields, RULES)
            if self.group is not None:
                self.group.show_faults(faults)
            left = [name for name in error.fields if not name.startswith(RULES)]
            fields = dict((name, error.fields[name]) for name in left)
            message = "Please look at the rules again." if faults else error.message
            raise api.ApiError(error.code, message, fields, error.answer)
        self.segment_id = made["segment_id"]
        navigation_helpers.replace_address(LIST_PATH + "/" + self.segment_id)
        return api.call_quietly("get_segment", self.segment_id)

    def _show(self, answer):
        segment = self.segment = answer["segment"]
        kind, is_new = segment["segment_type"], not self.segment_id
        may = self.editor.may and kind != "prebuilt"
        nodes = self.dom_nodes
        nodes["title"].textContent = segment["segment_name"] if self.segment_id else "New segment"
        navigation_helpers.set_title(nodes["title"].textContent)
        nodes["kind"].textContent = TYPE_NAMES[kind] if segment["is_active"] else "Off"
        nodes["kind"].hidden = is_new
        self.txt_name.text = segment["segment_name"]
        self.txt_description.text = segment["description"]
        self.txt_name.enabled = self.txt_description.enabled = may
        self.dd_kind.selected_value = kind
        nodes["kind_box"].hidden = not is_new
        self.btn_save.visible = may
        self.btn_save.text = "Create" if is_new else "Save"
        self.btn_switch.visible = self.editor.may and not is_new
        self.btn_switch.text = "Switch off" if segment["is_active"] else "Switch on"
        self.btn_copy.visible = self.editor.may and not is_new and kind != "static"
        self.btn_delete.visible = may and not is_new
        self._show_rules(segment["filter_criteria"], may)
        self._show_uses(answer)
        # Not at once: while that asks the server, what has been saved would pass for unsaved.
        self._preview_after(0)

    def _show_rules(self, criteria, may):
        self.slot.clear()
        self.group = None
        if criteria is not None:
            self.group = SegmentGroup(self.words, criteria, may)
            self.group.add_event_handler("x-change", self._rules_change)
            self.slot.add_component(self.group)
        self._show_parts()

    def _show_parts(self):
        kind = self.dd_kind.selected_value
        self.dom_nodes["rules"].hidden = kind == "static"
        self.dom_nodes["by_hand"].hidden = kind != "static"

    def _show_uses(self, answer):
        nodes, uses = self.dom_nodes, answer["uses"]
        lines = []
        for use in uses:
            line = window.document.createElement("li")
            line.textContent = "{}: {}".format(USE_NAMES.get(use["kind"], use["kind"]), use["name"])
            lines.append(line)
        nodes["uses"].replaceChildren(*lines)
        nodes["uses_panel"].hidden = not uses

    def _read(self):
        values = {
            "segment_name": (self.txt_name.text or "").strip(),
            "description": (self.txt_description.text or "").strip(),
            "segment_type": self.dd_kind.selected_value,
        }
        if values["segment_type"] != "static" and self.group is not None:
            values[RULES] = self.group.read()
        return values

    # Who is in it.

    def _rules_change(self, **event_args):
        self._preview_after(DEBOUNCE_MS)

    def _preview_after(self, milliseconds):
        self._stop_waiting()
        self._timer = window.setTimeout(self._preview, milliseconds)

    @handle("dd_kind", "change")
    def dd_kind_change(self, **event_args):
        self._show_parts()
        self._preview()

    def _stop_waiting(self):
        if self._timer is not None:
            window.clearTimeout(self._timer)
            self._timer = None

    def _preview(self):
        """Ask who is in it by the rules that stand there now; an overtaken answer is dropped."""
        self._timer = None
        self._asked += 1
        asked = self._asked
        is_static = self.dd_kind.selected_value == "static"
        try:
            if not is_static:
                answer = api.call_quietly("preview_segment", self.group.read())
            elif self.segment_id:
                found = api.call_quietly("get_segment_contacts", self.segment_id, page_size=5)
                answer = {"count": found["total"], "sample": found["contacts"]}
            else:
                answer = {"count": 0, "sample": []}
        except api.ApiError as error:
            if asked == self._asked and navigation_helpers.is_open(self):
                self._show_nothing(error)
            return
        if asked == self._asked and navigation_helpers.is_open(self):
            self._show_people(answer)

    def _show_nothing(self, error):
        """The rules are not finished, which is nothing to complain of while someone chooses."""
        nodes = self.dom_nodes
        is_open = error.code == "invalid"
        nodes["count"].textContent = "–"
        nodes["count_text"].textContent = (
            "Finish the rules to see who is in." if is_open else error.message
        )
        nodes["reachable"].hidden = nodes["sample"].hidden = True
        nodes["all_link"].hidden = True

    def _show_people(self, answer):
        nodes, count = self.dom_nodes, answer["count"]
        nodes["count"].textContent = formatting.number(count)
        total = answer.get("total")
        words = "person is in it" if count == 1 else "people are in it"
        if total is not None:
            words = "of {} contacts".format(formatting.number(total))
        nodes["count_text"].textContent = words
        reachable = answer.get("reachable")
        nodes["reachable"].hidden = reachable is None or not count
        if reachable is not None:
            nodes["reachable"].textContent = "{} of them may get marketing by e-mail.".format(
                formatting.number(reachable)
            )
        nodes["sample"].replaceChildren(*[self._person(one) for one in answer["sample"]])
        nodes["sample"].hidden = not answer["sample"]
        nodes["all_link"].hidden = not count or not self.segment_id
        nodes["all_link"].href = "/app/contacts?segment={}".format(self.segment_id)

    def _person(self, contact):
        line = window.document.createElement("li")
        link = window.document.createElement("a")
        link.className = "mb-text-link"
        link.href = "/app/contacts/" + contact["contact_id"]
        link.textContent = contact["full_name"] or contact["contact_id"]

        def press(event):
            navigation_helpers.follow(event, "/app/contacts/" + contact["contact_id"])

        link.addEventListener("click", press)
        line.append(link)
        return line

    def all_click(self, event):
        navigation_helpers.follow(event, "/app/contacts?segment={}".format(self.segment_id))

    # What else can be done with it.

    @handle("btn_switch", "click")
    def btn_switch_click(self, **event_args):
        if self.editor.is_dirty() and not self.editor.save():
            return
        wanted = not self.segment["is_active"]
        try:
            answer = api.call(
                "update_segment", self.segment_id, {"is_active": wanted}, self.editor.version
            )
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self.editor.take(answer)
        Notification("Switched on." if wanted else "Switched off.", timeout=2).show()

    @handle("btn_copy", "click")
    def btn_copy_click(self, **event_args):
        navigation_helpers.go(LIST_PATH + "/new?from=" + self.segment_id)

    @handle("btn_delete", "click")
    def btn_delete_click(self, **event_args):
        self.editor.delete(
            "Delete this segment?",
            "The people in it stay as they are; only the segment goes.",
            "delete_segment",
            self.segment_id,
            LIST_PATH,
        )
