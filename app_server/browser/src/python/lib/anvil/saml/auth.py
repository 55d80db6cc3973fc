"""``anvil.saml.auth`` in the browser."""

import anvil
import anvil.server


def login():
    """Refused: this server has no log-in by SAML."""
    try:
        return anvil.server.call("anvil.private.saml.auth.login")
    except Exception as refusal:
        # The log-in form of anvil.users says nothing of its own when this fails.
        anvil.Notification(str(refusal.args[0]), title="SAML", style="danger", timeout=15).show()
        raise


def get_user_email():
    """Who is logged in by SAML: nobody, None."""
    return anvil.server.call("anvil.private.saml.auth.get_user_email")


def get_user_attributes():
    return anvil.server.call("anvil.private.saml.auth.get_user_attributes")
