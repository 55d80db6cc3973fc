"""``anvil.google.auth`` in the browser."""

import anvil
import anvil.server


def login(additional_scopes=None):
    """Refused: this server has no log-in with Google."""
    try:
        return anvil.server.call("anvil.private.google.auth.login")
    except Exception as refusal:
        # The log-in form of anvil.users says nothing of its own when this fails.
        anvil.Notification(str(refusal.args[0]), title="Google", style="danger", timeout=15).show()
        raise


def get_user_email():
    """Who is logged in with Google: nobody, None."""
    return anvil.server.call("anvil.private.google.auth.get_user_email")


def get_user_access_token():
    return anvil.server.call("anvil.private.google.auth.get_user_access_token")


def get_user_refresh_token():
    return anvil.server.call("anvil.private.google.auth.get_user_refresh_token")


def refresh_access_token(refresh_token):
    return anvil.server.call("anvil.private.google.auth.refresh_access_token", refresh_token)
