from ._anvil_designer import MainTemplate

import anvil.server
from anvil.js import window
from anvil.tables import app_tables  # noqa: F401  (rows need the library)

WARM_UP = 30


class Main(MainTemplate):
    """Shows one line. A benchmark calls its functions from the page's console."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.lbl_ready.text = "Ready"
        window.timeCalls = self.time_calls
        window.timeRows = self.time_rows

    def time_calls(self, count):
        """Milliseconds of each of ``count`` calls."""
        taken = []
        for _ in range(5):
            anvil.server.call("echo", 1)
        for _ in range(count):
            started = window.performance.now()
            anvil.server.call("echo", 1)
            taken.append(window.performance.now() - started)
        return taken

    def time_rows(self, count):
        """Milliseconds that fifty rows take to come and to be read, and how many were. The browser
        compiles what runs often while it runs, so the first ones do not count."""
        taken, seen = [], []
        for number in range(count + WARM_UP):
            started = window.performance.now()
            rows = anvil.server.call("get_50")
            values = [value for row in rows for _, value in row]
            if number >= WARM_UP:
                taken.append(window.performance.now() - started)
            seen.append([len(rows), len(values)])
        return {"taken": taken, "seen": seen}
