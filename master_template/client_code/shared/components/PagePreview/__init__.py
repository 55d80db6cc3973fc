from ._anvil_designer import PagePreviewTemplate


class PagePreview(PagePreviewTemplate):
    """A public page in a frame of its own, from HTML that is not published yet. Nothing in it runs
    and nothing in it can be followed."""

    def __init__(self, **properties):
        self._title = ""
        self.init_components(**properties)

    @property
    def title(self):
        return self._title

    @title.setter
    def title(self, value):
        self._title = value or ""
        self.dom_nodes["frame"].title = self._title

    def show_page(self, html):
        """Show a whole page; where one scrolled to stays."""
        frame = self.dom_nodes["frame"]
        top = self._scrolled()
        self.dom_nodes["wait"].hidden = True

        def come(_event):
            frame.removeEventListener("load", come)
            if top and frame.contentWindow:
                frame.contentWindow.scrollTo(0, top)

        frame.addEventListener("load", come)
        frame.srcdoc = html.replace("<head>", '<head><base target="_blank">', 1)

    def _scrolled(self):
        page = self.dom_nodes["frame"].contentDocument
        return page.scrollingElement.scrollTop if page and page.scrollingElement else 0
