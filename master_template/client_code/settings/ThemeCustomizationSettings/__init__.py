from ._anvil_designer import ThemeCustomizationSettingsTemplate

import re

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, form_fields, session, unsaved

COLOURS = ("primary_color", "accent_color")
COMPONENTS = {"primary_color": "txt_primary_color", "accent_color": "txt_accent_color"}
CONTRAST = (
    "Contrast: {buttons} to 1 on buttons, {light_links} for links on light and {dark_links} on "
    "dark pages. From 4.5 on it reads well."
)
# Pairs that go well together, by the name of the first.
PAIRS = [
    ("Forest", "#2f6f5e", "#c46a3a"),
    ("Ocean", "#1f6391", "#d98e2b"),
    ("Night", "#3b4a8c", "#c2577a"),
    ("Berry", "#8c3a66", "#5d7a3a"),
    ("Brick", "#a2472f", "#2f6b75"),
    ("Olive", "#66701f", "#a8553f"),
    ("Slate", "#4a5a66", "#b3762c"),
    ("Violet", "#6b4fa3", "#3d8573"),
]


class ThemeCustomizationSettings(ThemeCustomizationSettingsTemplate):
    """Colours and logo, seen in the app and on the website before they are saved."""

    def __init__(self, **properties):
        self.item = dict((name, "") for name in COLOURS)
        self.before = {}
        self.version = None
        self.saved_logo = ""
        self.new_logo = None  # the file
        self.new_logo_url = ""
        self.is_logo_off = False
        self._asked = 0
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        may = session.may("settings.manage")
        for name in COLOURS:
            field = getattr(self, "txt_" + name)
            field.enabled = may
            field.add_event_handler("lost_focus", self._typed)
            field.add_event_handler("pressed_enter", self._typed)
            self.dom_nodes["swatch_" + name].disabled = not may
        self.fl_logo.visible = self.btn_save.visible = may
        self.dom_nodes["pairs"].hidden = not may
        self.rg_scheme.selected_value = "light"
        self._draw_pairs()
        unsaved.watch(self, self.is_dirty, save=self.save)

    def _draw_pairs(self):
        for name, primary, accent in PAIRS:
            button = window.document.createElement("button")
            button.type = "button"
            button.className = "mb-pair"
            button.title = name
            button.setAttribute("aria-label", "Colours " + name)
            button.dataset.primary = primary
            button.dataset.accent = accent
            button.style.background = (
                "linear-gradient(135deg, " + primary + " 55%, " + accent + " 55%)"
            )
            self.dom_nodes["pairs"].append(button)

    def load(self):
        """Read how the business looks now, and show it."""
        self.state.kind = "loading"
        try:
            settings = api.call_quietly("get_settings")["settings"]
        except api.ApiError as error:
            self.state.say("error", "The look did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.dom_nodes["body"].hidden = False
        self._show(settings)

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _show(self, settings):
        self.version = settings["version"]
        self.saved_logo = settings["logo_url"]
        self.before = dict((name, settings[name]) for name in COLOURS)
        self._forget_logo()
        self._wear(dict(self.before))

    def is_dirty(self):
        """Whether something is chosen that is not saved."""
        return self.version is not None and (
            self.item != self.before or self.new_logo is not None or self.is_logo_off
        )

    # Colours.

    def _wear(self, item):
        self.item = item
        for name in COLOURS:
            self.dom_nodes["swatch_" + name].value = item[name]
        form_fields.show_errors(self, COMPONENTS, {})
        self._preview()

    def _typed(self, sender, **event_args):
        faults = {}
        for name in COLOURS:
            text = getattr(self, "txt_" + name).text.strip().lower()
            text = text if text.startswith("#") else "#" + text
            if re.match("^#[0-9a-f]{6}$", text):
                self.item[name] = text
                self.dom_nodes["swatch_" + name].value = text
            else:
                faults[name] = "A colour is written like #2f6f5e."
        self._show_faults(faults)
        if not faults:
            self.refresh_data_bindings()
            self._preview()

    def _show_faults(self, faults):
        for name in COLOURS:
            field = getattr(self, "txt_" + name)
            field.error = name in faults
            field.supporting_text = faults.get(name) or field.tag

    def swatch_input(self, event):
        """While one drags through the colours only the picture of the app follows."""
        name = event.target.dataset.name
        self.item[name] = event.target.value
        if name == "primary_color":
            self.app_preview.dress(event.target.value, self._is_dark())

    def swatch_change(self, event):
        name = event.target.dataset.name
        self._wear(dict(self.item, **{name: event.target.value}))

    def pairs_click(self, event):
        button = event.target.closest("button")
        if button:
            pair = {"primary_color": button.dataset.primary, "accent_color": button.dataset.accent}
            self._wear(pair)

    # The logo.

    def _forget_logo(self):
        self.new_logo, self.new_logo_url, self.is_logo_off = None, "", False
        self.fl_logo.clear()
        self._say_logo("")

    def _logo_address(self):
        if self.is_logo_off:
            return ""
        return self.new_logo_url or self.saved_logo

    def _say_logo(self, text):
        self.dom_nodes["logo_problem"].textContent = text

    @handle("fl_logo", "change")
    def fl_logo_change(self, file, **event_args):
        if not file:
            return
        self._say_logo("")
        try:
            self.new_logo_url = api.call("check_logo", file)["data_url"]
        except api.ApiError as error:
            self._say_logo(error.message)
            self.fl_logo.clear()
            return
        self.new_logo, self.is_logo_off = file, False
        self._preview()

    @handle("btn_no_logo", "click")
    def btn_no_logo_click(self, **event_args):
        self._forget_logo()
        self.is_logo_off = bool(self.saved_logo)
        self._preview()

    # The preview.

    def _is_dark(self):
        return self.rg_scheme.selected_value == "dark"

    @handle("rg_scheme", "change")
    def rg_scheme_change(self, **event_args):
        self._preview()

    def _preview(self):
        address = self._logo_address()
        nodes = self.dom_nodes
        nodes["logo"].hidden = not address
        nodes["logo_none"].hidden = bool(address)
        if address:
            nodes["logo"].src = address
        self.btn_no_logo.visible = bool(address) and session.may("settings.manage")
        self.app_preview.dress(self.item["primary_color"], self._is_dark())
        self.app_preview.show_logo(address)
        self._asked += 1
        number = self._asked
        try:
            answer = api.call_quietly(
                "preview_theme",
                dict(self.item),
                self.rg_scheme.selected_value,
                self.new_logo is not None,
                self.is_logo_off,
            )
        except api.ApiError as error:
            nodes["notes"].textContent = error.message
            nodes["notes_box"].hidden = False
            return
        if number != self._asked:
            return  # a newer one is on its way
        html = answer["html"]
        if self.new_logo is not None:
            html = html.replace(answer["logo_place"], self.new_logo_url)
        self.site_preview.show_page(html)
        ratios = dict((name, "%.1f" % value) for name, value in answer["contrast"].items())
        nodes["contrast"].textContent = CONTRAST.format(**ratios)
        nodes["notes"].textContent = " ".join(answer["notes"])
        nodes["notes_box"].hidden = not answer["notes"]

    # Saving.

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        if self.is_dirty():
            self.save()
        else:
            Notification("There was nothing to save.", timeout=2).show()

    def save(self):
        """Send the look; give whether it is saved."""
        self._say("")
        self.btn_save.enabled = False
        try:
            settings = api.call(
                "update_theme",
                dict(self.item),
                self.version,
                logo=self.new_logo,
                without_logo=self.is_logo_off,
            )["settings"]
            session.refresh()
        except api.ApiError as error:
            self._show_error(error)
            return False
        finally:
            self.btn_save.enabled = True
        self._show(settings)
        self.raise_event("x-menu-changed")
        Notification("Saved.", timeout=2).show()
        return True

    def _show_error(self, error):
        fields = dict(error.fields)
        self._say_logo(fields.pop("logo", ""))
        left = form_fields.show_errors(self, COMPONENTS, fields)
        self.btn_again.visible = error.code == "edited_meanwhile"
        if left or not error.fields:
            self._say(" ".join(left) or error.message)

    def _say(self, text):
        self.dom_nodes["problem_text"].textContent = text
        self.dom_nodes["problem"].hidden = not text

    @handle("btn_again", "click")
    def btn_again_click(self, **event_args):
        try:
            self.version = api.call_quietly("get_settings")["settings"]["version"]
        except api.ApiError as error:
            self._say(error.message)
            return
        self.save()
