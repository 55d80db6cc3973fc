from ._anvil_designer import MailEditorTemplate

from anvil import handle
from anvil.js import get_dom_node, window

from ...shared import api, form_fields
from .. import mail_hint_texts, mail_kinds

DEBOUNCE_MS = 400
WORDS = {"subject": "txt_subject", "preheader": "txt_preheader", "markdown": "txt_markdown"}
MAX_PEOPLE = 6

_counter = {"last": 0}


class MailEditor(MailEditorTemplate):
    """Writes a mail of blocks or of one text, with a preview that follows the typing.

    `show(content)` fills it, `content` is what it says now, `is_dirty()` whether that is other than
    what was shown; `mark_saved()` once that is saved. `show_errors(fields)` shows the server's
    refusals (`content.subject`, `content.blocks.2.link`) and gives those that are not its own.
    Event `x-change` tells of each change that a person makes.
    """

    def __init__(self, **properties):
        self.is_editable = True
        self._content = mail_kinds.new_content()
        self._before = mail_kinds.copy_of(self._content)
        self._cards = {}
        self._box = None
        self._timers = {}
        self._asked = {"preview": 0, "people": 0}
        self._contact_id = None
        self._fields_in = None
        self._missing = []
        self._has_fields = False
        self.init_components(**properties)
        form_fields.remember_hints(self, WORDS)
        _counter["last"] += 1
        label = "mb-mail-insert-{}".format(_counter["last"])
        self.dom_nodes["insert_label"].id = label
        self.dom_nodes["variables"].setAttribute("aria-labelledby", label)

    # What a form sees.

    @property
    def content(self):
        """The mail as it stands in the fields."""
        return mail_kinds.copy_of(self._content)

    def show(self, content, is_editable=True):
        """Fill the fields; an empty mail where `content` is None."""
        self.is_editable = is_editable
        known = mail_kinds.new_content()
        known.update(mail_kinds.copy_of(content or {}))
        self._content = known
        self._cards = {}
        for name in WORDS:
            box = getattr(self, WORDS[name])
            box.text = known[name]
            box.enabled = is_editable
        form_fields.show_errors(self, WORDS, {})
        self.dom_nodes["problem"].hidden = True
        self.dom_nodes["insert"].hidden = not is_editable
        self.dom_nodes["formats"].hidden = not is_editable
        self.btn_test.visible = is_editable
        self.block_list.open(known["blocks"], self, "", mail_kinds.ORDER)
        self._show_format()
        self._box = self.txt_subject
        self.mark_saved()
        self._load_fields()
        self._preview()

    def is_dirty(self):
        """Whether something is written that is not saved."""
        return self._content != self._before

    def mark_saved(self):
        """What is written now is saved."""
        self._before = mail_kinds.copy_of(self._content)

    def show_errors(self, fields):
        """Show what the server refused; give what does not belong here."""
        mine, left = {}, {}
        for field in fields:
            if field.startswith("content."):
                mine[field[len("content.") :]] = fields[field]
            else:
                left[field] = fields[field]
        others = form_fields.show_errors(
            self, WORDS, dict((name, mine[name]) for name in mine if name in WORDS)
        )
        for name in mine:
            if name not in WORDS and not self._show_at_block(name, mine[name]):
                others.append(mine[name])
        self.dom_nodes["problem_text"].textContent = " ".join(others)
        self.dom_nodes["problem"].hidden = not others
        if mine:
            self._show_part("write")
            self.go_to(sorted(mine)[0])
        return left

    # What its blocks tell.

    def register(self, path, card):
        """A block is there: by its path messages find it."""
        self._cards[path] = card

    def writing_in(self, box):
        """Fields are put into what was written in last."""
        self._box = box

    def changed(self):
        """Somebody has changed something."""
        self.dom_nodes["problem"].hidden = True
        self.raise_event("x-change")
        self._later("preview", self._preview)

    # Words and blocks.

    def _show_at_block(self, path, message):
        if not path.startswith("blocks."):
            return False
        where, _, name = path[len("blocks.") :].rpartition(".")
        card = self._cards.get(where)
        if card is None:
            return False
        card.show_error(name, message)
        return True

    def go_to(self, path):
        """Put the keyboard focus where a message is about."""
        if path in WORDS:
            getattr(self, WORDS[path]).focus()
            return
        where, _, name = path[len("blocks.") :].rpartition(".")
        card = self._cards.get(where)
        if card is not None:
            card.focus(name)

    def words_change(self, sender, **event_args):
        form_fields.clear_error(sender)
        for name in WORDS:
            self._content[name] = getattr(self, WORDS[name]).text or ""
        self.changed()

    def words_focus(self, sender, **event_args):
        self.writing_in(sender)

    def formats_click(self, event):
        chosen = event.target.closest("[data-value]")
        if chosen and chosen.dataset.value != self._content["format"]:
            self._content["format"] = chosen.dataset.value
            self._show_format()
            self.changed()

    def _show_format(self):
        is_text = self._content["format"] == "markdown"
        self.dom_nodes["by_text"].hidden = not is_text
        self.dom_nodes["by_blocks"].hidden = is_text
        self._press("formats", self._content["format"])

    def parts_click(self, event):
        chosen = event.target.closest("[data-value]")
        if chosen:
            self._show_part(chosen.dataset.value)

    def _show_part(self, name):
        """On a phone either the words or the preview are there."""
        self.dom_nodes["root"].classList.toggle("looking", name == "look")
        self._press("parts", name)

    def _press(self, group, value):
        for button in list(self.dom_nodes[group].querySelectorAll("[data-value]")):
            button.setAttribute(
                "aria-pressed", "true" if button.dataset.value == value else "false"
            )

    # Fields that stand for a person's data.

    def _load_fields(self):
        if self._has_fields:
            return
        try:
            fields = api.call_quietly("list_merge_fields")["fields"]
        except api.ApiError:
            self.dom_nodes["insert"].hidden = True
            return
        self._has_fields = True
        box = self.dom_nodes["variables"]
        box.replaceChildren()
        for field in fields:
            chip = window.document.createElement("button")
            chip.type = "button"
            chip.className = "mb-variable"
            chip.dataset.name = field["name"]
            chip.title = "Like " + field["sample"] if field["sample"] else field["label"]
            chip.textContent = field["label"]
            box.append(chip)

    def variables_down(self, event):
        event.preventDefault()  # the cursor stays where it is

    def variables_click(self, event):
        chip = event.target.closest("[data-name]")
        if chip and self._box is not None:
            name = chip.dataset.name
            is_name = name in ("first_name", "full_name")
            self._insert('{{ first_name | "there" }}' if is_name else "{{ " + name + " }}", name)

    def _insert(self, text, name):
        text = text.replace("first_name", name)
        box = self._box
        control = get_dom_node(box).querySelector(".m3-control")
        if control is None or not control.isConnected:
            box = self.txt_subject
            control = get_dom_node(box).querySelector(".m3-control")
        control.setRangeText(text, control.selectionStart, control.selectionEnd, "end")
        box.text = control.value
        control.focus()
        box.raise_event("change")

    # The preview.

    def _later(self, name, function):
        if self._timers.get(name) is not None:
            window.clearTimeout(self._timers[name])
        self._timers[name] = window.setTimeout(function, DEBOUNCE_MS)

    def _preview(self):
        """Show what stands in the fields as it will arrive; an overtaken answer is dropped."""
        self._asked["preview"] += 1
        asked = self._asked["preview"]
        fields_in = mail_hint_texts.fields_in(self._content)
        is_new = fields_in != self._fields_in
        try:
            shown = api.call_quietly(
                "preview_mail", self.content, with_missing=is_new, **self._person()
            )
        except api.ApiError as error:
            if asked == self._asked["preview"]:
                self._show_hints([{"level": "fault", "text": error.message, "field": ""}])
                self._mark(error.fields)
            return
        if asked != self._asked["preview"]:
            return
        if is_new:
            self._fields_in = fields_in
            self._missing = shown["missing"]
        self.preview.show(shown)
        hints = shown["hints"] + [mail_hint_texts.of_missing(each) for each in self._missing]
        self._show_hints(hints)

    def _mark(self, fields):
        """Show what cannot be read at its field, and leave the cursor where it is."""
        for field in fields:
            path = field[len("content.") :] if field.startswith("content.") else field
            if path in WORDS:
                box = getattr(self, WORDS[path])
                box.error = True
                box.supporting_text = fields[field]
            else:
                self._show_at_block(path, fields[field])

    def _show_hints(self, hints):
        box = self.dom_nodes["hints"]
        box.replaceChildren()
        for hint in hints:
            box.append(mail_hint_texts.element(hint))

    def hints_click(self, event):
        button = event.target.closest("[data-field]")
        if button:
            self._show_part("write")
            self.go_to(button.dataset.field)

    def person_change(self, **event_args):
        self._later("people", self._find_people)

    def _find_people(self):
        typed = (self.txt_person.text or "").strip()
        self._asked["people"] += 1
        asked = self._asked["people"]
        if not typed:
            self._take_person(None, "")
            return
        try:
            found = api.call_quietly("list_contacts", {"search": typed, "page_size": MAX_PEOPLE})
        except api.ApiError as error:
            self.txt_person.supporting_text = error.message
            return
        if asked == self._asked["people"]:
            self._show_people(found["contacts"])

    def _show_people(self, contacts):
        box = self.dom_nodes["people"]
        box.replaceChildren()
        for contact in contacts:
            chip = window.document.createElement("button")
            chip.type = "button"
            chip.className = "mb-variable"
            chip.dataset.contact = contact["contact_id"]
            chip.textContent = mail_hint_texts.name_of(contact)
            box.append(chip)
        if not contacts:
            self.txt_person.supporting_text = "Nobody was found"

    def _person(self):
        return {"contact_id": self._contact_id} if self._contact_id else {}

    def people_click(self, event):
        chip = event.target.closest("[data-contact]")
        if chip:
            self._take_person(chip.dataset.contact, chip.textContent)

    def _take_person(self, contact_id, name):
        self._contact_id = contact_id
        self.dom_nodes["people"].replaceChildren()
        shown = "Shown for " + name if contact_id else "Shown for a sample person"
        self.txt_person.supporting_text = shown
        self._preview()

    @handle("btn_test", "click")
    def btn_test_click(self, **event_args):
        self.btn_test.enabled = False
        self.dom_nodes["said"].textContent = ""
        try:
            answer = api.call("send_mail_test", self.content, **self._person())
        except api.ApiError as error:
            self.dom_nodes["said"].textContent = error.message
            if error.fields:
                self.show_errors(error.fields)
            return
        finally:
            self.btn_test.enabled = True
        self.dom_nodes["said"].textContent = answer["message"]
