"""Role names that stand for an appearance (the names that Mybizz' forms use)."""

BUTTON = {
    "filled-button": "filled",
    "filled": "filled",
    "elevated-button": "elevated",
    "elevated": "elevated",
    "raised": "elevated",
    "tonal-button": "tonal",
    "tonal": "tonal",
    "outlined-button": "outlined",
    "outlined": "outlined",
    "text-button": "text",
    "text": "text",
}

FIELD = {
    "outlined": "outlined",
    "outlined-error": "outlined",
    "filled": "filled",
    "filled-error": "filled",
}

CARD = {
    "card": "elevated",
    "elevated": "elevated",
    "elevated-card": "elevated",
    "outlined": "outlined",
    "outlined-card": "outlined",
    "filled": "filled",
    "filled-card": "filled",
}
