"""The forms of the m3 components; Python code imports them from `m3.components`."""
