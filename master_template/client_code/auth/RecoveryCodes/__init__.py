from ._anvil_designer import RecoveryCodesTemplate

from anvil import BlobMedia, download, handle
from anvil.js import window


class RecoveryCodes(RecoveryCodesTemplate):
    """In a dialog: `codes`, which nobody sees again, to copy or to keep as a file."""

    def __init__(self, codes=None, **properties):
        self.codes = list(codes or [])
        self.init_components(**properties)
        listed = self.dom_nodes["codes"]
        for code in self.codes:
            item = window.document.createElement("li")
            item.textContent = code
            listed.appendChild(item)

    def _text(self):
        return "\n".join(self.codes) + "\n"

    @handle("btn_copy", "click")
    def btn_copy_click(self, **event_args):
        window.navigator.clipboard.writeText(self._text())
        self.dom_nodes["said"].textContent = "Copied."

    @handle("btn_file", "click")
    def btn_file_click(self, **event_args):
        download(BlobMedia("text/plain", self._text().encode(), name="recovery-codes.txt"))
