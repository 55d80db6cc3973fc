from ._anvil_designer import ReleasesFormTemplate

from anvil import handle

from master_template.shared import navigation_helpers

from master_template.shared.listing import Listing

PATH = "/app/releases"
WORDS = {
    "one": "release",
    "many": "releases",
    "none": "Nothing is published yet",
    "none_text": "Publish the template on the machine of the businesses: scripts/mybizz release "
    'publish minor --notes "...".',
}


class ReleasesForm(ReleasesFormTemplate):
    """The published versions of the template, newest first."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Releases")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "releases")
        self.listing = Listing(self, PATH, "list_releases", "releases", {}, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()
