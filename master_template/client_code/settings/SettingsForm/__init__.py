from ._anvil_designer import SettingsFormTemplate

from anvil import handle, open_form
from anvil.js import window

from ...shared import navigation_helpers, session
from ..sections import SECTIONS, find_section

# As in mybizz-settings.css: from here on there is room for the list beside a section.
WIDE = "(min-width: 1100px)"


class SettingsForm(SettingsFormTemplate):
    """The settings: a list of sections, and the one that is open.

    Without a section a phone shows the list alone, and a wide screen the first section beside it.
    """

    def __init__(self, section=None, **properties):
        self.sections = [one for one in SECTIONS if session.may(one.permission)]
        if section is None and self.sections and window.matchMedia(WIDE).matches:
            section = self.sections[0].name
        self.section = find_section(section) if section else None
        self.part = None
        self._started = False
        path = self.section.path if self.section else "/app/settings"
        navigation_helpers.arrive(path, self.section.title if self.section else "Settings")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "settings")
        self._draw()

    def _draw(self):
        nodes = self.dom_nodes
        nodes["page"].classList.toggle("overview", self.section is None)
        nodes["back"].hidden = self.section is None
        if self.section:
            self._head(self.section.title, self.section.text)
        else:
            self._head("Settings", "")
        self.rp_sections.items = [
            {"section": one, "current": one is self.section} for one in self.sections
        ]

    def _head(self, title, text, **event_args):
        self.dom_nodes["title"].textContent = title
        if text and not session.may("settings.manage"):
            text = text + ". You can look at these; the owner changes them."
        self.dom_nodes["subtitle"].textContent = text

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        if not self.sections or (self.section and self.section not in self.sections):
            open_form(
                navigation_helpers.PACKAGE + "shared.ErrorForm",
                heading="Not for your account",
                text="Your account may not see this. The owner of the business can change that.",
            )
        elif self.section:
            self.part = self.section.make()
            self.part.add_event_handler("x-menu-changed", self._menu_changed)
            self.part.add_event_handler("x-heading", self._head)
            self.part_slot.add_component(self.part)
            self.part.load()

    def is_dirty(self):
        """Whether the open section has something typed that is not saved."""
        return self.part is not None and hasattr(self.part, "is_dirty") and self.part.is_dirty()

    def _menu_changed(self, **event_args):
        self.layout.show_brand()
        self.layout.show_destinations()

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/settings")
