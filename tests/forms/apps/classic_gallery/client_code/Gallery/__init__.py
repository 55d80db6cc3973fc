from ._anvil_designer import GalleryTemplate
from anvil import *
import datetime


class Gallery(GalleryTemplate):
    def __init__(self, **properties):
        self.init_components(**properties)
        self.drop_down_1.items = [
            ("First", 1),
            ("Second", 2),
            ("Third, and rather longer than the others", 3),
        ]
        self.date_1.date = datetime.date(2026, 11, 21)
        self.date_3.date = datetime.datetime(2026, 11, 21, 9, 30)
        names = [
            "Ann Archer",
            "Bo Baker",
            "Cy Carter",
            "Di Dyer",
            "Ed Eames",
            "Flo Fisher",
            "Gus Gray",
        ]
        self.people.items = [
            {
                "name": name,
                "mail": name.split()[0].lower() + "@example.org",
                "since": datetime.date(2020 + i, 1, 1 + i),
            }
            for i, name in enumerate(names)
        ]
        self.rich_1.data = {
            "name": "Olga",
            "total": 1234.5,
            "button": Button(text="A button in a slot"),
        }
        self.plot_1.data = [
            {"type": "bar", "x": ["Mon", "Tue", "Wed"], "y": [3, 5, 2], "name": "Bookings"}
        ]
        self.plot_1.layout = {"title": {"text": "Bookings"}}

    def canvas_1_show(self, **event_args):
        c = self.canvas_1
        c.fill_style = "#6750a4"
        c.fill_rect(10, 10, 80, 60)
        c.stroke_style = "#b3261e"
        c.line_width = 4
        c.begin_path()
        c.arc(150, 40, 30)
        c.stroke()
