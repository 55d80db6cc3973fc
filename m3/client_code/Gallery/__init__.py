"""Every component of m3 with its variants, bound to one item: a page to look at and to test on."""

from datetime import date

import m3.components as m3
from anvil import handle

from .. import theming
from ._anvil_designer import GalleryTemplate

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
STATUSES = [("Lead", "lead"), ("Customer", "customer"), ("Lost", "lost")]


class Gallery(GalleryTemplate):
    def __init__(self, **properties):
        self.item = {
            "name": "Ada Lovelace",
            "seats": 12,
            "status": "customer",
            "start": date(2026, 3, 31),
            "notes": "",
            "newsletter": True,
            "contact": "phone",
            "bookings": True,
            "rating": 4,
            "favourite": False,
        }
        self.init_components(**properties)
        self.dd_status.items = STATUSES
        self.cb_some.checked = None
        self.rp_people.items = [
            {"name": "Ada Lovelace", "status": "Customer"},
            {"name": "Grace Hopper", "status": "Lead"},
        ]
        self.plot_revenue.data = [
            {"type": "bar", "name": "Classes", "x": WEEKDAYS, "y": [4, 6, 5, 7, 6, 9, 3]},
            {"type": "scatter", "name": "Last week", "x": WEEKDAYS, "y": [3, 5, 5, 6, 7, 8, 4]},
        ]
        self.draw_plot()
        self.menu_icon.menu_items = [m3.MenuItem(text="Undo", leading_icon="undo")]
        self.menu_avatar.menu_items = [m3.MenuItem(text="Log out", leading_icon="logout")]
        for name, event in (
            ("link_plain", "click"),
            ("btn_filled", "click"),
            ("btn_disabled", "click"),
            ("icon_standard", "click"),
            ("toggle_standard", "click"),
            ("item_edit", "click"),
            ("item_archive", "click"),
            ("txt_name", "change"),
            ("txt_name", "pressed_enter"),
            ("txt_name", "lost_focus"),
            ("txt_search", "trailing_icon_click"),
            ("txt_number", "lost_focus"),
            ("txt_notes", "lost_focus"),
            ("dd_status", "change"),
            ("dd_none", "change"),
            ("dp_start", "change"),
            ("fu_picture", "change"),
            ("cb_news", "change"),
            ("cb_some", "change"),
            ("rb_email", "select"),
            ("rg_contact", "change"),
            ("sw_bookings", "change"),
            ("slider", "change"),
            ("card_action", "click"),
            ("nav_badge", "click"),
        ):
            component = getattr(self, name)
            component.tag = name
            component.add_event_handler(event, self.log_event)

    def log_event(self, sender=None, event_name="", **event_args):
        """Writes the event, and the item as it is after it, at the end of the page."""
        self.lbl_event.text = sender.tag + " " + event_name
        self.lbl_item.text = ", ".join(key + "=" + str(self.item[key]) for key in sorted(self.item))

    @handle("btn_sheet", "click")
    def btn_sheet_click(self, **event_args):
        self.layout.show_sidesheet = not self.layout.show_sidesheet

    @handle("btn_close_sheet", "click")
    def btn_close_sheet_click(self, **event_args):
        self.layout.show_sidesheet = False

    @handle("btn_dark", "click")
    def btn_dark_click(self, **event_args):
        theming.set_mode("dark" if self.btn_dark.selected else "light")
        self.draw_plot()

    def draw_plot(self):
        self.plot_revenue.layout = theming.plot_layout(legend={"orientation": "h", "y": 1.2})
