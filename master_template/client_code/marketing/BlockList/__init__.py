from ._anvil_designer import BlockListTemplate

from anvil.js import window

from .. import mail_kinds


class BlockList(BlockListTemplate):
    """The blocks of a mail or of a column: to write in, add, move, copy and take out.

    `open(blocks, owner, path, kinds)` shows a list of blocks and works in it; `owner` is the
    MailEditor, `path` is where the list is (``""`` or ``2.columns.0.``).
    """

    def __init__(self, **properties):
        self.blocks = []
        self.owner = None
        self.path = ""
        self._taken = None
        self.init_components(**properties)

    def open(self, blocks, owner, path, kinds):
        self.blocks = blocks
        self.owner = owner
        self.path = path
        self._draw_buttons(kinds)
        self.draw()

    def _draw_buttons(self, kinds):
        box = self.dom_nodes["add"]
        where = "to the mail" if not self.path else "to this column"
        box.setAttribute("aria-label", "Add " + where)
        box.hidden = not self.owner.is_editable
        box.replaceChildren()
        for kind in kinds:
            title, icon = mail_kinds.KINDS[kind][:2]
            button = window.document.createElement("button")
            button.type = "button"
            button.className = "mb-variable mb-add-block"
            button.dataset.kind = kind
            button.setAttribute("aria-label", "Add " + title.lower())
            mark = window.document.createElement("m3-icon")
            mark.setAttribute("name", icon)
            words = window.document.createElement("span")
            words.textContent = title
            button.append(mark, words)
            box.append(button)

    def draw(self, focus=None):
        """Show the blocks anew; the one at `focus` gets the keyboard."""
        last = len(self.blocks) - 1
        self.rp_blocks.items = [
            {
                "block": block,
                "list": self,
                "index": i,
                "is_first": i == 0,
                "is_last": i == last,
                "path": "{}{}".format(self.path, i),
            }
            for i, block in enumerate(self.blocks)
        ]
        self.dom_nodes["none"].hidden = last >= 0
        cards = self.cards()
        if focus is not None and 0 <= focus < len(cards):
            cards[focus].focus()

    def cards(self):
        """The MailBlock of each block."""
        return list(self.rp_blocks.get_components())

    def add_click(self, event):
        button = event.target.closest("[data-kind]")
        if button:
            self._show_undo(None)
            self.blocks.append(mail_kinds.new_block(button.dataset.kind))
            self.draw(len(self.blocks) - 1)
            self.owner.changed()

    def move(self, index, step):
        """Move a block up (-1) or down (1)."""
        to = index + step
        if 0 <= to < len(self.blocks):
            self.blocks[index], self.blocks[to] = self.blocks[to], self.blocks[index]
            self._show_undo(None)
            self.draw()
            self.cards()[to].focus_move(step)
            self.owner.changed()

    def copy(self, index):
        """Put a copy of a block behind it."""
        self.blocks.insert(index + 1, mail_kinds.copy_of(self.blocks[index]))
        self._show_undo(None)
        self.draw(index + 1)
        self.owner.changed()

    def take_out(self, index):
        """Take a block out; it can be put back until something else is done."""
        block = self.blocks.pop(index)
        self.draw()
        self._show_undo((index, block))
        self.dom_nodes["undo_button"].focus()
        self.owner.changed()

    def _show_undo(self, taken):
        self._taken = taken
        nodes = self.dom_nodes
        nodes["undo"].hidden = taken is None
        if taken is not None:
            title = mail_kinds.KINDS[taken[1]["kind"]][0]
            nodes["undo_text"].textContent = "{} taken out.".format(title)

    def undo_click(self, event):
        if self._taken is not None:
            index, block = self._taken
            self.blocks.insert(index, block)
            self._show_undo(None)
            self.draw(index)
            self.owner.changed()
