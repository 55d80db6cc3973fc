"""FileLoader: files from the user's device, as media objects."""

from anvil.js import to_media

from ... import _properties as props
from ... import _roles as roles
from ..Button import states, tokens
from ._anvil_designer import FileLoaderTemplate


class File(props.Property):
    """The chosen file, or the first of several; None clears the choice."""

    def __get__(self, component, owner=None):
        if component is None:
            return self
        files = component.files
        return files[0] if files else None

    def __set__(self, component, value):
        if value is None and not component._is_new:
            component.clear()


class FileLoader(FileLoaderTemplate):
    text = props.ElementProperty("label", default="Upload")
    file = File()
    files = props.Property()
    appearance = props.Appearance("text")
    icon = props.ElementProperty("icon", default="upload")
    file_types = props.ElementProperty("accept")
    multiple = props.ElementProperty("multiple", default=False, convert=bool)
    show_state = props.ElementProperty("showState", default=True, convert=bool)
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    align = props.Align()
    font_family = props.StyleProperty(*tokens("label-text-font"))
    font_size = props.pixels(*tokens("label-text-size"))
    bold = props.flag("700", *tokens("label-text-weight"))
    italic = props.flag("italic", "--m3-font-style")
    underline = props.flag("underline", "--m3-text-decoration")
    text_color = props.color(*states("label-text-color"))
    icon_color = props.color("--m3-icon-color")
    icon_size = props.pixels("--m3-button-icon-size")
    background_color = props.color(*tokens("container-color"))
    border = props.StyleProperty("--m3-border")
    spacing = props.Spacing()
    role = props.Role(roles.BUTTON)
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        root = self.dom_nodes["root"]
        root.label = "Upload"
        root.icon = "upload"
        root.showState = True
        props.start(self, properties)

    def clear(self):
        """Forgets the chosen files."""
        type(self).files.remember(self, None)
        self.dom_nodes["root"].clear()

    def focus(self):
        """Sets the keyboard focus to this button."""
        self.dom_nodes["root"].focus()

    def open_file_selector(self):
        """Opens the device's file chooser; call it while handling a click."""
        self.dom_nodes["root"].open()

    def _pick(self, event):
        files = [to_media(f, name=f.name) for f in self.dom_nodes["root"].files]
        type(self).files.remember(self, files)
        self.raise_event("change", file=files[0], files=files)

    def _focus(self, event):
        self.raise_event("focus")

    def _blur(self, event):
        self.raise_event("lost_focus")
