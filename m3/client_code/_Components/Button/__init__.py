"""Button: a labelled action in five appearances."""

from ... import _properties as props
from ... import _roles as roles
from ._anvil_designer import ButtonTemplate


def tokens(suffix):
    """The names of one design token of all five buttons of Material Web."""
    kinds = ("filled", "elevated", "filled-tonal", "outlined", "text")
    return ["--md-" + kind + "-button-" + suffix for kind in kinds]


def states(suffix):
    """A token with its hover, focus and pressed variants."""
    names = tokens(suffix)
    for state in ("hover", "focus", "pressed"):
        names = names + tokens(state + "-" + suffix)
    return names


class Button(ButtonTemplate):
    text = props.ElementProperty("label")
    appearance = props.Appearance("filled")
    icon = props.ElementProperty("icon")
    icon_align = props.ElementProperty("iconAlign", default="left")
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
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this button."""
        self.dom_nodes["root"].focus()

    def _press(self, event):
        self.raise_event("click")
