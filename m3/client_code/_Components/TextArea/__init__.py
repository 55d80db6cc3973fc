"""TextArea: text of several lines."""

from ... import _fields as fields
from ... import _properties as props
from ... import _roles as roles
from ._anvil_designer import TextAreaTemplate


class TextArea(TextAreaTemplate):
    text = props.ElementProperty("value", convert=str)
    label = props.ElementProperty("label")
    label_text = props.Alias("label", default="")
    placeholder = props.ElementProperty("placeholder")
    rows = props.ElementProperty("rows", 3, props.optional_number)
    character_limit = props.ElementProperty("maxLength", None, props.optional_number)
    appearance = props.Appearance("outlined")
    supporting_text = props.ElementProperty("supportingText")
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    error = props.Error()
    align = props.Align("full")
    label_color = props.color(*fields.tokens(*fields.LABEL_COLOR))
    label_font_family = props.StyleProperty(*fields.tokens("label-text-font"))
    label_font_size = props.pixels(*fields.tokens("label-text-size"))
    bold_label = props.flag("700", *fields.tokens("label-text-weight"))
    label_italic = props.flag("italic", "--m3-label-style")
    label_underline = props.flag("underline", "--m3-label-decoration")
    display_text_color = props.color(*fields.tokens(*fields.TEXT_COLOR))
    display_font_family = props.StyleProperty(*fields.tokens("input-text-font"))
    display_font_size = props.pixels(*fields.tokens("input-text-size"))
    display_bold = props.flag("700", *fields.tokens("input-text-weight"))
    display_italic = props.flag("italic", "font-style")
    display_underline = props.flag("underline", "--m3-text-decoration")
    subcontent_color = props.color(*fields.tokens(*fields.SUPPORTING_COLOR))
    subcontent_font_family = props.StyleProperty(*fields.tokens("supporting-text-font"))
    subcontent_font_size = props.pixels(*fields.tokens("supporting-text-size"))
    background_color = props.color("background-color", "--md-filled-field-container-color")
    border_color = props.color(*fields.tokens(*fields.BORDER_COLOR))
    margin = props.Margin()
    role = props.Role(roles.FIELD)
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        self.dom_nodes["root"].multiline = True
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this field."""
        self.dom_nodes["root"].focus()

    def select(self):
        """Selects the text in this area."""
        self.dom_nodes["root"].select()

    def _edit(self, event):
        type(self).text.remember(self, self.dom_nodes["root"].value)
        self.raise_event("change")

    def _focus(self, event):
        self.raise_event("focus")

    def _blur(self, event):
        self.raise_event("lost_focus")
