"""Who has a say before a NavigationLink opens its page."""

# A list, so that a module that has imported the name sees what is set later.
_guard = []


def set_guard(function):
    """Have `function()` asked before each `navigate_to`; what is false keeps the page that is
    open. None takes the guard away."""
    _guard[:] = [] if function is None else [function]


def may_navigate():
    """Whether the page that is open may be left. May wait for the person's answer."""
    return all(function() for function in _guard)
