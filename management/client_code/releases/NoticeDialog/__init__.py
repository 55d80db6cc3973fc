from ._anvil_designer import NoticeDialogTemplate

from anvil import alert
from anvil.js import window

from .. import release_texts


class NoticeDialog(NoticeDialogTemplate):
    """Whom to tell of a release: all who do not have it, or some. `choose_names` opens it."""

    def __init__(self, release=None, older=(), **properties):
        self.init_components(**properties)
        nodes = self.dom_nodes
        nodes["text_node"].textContent = release_texts.KIND_TEXTS[release["kind"]]
        self._boxes = []
        for business in older:
            label = window.document.createElement("label")
            box = window.document.createElement("input")
            box.type = "checkbox"
            box.checked = True
            box.value = business["name"]
            text = window.document.createElement("span")
            text.textContent = "{} ({})".format(
                business["title"] or business["name"], business["release"]
            )
            label.append(box, text)
            nodes["list"].append(label)
            self._boxes.append(box)

    @property
    def names(self):
        """The businesses that are chosen."""
        return [box.value for box in self._boxes if box.checked]


def choose_names(release, older):
    """Names of the businesses to tell, or None."""
    dialog = NoticeDialog(release=release, older=older)
    buttons = [("Cancel", False), ("Tell them", True)]
    title = "Tell of " + release["version"]
    if alert(dialog, title=title, buttons=buttons, dismissible=True) is not True:
        return None
    return dialog.names
