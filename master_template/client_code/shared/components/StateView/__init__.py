from ._anvil_designer import StateViewTemplate

from anvil import handle


class StateView(StateViewTemplate):
    """Stands where a list would: `loading`, `empty`, `error`, or `none` when the list is there.

    `heading`, `text` and `action_text` say what and what next; event `action` is the button.
    `level` is the heading's level: 1 where a page has no other heading.
    """

    def __init__(self, **properties):
        self._kind = "none"
        self._heading = ""
        self._text = ""
        self._action_text = ""
        self._level = 2
        self._ready = False
        self.init_components(**properties)
        self._ready = True
        self._draw()

    def say(self, kind, heading="", text="", action_text=""):
        """Set everything at once."""
        self._kind = kind
        self._heading = heading
        self._text = text
        self._action_text = action_text
        self._draw()

    def did_not_load(self, what, error):
        """Say why `what` is not here; trying again is offered unless there is no such thing."""
        if error.code == "not_found":
            self.say("error", what + " is not there", error.message)
        else:
            self.say("error", what + " did not load", error.message, "Try again")

    def _draw(self):
        if not self._ready:
            return
        nodes = self.dom_nodes
        nodes["bones"].hidden = self._kind != "loading"
        nodes["message"].hidden = self._kind not in ("empty", "error")
        for name, is_used in (
            ("page_heading", self._level == 1),
            ("heading_node", self._level != 1),
        ):
            nodes[name].textContent = self._heading if is_used else ""
            nodes[name].hidden = not is_used
        nodes["text_node"].textContent = self._text
        nodes["live"].textContent = "Loading" if self._kind == "loading" else ""
        self.btn_action.text = self._action_text
        self.btn_action.visible = bool(self._action_text)

    @property
    def kind(self):
        return self._kind

    @kind.setter
    def kind(self, value):
        self._kind = value or "none"
        self._draw()

    @property
    def heading(self):
        return self._heading

    @heading.setter
    def heading(self, value):
        self._heading = value or ""
        self._draw()

    @property
    def text(self):
        return self._text

    @text.setter
    def text(self, value):
        self._text = value or ""
        self._draw()

    @property
    def action_text(self):
        return self._action_text

    @action_text.setter
    def action_text(self, value):
        self._action_text = value or ""
        self._draw()

    @property
    def level(self):
        return self._level

    @level.setter
    def level(self, value):
        self._level = value or 2
        self._draw()

    @handle("btn_action", "click")
    def btn_action_click(self, **event_args):
        self.raise_event("action")
