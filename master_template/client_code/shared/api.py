"""Calls to the server: one function that turns every refusal into one kind of error."""

import anvil.server


class ApiError(Exception):
    """What the server refused, or why it could not be asked.

    `code` is stable (`invalid`, `duplicate_email`, `edited_meanwhile`, `offline`, ...), `message`
    is for a person, `fields` maps inputs to their messages, `answer` is the whole answer.
    """

    def __init__(self, code, message, fields=None, answer=None):
        Exception.__init__(self, message)
        self.code = code
        self.message = message
        self.fields = fields or {}
        self.answer = answer or {}


# What to do when the server says that nobody is logged in (any longer); set by navigation.
_when_logged_out = []


def on_logged_out(function):
    """Have `function()` called when a call is refused because nobody is logged in."""
    _when_logged_out[:] = [function]


def call(name, *args, **kwargs):
    """Call a server function; give its answer (a dict). Raises ApiError."""
    try:
        answer = anvil.server.call(name, *args, **kwargs)
    except anvil.server.AppOfflineError as error:
        raise _offline(str(error))
    except anvil.server.SessionExpiredError:
        raise ApiError("expired", "This page has been open for too long. Please reload it.")
    except anvil.server.TimeoutError:
        raise ApiError("timeout", "The server took too long to answer. Please try again.")
    except (anvil.server.RuntimeUnavailableError, anvil.server.InternalError):
        raise ApiError(
            "unavailable", "The server cannot answer just now. Please try again in a minute."
        )
    except anvil.server.QuotaExceededError:
        # The server turned the call away before it ran.
        raise ApiError(
            "busy",
            "The server is very busy just now, and nothing was changed. Please try again in a "
            "moment.",
        )
    if answer.get("success"):
        return answer
    if answer.get("code") == "not_authenticated" and _when_logged_out:
        _when_logged_out[0]()
    raise ApiError(answer.get("code"), answer.get("error"), answer.get("fields"), answer)


def _offline(reason):
    """Nobody knows what became of a call that was on its way when the connection broke."""
    if "before it answered" in reason:
        return ApiError(
            "lost",
            "The connection was lost before the server answered. Please try again; what you typed "
            "is still here.",
        )
    return ApiError("offline", "You are offline. Nothing was changed; please try again.")


def call_quietly(name, *args, **kwargs):
    """As `call`, without the loading indicator: for what the page shows as loading itself."""
    with anvil.server.no_loading_indicator:
        return call(name, *args, **kwargs)
