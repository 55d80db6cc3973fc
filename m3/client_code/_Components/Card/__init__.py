"""Card: a surface that groups components."""

from ... import _properties as props
from ... import _roles as roles
from ._anvil_designer import CardTemplate


class CardAlign(props.Property):
    """Where the card stands; ``full`` fills the room."""

    def show(self, component, value):
        style = component.dom_nodes["root"].style
        style.setProperty("inline-size", "" if value == "full" else "fit-content")
        style.setProperty("margin-inline-start", "auto" if value in ("center", "right") else "")
        style.setProperty("margin-inline-end", "auto" if value in ("center", "left") else "")


class Card(CardTemplate):
    appearance = props.Appearance("elevated", attribute="data-appearance")
    orientation = props.AttributeProperty("data-orientation", default="column")
    align = CardAlign("full")
    background_color = props.color("background-color")
    border = props.StyleProperty("border")
    spacing = props.Spacing()
    role = props.Role(roles.CARD)
    tooltip = props.Tooltip()

    def __init__(self, **properties):
        self.dom_nodes["root"].setAttribute("data-appearance", "elevated")
        props.start(self, properties)
