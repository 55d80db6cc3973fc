from ._anvil_designer import PersonRowTemplate
from anvil import *


class PersonRow(PersonRowTemplate):
    def __init__(self, **properties):
        self.init_components(**properties)
