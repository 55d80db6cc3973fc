"""``anvil.saml.auth`` in the browser."""

import anvil.server


def login():
    """Refused: this server has no log-in by SAML."""
    return anvil.server.call("anvil.private.saml.auth.login")


def get_user_email():
    """Who is logged in by SAML: nobody, None."""
    return anvil.server.call("anvil.private.saml.auth.get_user_email")


def get_user_attributes():
    return anvil.server.call("anvil.private.saml.auth.get_user_attributes")
