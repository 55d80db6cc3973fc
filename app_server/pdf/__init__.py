"""``anvil.pdf``: an app's form, printed by a Chromium without a window."""
