from ._anvil_designer import ImagePickerTemplate

from anvil import handle
from anvil.js import window

from ...shared import api


class ImagePicker(ImagePickerTemplate):
    """A picture of the business's own: uploaded now, or from those that were.

    `open(name, owner, chosen)` shows the picture of that name; `chosen(image)` is called with what
    `list_mail_images` gives of the one that somebody takes.
    """

    def __init__(self, **properties):
        self._chosen = None
        self._images = {}
        self._error = False
        self.tag = ""
        self.init_components(**properties)

    def open(self, name, owner, chosen):
        self._chosen = chosen
        self.fl_image.visible = self.btn_library.visible = owner.is_editable
        self.dom_nodes["hint"].hidden = not owner.is_editable
        self._show("/mail-images/" + name if name else "")

    @property
    def error(self):
        return self._error

    @error.setter
    def error(self, value):
        self._error = bool(value)

    @property
    def supporting_text(self):
        return self.dom_nodes["problem"].textContent

    @supporting_text.setter
    def supporting_text(self, value):
        self.dom_nodes["problem"].textContent = value or ""
        self.dom_nodes["problem"].hidden = not value

    def focus(self):
        """Put the keyboard focus on its first button."""
        self.fl_image.focus()

    def _show(self, address):
        shown = self.dom_nodes["shown"]
        shown.hidden = not address
        if address:
            shown.src = address

    def _take(self, image):
        self.error = False
        self.supporting_text = ""
        self.dom_nodes["library"].hidden = True
        self._show(image["url"])
        self._chosen(image)

    @handle("fl_image", "change")
    def fl_image_change(self, file, **event_args):
        self.supporting_text = ""
        self.fl_image.enabled = False
        try:
            image = api.call("upload_mail_image", file)["image"]
        except api.ApiError as error:
            self.error = True
            self.supporting_text = error.message
            return
        finally:
            self.fl_image.enabled = True
            self.fl_image.clear()
        self._take(image)

    @handle("btn_library", "click")
    def btn_library_click(self, **event_args):
        library = self.dom_nodes["library"]
        if not library.hidden:
            library.hidden = True
            return
        try:
            images = api.call("list_mail_images")["images"]
        except api.ApiError as error:
            self.supporting_text = error.message
            return
        self._images = dict((image["name"], image) for image in images)
        library.replaceChildren()
        for image in images:
            library.append(self._tile(image))
        if not images:
            library.textContent = "You have not uploaded any pictures yet."
        library.hidden = False

    def _tile(self, image):
        button = window.document.createElement("button")
        button.type = "button"
        button.className = "mb-image-tile"
        button.dataset.name = image["name"]
        words = image["alt"] or image["title"] or "Picture without a name"
        button.title = words
        picture = window.document.createElement("img")
        picture.src = image["url"]
        picture.alt = words
        picture.loading = "lazy"
        button.append(picture)
        return button

    def library_click(self, event):
        button = event.target.closest("[data-name]")
        if button:
            self._take(self._images[button.dataset.name])
            self.btn_library.focus()
