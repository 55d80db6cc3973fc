"""TextBox: one line of text, or a number."""

from ... import _fields as fields
from ... import _properties as props
from ... import _roles as roles
from ._anvil_designer import TextBoxTemplate


class TextValue(props.Property):
    """What is in the box: text; with ``type="number"`` an int, a float or None."""

    def __init__(self):
        super().__init__("")

    def __get__(self, component, owner=None):
        if component is None:
            return self
        text = component._values.get(self.name, "")
        if component.type != "number":
            return text
        return number_in(text)

    def __set__(self, component, value):
        text = "" if value is None else str(value)
        if text == component._values.get(self.name, ""):
            return
        self.remember(component, text)
        component.dom_nodes["root"].value = text


def number_in(text):
    """The number that a text holds, or None."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


class TextBox(TextBoxTemplate):
    type = props.ElementProperty("type", default="text")
    text = TextValue()
    label = props.ElementProperty("label")
    label_text = props.Alias("label", default="")
    placeholder = props.ElementProperty("placeholder")
    hide_text = props.ElementProperty("hideText", default=False, convert=bool)
    leading_icon = props.ElementProperty("leadingIcon")
    trailing_icon = props.ElementProperty("trailingIcon")
    trailing_icon_label = props.ElementProperty("trailingLabel")
    character_limit = props.ElementProperty("maxLength", None, props.optional_number)
    autocomplete = props.ElementProperty("autocomplete")
    appearance = props.Appearance("outlined")
    supporting_text = props.ElementProperty("supportingText")
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    error = props.Error()
    align = props.Align("full")
    label_color = props.color(*fields.tokens(*fields.LABEL_COLOR))
    label_font_family = props.StyleProperty(*fields.tokens("label-text-font"))
    label_font_size = props.pixels(*fields.tokens("label-text-size"))
    label_bold = props.flag("700", *fields.tokens("label-text-weight"))
    label_italic = props.flag("italic", "--m3-label-style")
    label_underline = props.flag("underline", "--m3-label-decoration")
    display_text_color = props.color(*fields.tokens(*fields.TEXT_COLOR))
    display_font_family = props.StyleProperty(*fields.tokens("input-text-font"))
    display_font_size = props.pixels(*fields.tokens("input-text-size"))
    display_bold = props.flag("700", *fields.tokens("input-text-weight"))
    display_italic = props.flag("italic", "font-style")
    display_underline = props.flag("underline", "--m3-text-decoration")
    leading_icon_color = props.color(*fields.tokens("leading-icon-color"))
    trailing_icon_color = props.color("--md-icon-button-icon-color")
    subcontent_color = props.color(*fields.tokens(*fields.SUPPORTING_COLOR))
    subcontent_font_family = props.StyleProperty(*fields.tokens("supporting-text-font"))
    subcontent_font_size = props.pixels(*fields.tokens("supporting-text-size"))
    background_color = props.color("background-color", "--md-filled-field-container-color")
    border_color = props.color(*fields.tokens(*fields.BORDER_COLOR))
    spacing = props.Spacing()
    role = props.Role(roles.FIELD)
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this field."""
        self.dom_nodes["root"].focus()

    def select(self):
        """Selects the text in this box."""
        self.dom_nodes["root"].select()

    def _edit(self, event):
        type(self).text.remember(self, self.dom_nodes["root"].value)
        self.raise_event("change")

    def _enter(self, event):
        self.raise_event("pressed_enter")

    def _trailing(self, event):
        self.raise_event("trailing_icon_click")

    def _focus(self, event):
        self.raise_event("focus")

    def _blur(self, event):
        self.raise_event("lost_focus")
