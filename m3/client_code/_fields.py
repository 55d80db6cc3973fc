"""What the text field, select and date field share: names of Material Web's design tokens."""

KINDS = ("outlined-text-field", "filled-text-field", "outlined-field", "filled-field")
SELECT_KINDS = ("outlined-select-text-field", "filled-select-text-field")


def tokens(*suffixes):
    """A token of all text fields: ``tokens("label-text-color")``."""
    return ["--md-" + kind + "-" + suffix for kind in KINDS for suffix in suffixes]


def select_tokens(*suffixes):
    """A token of both selects."""
    return ["--md-" + kind + "-" + suffix for kind in SELECT_KINDS for suffix in suffixes]


LABEL_COLOR = ("label-text-color", "hover-label-text-color", "focus-label-text-color")
TEXT_COLOR = ("input-text-color", "hover-input-text-color", "focus-input-text-color")
SUPPORTING_COLOR = (
    "supporting-text-color",
    "hover-supporting-text-color",
    "focus-supporting-text-color",
)
BORDER_COLOR = (
    "outline-color",
    "hover-outline-color",
    "focus-outline-color",
    "active-indicator-color",
    "hover-active-indicator-color",
    "focus-active-indicator-color",
)
