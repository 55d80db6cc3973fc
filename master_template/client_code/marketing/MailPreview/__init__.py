from ._anvil_designer import MailPreviewTemplate

DARK = "@media (prefers-color-scheme: dark)"


class MailPreview(MailPreviewTemplate):
    """A mail as it will arrive: on a computer or a phone, light or dark, or as plain text.

    `show(mail)` takes `subject`, `preheader`, `html` and `text`. Nothing in the mail runs, and its
    links lead nowhere.
    """

    def __init__(self, **properties):
        self._mail = {"subject": "", "preheader": "", "html": "", "text": ""}
        self._width = "desk"
        self._scheme = "light"
        self.init_components(**properties)

    def show(self, mail):
        self._mail = mail
        self._draw()

    def _draw(self):
        nodes = self.dom_nodes
        nodes["subject"].textContent = self._mail["subject"] or "(no subject)"
        nodes["preheader"].textContent = self._mail["preheader"]
        is_plain = self._width == "plain"
        nodes["stage"].hidden = is_plain
        nodes["plain"].hidden = not is_plain
        nodes["stage"].classList.toggle("phone", self._width == "phone")
        if is_plain:
            nodes["plain"].textContent = self._mail["text"]
            return
        # The frame would follow the device; what is asked for here is one of the two.
        wanted = "@media all" if self._scheme == "dark" else "@media not all"
        page = self._mail["html"].replace(DARK, wanted)
        if nodes["frame"].srcdoc != page:
            nodes["frame"].srcdoc = page

    def widths_click(self, event):
        self._width = self._press("widths", event) or self._width
        self._draw()

    def schemes_click(self, event):
        self._scheme = self._press("schemes", event) or self._scheme
        self._draw()

    def _press(self, name, event):
        chosen = event.target.closest("[data-value]")
        if not chosen:
            return None
        for button in list(self.dom_nodes[name].querySelectorAll("[data-value]")):
            is_it = button.dataset.value == chosen.dataset.value
            button.setAttribute("aria-pressed", "true" if is_it else "false")
        return chosen.dataset.value
