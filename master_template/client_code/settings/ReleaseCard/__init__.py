from ._anvil_designer import ReleaseCardTemplate

from ...shared import formatting, update_texts


class ReleaseCard(ReleaseCardTemplate):
    """One release: what it is, what it brings, and for one that works differently the guide."""

    def __init__(self, **properties):
        self.init_components(**properties)
        release = self.item
        nodes = self.dom_nodes
        nodes["title"].textContent = "Version {}".format(update_texts.name_of(release["version"]))
        nodes["kind"].textContent = update_texts.KIND_NAMES[release["kind"]]
        nodes["kind"].classList.add(release["kind"])
        nodes["date"].textContent = formatting.day(release["published_at"])
        # Made harmless by the server (legal_markup).
        nodes["notes"].innerHTML = release["notes_html"]
        nodes["guide_box"].hidden = not release["guide_html"]
        nodes["guide"].innerHTML = release["guide_html"]
        nodes["changes_box"].hidden = not release["changes"]
        nodes["changes"].textContent = "\n".join(release["changes"])
