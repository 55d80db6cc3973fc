"""DropdownMenu: one of a list of items."""

from ... import _fields as fields
from ... import _properties as props
from ... import _roles as roles
from ._anvil_designer import DropdownMenuTemplate


class Items(props.Property):
    """Texts, or ``(text, value)`` tuples; a text of several lines is a list of its lines."""

    def __get__(self, component, owner=None):
        if component is None:
            return self
        return component._values.get(self.name, [])

    def __set__(self, component, value):
        items = value.split("\n") if isinstance(value, str) else list(value or [])
        self.remember(component, items)
        component._choices = [(i, i) if isinstance(i, str) else (i[0], i[1]) for i in items]
        component.dom_nodes["root"].items = [str(text) for text, _ in component._choices]
        component._show_selected()


class SelectedValue(props.Property):
    """The chosen item's value, or None. It may be set before the items."""

    def __set__(self, component, value):
        self.remember(component, value)
        component._show_selected()


class DropdownMenu(DropdownMenuTemplate):
    items = Items()
    selected_value = SelectedValue()
    label = props.ElementProperty("label")
    label_text = props.Alias("label", default="")
    placeholder = props.ElementProperty("placeholder")
    allow_none = props.ElementProperty("allowNone", default=False, convert=bool)
    leading_icon = props.ElementProperty("leadingIcon")
    appearance = props.Appearance("outlined")
    supporting_text = props.ElementProperty("supportingText")
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    error = props.Error()
    align = props.Align("full")
    label_color = props.color(*fields.select_tokens(*fields.LABEL_COLOR))
    label_font_family = props.StyleProperty(*fields.select_tokens("label-text-font"))
    label_font_size = props.pixels(*fields.select_tokens("label-text-size"))
    label_bold = props.flag("700", *fields.select_tokens("label-text-weight"))
    label_italic = props.flag("italic", "--m3-label-style")
    label_underline = props.flag("underline", "--m3-label-decoration")
    items_text_color = props.color("--md-menu-item-label-text-color")
    items_font_family = props.StyleProperty("--md-menu-item-label-text-font")
    items_font_size = props.pixels("--md-menu-item-label-text-size")
    items_bold = props.flag("700", "--md-menu-item-label-text-weight")
    items_italic = props.flag("italic", "--m3-font-style")
    items_underline = props.flag("underline", "--m3-text-decoration")
    selected_text_color = props.color(*fields.select_tokens(*fields.TEXT_COLOR))
    selected_font_family = props.StyleProperty(*fields.select_tokens("input-text-font"))
    selected_font_size = props.pixels(*fields.select_tokens("input-text-size"))
    selected_bold = props.flag("700", *fields.select_tokens("input-text-weight"))
    selected_italic = props.flag("italic", "font-style")
    selected_underline = props.flag("underline", "--m3-selected-decoration")
    menu_background_color = props.color("--md-menu-container-color")
    leading_icon_color = props.color(*fields.select_tokens("leading-icon-color"))
    supporting_text_color = props.color(*fields.select_tokens(*fields.SUPPORTING_COLOR))
    supporting_text_font_family = props.StyleProperty(*fields.select_tokens("supporting-text-font"))
    supporting_text_font_size = props.pixels(*fields.select_tokens("supporting-text-size"))
    background_color = props.color(
        "background-color", "--md-filled-select-text-field-container-color"
    )
    border_color = props.color(*fields.select_tokens(*fields.BORDER_COLOR))
    spacing = props.Spacing()
    role = props.Role(roles.FIELD)
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        self._choices = []
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this field."""
        self.dom_nodes["root"].focus()

    def _show_selected(self):
        chosen = self.selected_value
        index = -1
        if chosen is not None:
            for i, (_, value) in enumerate(self._choices):
                if value == chosen:
                    index = i
                    break
        self.dom_nodes["root"].index = index

    def _choose(self, event):
        index = self.dom_nodes["root"].index
        value = None if index < 0 else self._choices[index][1]
        type(self).selected_value.remember(self, value)
        self.raise_event("change")
