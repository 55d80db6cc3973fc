from ._anvil_designer import ContactImportFormTemplate

from anvil import Notification, handle, media
from anvil.js import to_media

from ...shared import api, formatting, navigation_helpers
from ...shared.components import ConfirmationDialog
from .. import import_texts
from ..ImportPlanPanel import hand_picked_segments
from ..managers import may_begin

POLL_SECONDS = 1
BACK = "/app/contacts"
PARTS = ("upload", "plan", "progress", "result")
# State -> how many of the four steps are behind, and which part of the page is there.
SHOWN = {
    "uploaded": (1, "plan"),
    "checked": (2, "result"),
    "done": (4, "result"),
    "cancelled": (2, "result"),
    "failed": (2, "result"),
}


class ContactImportForm(ContactImportFormTemplate):
    """Contacts from a file, in four steps: the file, its columns, a dry run, the import."""

    def __init__(self, import_id=None, **properties):
        self.import_id = import_id
        self.entry = None
        self._segments = None
        self._started = False
        path = import_texts.IMPORTS + import_id if import_id else import_texts.PATH
        navigation_helpers.arrive(path, "Import contacts")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "contacts")
        self.dom_nodes["back"].href = import_texts.PATH if import_id else BACK
        self.dom_nodes["back"].textContent = "‹ Imports" if import_id else "‹ Contacts"
        self.btn_delete.visible = False

    @handle("", "show")
    def form_show(self, **event_args):
        if may_begin(self):
            self.load()

    @handle("", "hide")
    def form_hide(self, **event_args):
        self.timer.interval = 0

    def load(self):
        """Read the import of this page, or the former ones."""
        self.state.kind = "loading"
        try:
            if self.import_id:
                entry = api.call_quietly("get_contact_import", self.import_id)["import"]
            else:
                former = api.call_quietly("list_contact_imports", page_size=20)["imports"]
        except api.ApiError as error:
            what = "This import" if self.import_id else "The list of imports"
            self.state.did_not_load(what, error)
            return
        self.state.kind = "none"
        if self.import_id:
            self.show(entry)
            return
        self._part("upload", 0)
        self.rp_imports.items = former
        self.dom_nodes["former"].hidden = not former

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _part(self, name, step):
        nodes = self.dom_nodes
        for part in PARTS:
            nodes[part].hidden = part != name
        nodes["former"].hidden = True
        for index in range(4):
            node = nodes["step_{}".format(index)]
            node.classList.toggle("done", index < step)
            if index == step:
                node.setAttribute("aria-current", "step")
            else:
                node.removeAttribute("aria-current")
        self._say("")

    def _say(self, text):
        self.dom_nodes["problem_text"].textContent = text
        self.dom_nodes["problem"].hidden = not text

    def show(self, entry):
        """Show an import as it is now."""
        self.entry = entry
        is_working = entry["state"] == "working"
        self.dom_nodes["subtitle"].textContent = entry["file_name"]
        self.btn_delete.visible = not is_working
        self.timer.interval = POLL_SECONDS if is_working else 0
        if is_working:
            self._show_progress(entry)
            return
        step, part = SHOWN[entry["state"]]
        if entry["state"] in ("cancelled", "failed") and entry["stage"] == "import":
            step = 3
        self._part(part, step)
        if part == "plan":
            if self._segments is None:
                self._segments = hand_picked_segments()
            self.panel.show(entry, self._segments)
        else:
            self._show_result(entry)

    def _show_progress(self, entry):
        is_import = entry["stage"] == "import"
        nodes = self.dom_nodes
        if nodes["progress"].hidden:
            self._part("progress", 3 if is_import else 2)
        nodes["progress_head"].textContent = "Importing" if is_import else "Checking every row"
        nodes["progress_text"].textContent = import_texts.summary(entry)
        nodes["progress_note"].textContent = (
            "You can leave this page; the work goes on."
            if is_import
            else "Nothing is changed yet. You can leave this page; the work goes on."
        )
        if entry["total_rows"]:
            self.bar.type = "determinate"
            self.bar.progress = 100 * entry["done_rows"] / entry["total_rows"]
        else:
            self.bar.type = "indeterminate"
        self.bar.accessible_name = nodes["progress_head"].textContent

    def _show_result(self, entry):
        state, is_import = entry["state"], entry["stage"] == "import"
        nodes = self.dom_nodes
        heads = {
            "checked": "Checked: this is what would happen",
            "done": "The contacts are in",
            "cancelled": "The import was cancelled" if is_import else "The check was cancelled",
            "failed": "The import stopped" if is_import else "The check stopped",
        }
        nodes["result_head"].textContent = heads[state]
        nodes["result_text"].textContent = self._result_text(entry)
        self._draw_counts(import_texts.count_rows(entry["counts"], is_import))
        found = entry["counts"]
        will = found.get("created", 0) + found.get("updated", 0)
        has_refused = bool(found.get("refused"))
        self.btn_problems.visible = has_refused
        self.btn_problems.text = "Download the {}".format(
            formatting.plural(found.get("refused", 0), "refused row", "refused rows")
        )
        self.btn_start.visible = state == "checked"
        self.btn_start.enabled = bool(will)
        self.btn_start.text = "Import {}".format(formatting.plural(will, "contact", "contacts"))
        self.btn_change.visible = state == "checked" or (
            state in ("cancelled", "failed") and not is_import
        )
        self.btn_resume.visible = state in ("cancelled", "failed") and bool(entry["plan"])
        self.btn_list.visible = state == "done"

    def _result_text(self, entry):
        if entry["state"] == "failed":
            return entry["error"] or ""
        if entry["state"] == "cancelled" and entry["stage"] == "import":
            done, total = entry["done_rows"], entry["total_rows"] or 0
            return "{} of {} rows were done. Who is in stays in; you can go on any time.".format(
                formatting.number(done), formatting.number(total)
            )
        if entry["state"] == "checked":
            return "{} were read. Nothing has been changed so far.".format(
                formatting.plural(entry["total_rows"] or 0, "row", "rows")
            )
        if entry["state"] == "done" and entry["counts"].get("refused"):
            return (
                "Put the refused rows right in the file that you download, and import that file: "
                "it has the same columns, and the reason beside each row."
            )
        return ""

    def _draw_counts(self, rows):
        document = self.dom_nodes["counts"].ownerDocument
        self.dom_nodes["counts"].replaceChildren()
        for name, number, text in rows:
            item = document.createElement("li")
            item.className = "mb-import-count " + name
            strong = document.createElement("strong")
            strong.textContent = formatting.number(number)
            words = document.createElement("span")
            words.textContent = text
            item.append(strong, words)
            self.dom_nodes["counts"].append(item)

    # The file.

    @handle("fl_file", "change")
    def fl_file_change(self, file, **event_args):
        if file:
            self._upload(file)

    def drop_over(self, event):
        event.preventDefault()
        self.dom_nodes["drop"].classList.add("over")

    def drop_leave(self, event):
        self.dom_nodes["drop"].classList.remove("over")

    def drop_drop(self, event):
        event.preventDefault()
        self.drop_leave(event)
        files = event.dataTransfer.files
        if files.length:
            file = files.item(0)
            self._upload(to_media(file, name=file.name))

    def _upload(self, file):
        self._say("")
        size = file.length or 0
        if size > import_texts.MAX_BYTES:
            self._say(
                "{} has {}; at most {} can be imported at once. Please split it.".format(
                    file.name,
                    formatting.file_size(size),
                    formatting.file_size(import_texts.MAX_BYTES),
                )
            )
            self.fl_file.clear()
            return
        nodes = self.dom_nodes
        nodes["drop"].classList.add("busy")
        nodes["drop_text"].textContent = "Reading {}…".format(file.name)
        self.fl_file.enabled = False
        try:
            entry = api.call_quietly("begin_contact_import", file)["import"]
        except api.ApiError as error:
            self._say("{}: {}".format(file.name, error.message))
            return
        finally:
            self.fl_file.enabled = True
            self.fl_file.clear()
            nodes["drop"].classList.remove("busy")
            nodes["drop_text"].textContent = "Drop a file here, or"
        navigation_helpers.go(import_texts.IMPORTS + entry["import_id"])

    # The steps.

    def _step(self, function, *args):
        """Ask the server for a step and show the import as it is then."""
        self._say("")
        try:
            entry = api.call(function, self.import_id, *args)["import"]
        except api.ApiError as error:
            left = self.panel.show_faults(error.fields) if self.panel.entry else []
            if left or not error.fields:
                self._say(" ".join(left) or error.message)
                self.dom_nodes["problem"].scrollIntoView({"block": "center"})
            return False
        self.show(entry)
        return True

    @handle("panel", "x-reread")
    def panel_reread(self, shape, **event_args):
        self._step("reread_contact_import", shape)

    @handle("btn_check", "click")
    def btn_check_click(self, **event_args):
        self.panel.show_faults({})
        self._step("check_contact_import", self.panel.plan())

    @handle("btn_start", "click")
    def btn_start_click(self, **event_args):
        self._step("start_contact_import")

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self._step("cancel_contact_import")

    @handle("btn_resume", "click")
    def btn_resume_click(self, **event_args):
        self._step("resume_contact_import")

    @handle("btn_change", "click")
    def btn_change_click(self, **event_args):
        self._part("plan", 1)
        if self._segments is None:
            self._segments = hand_picked_segments()
        self.panel.show(self.entry, self._segments)

    @handle("btn_list", "click")
    def btn_list_click(self, **event_args):
        navigation_helpers.go(BACK + "?sort=newest")

    @handle("btn_problems", "click")
    def btn_problems_click(self, **event_args):
        try:
            answer = api.call("download_import_problems", self.import_id)
        except api.ApiError as error:
            self._say(error.message)
            return
        media.download(answer["file"])

    @handle("btn_delete", "click")
    def btn_delete_click(self, **event_args):
        is_sure = ConfirmationDialog.confirm(
            "Delete this import?",
            "The uploaded file and the refused rows go. Contacts that are in stay in.",
            "Delete",
            is_dangerous=True,
        )
        if not is_sure:
            return
        try:
            api.call("delete_contact_import", self.import_id)
        except api.ApiError as error:
            self._say(error.message)
            return
        Notification("Deleted.", timeout=2).show()
        navigation_helpers.go(import_texts.PATH)

    @handle("timer", "tick")
    def timer_tick(self, **event_args):
        if not navigation_helpers.is_open(self):
            self.timer.interval = 0
            return
        try:
            self.show(api.call_quietly("get_contact_import", self.import_id)["import"])
        except api.ApiError as error:
            if error.code == "not_found":
                self.timer.interval = 0
                self._say(error.message)

    def back_click(self, event):
        navigation_helpers.follow(event, import_texts.PATH if self.import_id else BACK)
