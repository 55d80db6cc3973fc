"""``anvil.microsoft.auth`` in the browser."""

import anvil
import anvil.server


def login(additional_scopes=None):
    """Refused: this server has no log-in with Microsoft."""
    try:
        return anvil.server.call("anvil.private.microsoft.auth.login")
    except Exception as refusal:
        # The log-in form of anvil.users says nothing of its own when this fails.
        anvil.Notification(
            str(refusal.args[0]), title="Microsoft", style="danger", timeout=15
        ).show()
        raise


def get_user_email():
    """Who is logged in with Microsoft: nobody, None."""
    return anvil.server.call("anvil.private.microsoft.auth.get_user_email")


def get_user_id():
    return anvil.server.call("anvil.private.microsoft.auth.get_user_id")


def get_user_access_token():
    return anvil.server.call("anvil.private.microsoft.auth.get_user_access_token")


def get_user_refresh_token():
    return anvil.server.call("anvil.private.microsoft.auth.get_user_refresh_token")


def refresh_access_token(refresh_token):
    return anvil.server.call("anvil.private.microsoft.auth.refresh_access_token", refresh_token)
