"""The blocks of a mail as an editor shows them; the server's `mail_blocks` has the rules."""

ALIGNMENTS = [("Left", "left"), ("Centre", "center"), ("Right", "right")]

# Field of a block: its name, its label, what it is (line, text, choice, image), and what there is
# to know about it (a hint for the first two, items for a choice).
LINE, TEXT, CHOICE, IMAGE = "line", "text", "choice", "image"
ALIGN = ("align", "Alignment", CHOICE, ALIGNMENTS)
MARKDOWN_HINT = "**bold**, *italic*, [words](link), - list. A blank line parts paragraphs."
LINK_HINT = "https://…, /page of your site, mailto:… or tel:…"

# Kind -> title, icon, what a new one says, and its fields.
KINDS = {
    "heading": (
        "Heading",
        "title",
        {"text": "", "level": "large", "align": "left"},
        [
            ("text", "Heading", LINE, ""),
            ("level", "Size", CHOICE, [("Large", "large"), ("Small", "small")]),
            ALIGN,
        ],
    ),
    "text": (
        "Text",
        "notes",
        {"markdown": "", "align": "left"},
        [("markdown", "Text", TEXT, MARKDOWN_HINT), ALIGN],
    ),
    "image": (
        "Picture",
        "image",
        {"image": "", "alt": "", "link": "", "width": 100, "align": "center"},
        [
            ("image", "Picture", IMAGE, ""),
            ("alt", "Description", LINE, "For people who cannot see it"),
            ("link", "Link (optional)", LINE, LINK_HINT),
            (
                "width",
                "Width",
                CHOICE,
                [("Whole", 100), ("Three quarters", 75), ("Half", 50), ("A quarter", 25)],
            ),
            ALIGN,
        ],
    ),
    "button": (
        "Button",
        "smart_button",
        {"label": "", "link": "", "align": "left"},
        [
            ("label", "Words on the button", LINE, ""),
            ("link", "Link", LINE, LINK_HINT),
            ALIGN,
        ],
    ),
    "divider": ("Line", "horizontal_rule", {}, []),
    "spacer": (
        "Space",
        "height",
        {"size": "medium"},
        [("size", "Size", CHOICE, [("Small", "small"), ("Medium", "medium"), ("Large", "large")])],
    ),
    "columns": ("Columns", "view_column", {"columns": [[], []]}, []),
    "footer": (
        "Footer",
        "bottom_navigation",
        {"markdown": ""},
        [("markdown", "Text above your address", TEXT, MARKDOWN_HINT)],
    ),
}
ORDER = ["heading", "text", "image", "button", "divider", "spacer", "columns", "footer"]
# What can stand in a column.
SIMPLE = ["heading", "text", "image", "button", "divider", "spacer"]


def new_block(kind):
    """A block with nothing in it."""
    block = {"kind": kind}
    defaults = KINDS[kind][2]
    for name in defaults:
        value = defaults[name]
        block[name] = [list(column) for column in value] if name == "columns" else value
    return block


def new_content():
    """A mail with nothing in it."""
    return {"subject": "", "preheader": "", "format": "blocks", "markdown": "", "blocks": []}


def copy_of(value):
    """A copy that shares nothing with what it was made from."""
    if isinstance(value, dict):
        return dict((name, copy_of(value[name])) for name in value)
    if isinstance(value, list):
        return [copy_of(each) for each in value]
    return value
