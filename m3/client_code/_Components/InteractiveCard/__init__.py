"""InteractiveCard: a card that is one big button."""

from ... import _properties as props
from ... import _roles as roles
from ..Card import CardAlign
from ._anvil_designer import InteractiveCardTemplate


class Enabled(props.Property):
    """Whether the card can be pressed."""

    def show(self, component, value):
        component.dom_nodes["root"].toggleAttribute("disabled", not value)


class InteractiveCard(InteractiveCardTemplate):
    enabled = Enabled(True)
    appearance = props.Appearance("elevated", attribute="data-appearance")
    orientation = props.AttributeProperty("data-orientation", default="column")
    align = CardAlign("full")
    background_color = props.color("background-color")
    border = props.StyleProperty("border")
    spacing = props.Spacing()
    role = props.Role(roles.CARD)
    tooltip = props.Tooltip()
    accessible_name = props.AttributeProperty("aria-label")

    def __init__(self, **properties):
        self.dom_nodes["root"].setAttribute("data-appearance", "elevated")
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this card."""
        self.dom_nodes["root"].focus()

    def _press(self, event):
        self.raise_event("click")
