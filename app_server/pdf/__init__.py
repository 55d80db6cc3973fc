"""``anvil.pdf``: an app's form, printed by a Chromium without a window."""

from app_server.pdf.options import PrintOptions, read_options
from app_server.pdf.render import PdfError, render_page

__all__ = ["PdfError", "PrintOptions", "read_options", "render_page"]
