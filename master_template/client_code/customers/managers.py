"""What pages share that are for those who may change contacts."""

from ..shared import navigation_helpers, session


def may_begin(form):
    """Whether a page that was shown has to load: the first time, for somebody who may change
    contacts. It says so where they may not."""
    if form._started or not navigation_helpers.require_staff():
        return False
    form._started = True
    if session.may("customers.manage"):
        return True
    form.state.say("error", "This is not for your account", "Please ask the owner.")
    return False
