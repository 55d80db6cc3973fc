from ._anvil_designer import SegmentManagerFormTemplate

from anvil import handle

from ...shared import api, navigation_helpers, session
from ...shared.listing import Listing
from ..segment_texts import TYPE_NAMES

PATH = "/app/segments"
TYPE_ITEMS = [("Any kind", None)] + [
    (TYPE_NAMES[word], word) for word in ("custom", "prebuilt", "static")
]
SORT_ITEMS = [("By name", None), ("Largest first", "largest"), ("Newest first", "newest")]
WORDS = {
    "one": "segment",
    "many": "segments",
    "none": "No segments yet",
    "none_text": "A segment is a group of contacts that keeps itself up to date by rules that you "
    "choose, or a list that you fill by hand.",
}


class SegmentManagerForm(SegmentManagerFormTemplate):
    """Every segment, with how many are in it now."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Segments")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "segments")
        self.btn_new.visible = session.may("marketing.manage")
        self.dd_type.items = TYPE_ITEMS
        self.dd_sort.items = SORT_ITEMS
        controls = {
            "search": self.txt_search,
            "segment_type": self.dd_type,
            "sort": self.dd_sort,
        }
        self.listing = Listing(
            self,
            PATH,
            "list_segments",
            "segments",
            controls,
            WORDS,
            on_show=self._count,
        )

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    def _count(self, answer):
        """Put how many there are now in place of how many there were when it was counted last."""
        ids = [segment["segment_id"] for segment in answer["segments"]]
        try:
            counts = api.call_quietly("count_segments", ids)["counts"]
        except api.ApiError:
            return  # The figures of the last count stand there.
        for row in self.rp_items.get_components():
            row.show_count(counts.get(row.item["segment_id"]))

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go(PATH + "/new")
