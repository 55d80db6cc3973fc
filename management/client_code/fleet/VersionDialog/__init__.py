from ._anvil_designer import VersionDialogTemplate

from anvil import alert


class VersionDialog(VersionDialogTemplate):
    """Which release a business shall come to. `choose` opens it."""

    def __init__(self, versions=(), text="", **properties):
        self.init_components(**properties)
        self.dom_nodes["text_node"].textContent = text
        self.dd_version.items = [(version, version) for version in versions]
        self.dd_version.selected_value = versions[0]


def choose(title, versions):
    """The release that was chosen, or None."""
    text = (
        "A backup is made first. Visitors wait for at most a minute while the change is made; "
        "whatever goes wrong, the business returns to the release it has now."
    )
    dialog = VersionDialog(versions=versions, text=text)
    buttons = [("Cancel", False), ("Upgrade", True)]
    if alert(dialog, title=title, buttons=buttons, dismissible=True) is not True:
        return None
    return dialog.dd_version.selected_value
