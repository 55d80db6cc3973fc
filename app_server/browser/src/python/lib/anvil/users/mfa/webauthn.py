"""Security keys as a second factor. This server offers none, so no log-in form does."""


def is_webauthn_available():
    return False


def _refuse(*args, **kwargs):
    raise RuntimeError("This server does not support security keys as a second factor")


create = _refuse
get = _refuse
