from ._anvil_designer import MailBlockTemplate

from anvil import handle
from anvil.js import get_dom_node
from m3._Components.DropdownMenu import DropdownMenu
from m3._Components.TextArea import TextArea
from m3._Components.TextBox import TextBox

from .. import mail_kinds


class MailBlock(MailBlockTemplate):
    """One block of a mail, with its fields. `item` is what BlockList gives."""

    def __init__(self, **properties):
        self.boxes = {}
        self.columns = []
        self.init_components(**properties)
        self.block = self.item["block"]
        self.list = self.item["list"]
        self.owner = self.list.owner
        title, icon, _defaults, fields = mail_kinds.KINDS[self.block["kind"]]
        nodes = self.dom_nodes
        nodes["title"].textContent = title
        nodes["icon"].setAttribute("name", icon)
        self._name_tools(title)
        for field in fields:
            self._add_field(*field)
        if self.block["kind"] == "columns":
            self._add_columns()
        nodes["body"].hidden = not self.boxes and not self.columns
        nodes["body"].classList.toggle("columns", bool(self.columns))
        self.owner.register(self.item["path"], self)

    def _name_tools(self, title):
        number = self.item["index"] + 1
        self.dom_nodes["root"].setAttribute("aria-label", "{} {}".format(title, number))
        self.dom_nodes["tools"].hidden = not self.owner.is_editable
        self.btn_up.enabled = not self.item["is_first"]
        self.btn_down.enabled = not self.item["is_last"]
        for button in (self.btn_up, self.btn_down, self.btn_copy, self.btn_remove):
            button.accessible_name = "{}: {} {}".format(button.tooltip, title.lower(), number)

    def _add_field(self, name, label, kind, more):
        value = self.block.get(name)
        if kind == mail_kinds.IMAGE:
            from ..ImagePicker import ImagePicker

            box = ImagePicker()
            box.open(value, self.owner, self._image_chosen)
        elif kind == mail_kinds.CHOICE:
            box = DropdownMenu(label=label, items=more, selected_value=value, role="outlined")
        elif kind == mail_kinds.TEXT:
            box = TextArea(label=label, text=value, rows=5, supporting_text=more, role="outlined")
        else:
            box = TextBox(label=label, text=value, supporting_text=more, role="outlined")
        self.boxes[name] = box
        if kind == mail_kinds.IMAGE:
            self.fields.add_component(box)
            return
        box.tag = more if kind != mail_kinds.CHOICE else ""
        box.enabled = self.owner.is_editable
        box.add_event_handler("change", self._changed)
        if kind != mail_kinds.CHOICE:
            box.add_event_handler("focus", self._entered)
        self.fields.add_component(box)
        get_dom_node(box).classList.add("choice" if kind == mail_kinds.CHOICE else "wide")

    def _add_columns(self):
        from ..BlockList import BlockList

        for i, blocks in enumerate(self.block["columns"]):
            column = BlockList()
            self.fields.add_component(column)
            path = "{}.columns.{}.".format(self.item["path"], i)
            column.open(blocks, self.owner, path, mail_kinds.SIMPLE)
            self.columns.append(column)

    def _changed(self, sender, **event_args):
        for name in self.boxes:
            box = self.boxes[name]
            if box is sender:
                is_choice = hasattr(box, "selected_value")
                self.block[name] = box.selected_value if is_choice else box.text
        self.show_error("", "")
        self._clear(sender)
        self.owner.changed()

    def _clear(self, box):
        if box.error:
            box.error = False
            if hasattr(box, "supporting_text"):
                box.supporting_text = box.tag or ""

    def _image_chosen(self, image):
        self.block["image"] = image["name"] if image else ""
        if image and image["alt"] and not self.block["alt"]:
            self.block["alt"] = image["alt"]
            self.boxes["alt"].text = image["alt"]
        self.show_error("", "")
        self.owner.changed()

    def _entered(self, sender, **event_args):
        self.owner.writing_in(sender)

    def show_error(self, name, message):
        """Show a message at one of the fields, or at the block where it has no such field."""
        box = self.boxes.get(name)
        if box is not None and hasattr(box, "supporting_text"):
            box.error = True
            box.supporting_text = message
            return
        fault = self.dom_nodes["fault"]
        fault.textContent = message
        fault.hidden = not message

    def focus(self, name=None):
        """Put the keyboard focus into a field, or into the first there is."""
        for each in [name] if name in self.boxes else list(self.boxes):
            self.boxes[each].focus()
            return
        self.btn_copy.focus()

    def focus_move(self, step):
        """Keep the focus where someone moves a block on and on."""
        first, second = (self.btn_up, self.btn_down) if step < 0 else (self.btn_down, self.btn_up)
        (first if first.enabled else second).focus()

    @handle("btn_up", "click")
    def btn_up_click(self, **event_args):
        self.list.move(self.item["index"], -1)

    @handle("btn_down", "click")
    def btn_down_click(self, **event_args):
        self.list.move(self.item["index"], 1)

    @handle("btn_copy", "click")
    def btn_copy_click(self, **event_args):
        self.list.copy(self.item["index"])

    @handle("btn_remove", "click")
    def btn_remove_click(self, **event_args):
        self.list.take_out(self.item["index"])
