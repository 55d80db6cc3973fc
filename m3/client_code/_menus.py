"""What the three menus share: a control that opens a menu of components."""

from . import _properties as props

MENU_COLOR = "--m3-menu-color"
MENU_BORDER = "border"


class MenuItems(props.Property):
    """The menu's components; setting them replaces those in the menu."""

    def __get__(self, component, owner=None):
        if component is None:
            return self
        return component.get_components()

    def __set__(self, component, value):
        if component._is_new and value is None:
            return
        component.clear()
        for item in value or []:
            component.add_component(item)
