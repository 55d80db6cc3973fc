"""CardContentContainer: the padded part of a card."""

from ... import _properties as props
from ._anvil_designer import CardContentContainerTemplate


class CardContentContainer(CardContentContainerTemplate):
    margin = props.Margin()
    role = props.Role()
    tooltip = props.Tooltip()

    def __init__(self, **properties):
        props.start(self, properties)
