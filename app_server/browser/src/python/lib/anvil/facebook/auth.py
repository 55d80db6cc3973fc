"""``anvil.facebook.auth`` in the browser."""

import anvil
import anvil.server


def login(additional_scopes=None):
    """Refused: this server has no log-in with Facebook."""
    try:
        return anvil.server.call("anvil.private.facebook.auth.login")
    except Exception as refusal:
        # The log-in form of anvil.users says nothing of its own when this fails.
        anvil.Notification(
            str(refusal.args[0]), title="Facebook", style="danger", timeout=15
        ).show()
        raise


def get_user_email():
    """Who is logged in with Facebook: nobody, None."""
    return anvil.server.call("anvil.private.facebook.auth.get_user_email")


def get_user_id():
    return anvil.server.call("anvil.private.facebook.auth.get_user_id")


def get_user_access_token():
    return anvil.server.call("anvil.private.facebook.auth.get_user_access_token")
