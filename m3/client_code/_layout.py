"""What the two layouts share."""

from anvil.property_utils import set_element_padding

from . import _properties as props

FLEX_BLOCK = {"top": "flex-start", "center": "center", "bottom": "flex-end"}


class VerticalAlign(props.Property):
    """Where the destinations stand in the height of the drawer or rail."""

    def show(self, component, value):
        style = component.dom_nodes["root"].style
        style.setProperty("--m3-drawer-align", FLEX_BLOCK.get(value, "flex-start"))


class ShowSidesheet(props.Property):
    """Whether the side sheet is open."""

    def show(self, component, value):
        component.dom_nodes["root"].toggleAttribute("sheet-open", bool(value))


class ContentPadding(props.Property):
    """Anvil's padding property, around the content."""

    def show(self, component, value):
        set_element_padding(component.dom_nodes["content"], value)


def open_nav_drawer(self):
    """Opens the navigation drawer (it is modal on a narrow screen only)."""
    self.dom_nodes["root"].setAttribute("drawer-open", "")


def hide_nav_drawer(self):
    """Closes the navigation drawer."""
    self.dom_nodes["root"].removeAttribute("drawer-open")
