"""A row of the gallery's data grid."""

from ._anvil_designer import GalleryRowTemplate


class GalleryRow(GalleryRowTemplate):
    def __init__(self, **properties):
        self.init_components(**properties)
