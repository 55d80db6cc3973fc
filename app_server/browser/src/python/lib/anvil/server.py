"""The browser's ``anvil.server``: calls, errors, capabilities and portable classes.

Names and behaviour are those of Anvil's documentation (https://anvil.works/docs/server). What
crosses the wire is in ``src/wire``; the socket is in ``src/transport``.
"""

import _anvil_rpc
import anvil
import anvil._portable as _portable

call = _anvil_rpc.call
call_s = _anvil_rpc.call_s
loading_indicator = _anvil_rpc.loading_indicator
no_loading_indicator = _anvil_rpc.no_loading_indicator
add_event_handler = _anvil_rpc.add_event_handler
remove_event_handler = _anvil_rpc.remove_event_handler
is_app_online = _anvil_rpc.is_app_online
app_origin = _anvil_rpc.app_origin
LazyMedia = anvil.LazyMedia


# -- errors ------------------------------------------------------------------------------------


class AnvilWrappedError(Exception):
    """An error of the server whose type the browser does not know. ``error_obj`` has its
    ``type``, ``message`` and ``trace``."""

    def __init__(self, message=""):
        Exception.__init__(self, message)
        self.message = message
        self.error_obj = {"type": None, "message": message, "trace": []}

    def __repr__(self):
        kind = self.error_obj.get("type")
        if type(self) is not AnvilWrappedError or kind is None:
            return f"{type(self).__name__}({self.message!r})"
        return f"AnvilWrappedError({kind}({self.message!r}))"


def _register_exception_type(name, cls):
    _anvil_rpc.register_exception(name, cls)
    return cls


def _declare_error(name, base=Exception):
    return _register_exception_type(
        "anvil.server." + name, type(name, (base,), {"__module__": "anvil.server"})
    )


SerializationError = _declare_error("SerializationError")
InternalError = _declare_error("InternalError")
InvalidResponseError = _declare_error("InvalidResponseError")
RuntimeUnavailableError = _declare_error("RuntimeUnavailableError")
AppOfflineError = _declare_error("AppOfflineError")
UplinkDisconnectedError = _declare_error("UplinkDisconnectedError")
ExecutionTerminatedError = _declare_error("ExecutionTerminatedError")
TimeoutError = _declare_error("TimeoutError")
QuotaExceededError = _declare_error("QuotaExceededError")
NoServerFunctionError = _declare_error("NoServerFunctionError", AnvilWrappedError)
CookieError = _declare_error("CookieError", AnvilWrappedError)
PermissionDenied = _declare_error("PermissionDenied")
BackgroundTaskError = _declare_error("BackgroundTaskError")
BackgroundTaskNotFound = _declare_error("BackgroundTaskNotFound")
BackgroundTaskKilled = _declare_error("BackgroundTaskKilled")
ServiceNotAdded = _declare_error("ServiceNotAdded")
_FailError = _declare_error("_FailError")


class SessionExpiredError(Exception):
    """The server no longer knows this session; see ``reset_session``."""

    def __init__(self, message="Session expired"):
        Exception.__init__(self, message)


AnvilSessionExpiredException = SessionExpiredError
_register_exception_type("anvil.server.SessionExpiredError", SessionExpiredError)
_register_exception_type("KeyError", KeyError)

_anvil_rpc.set_wrapped_error(AnvilWrappedError)


# -- session and origin ------------------------------------------------------------------------

_n_invalidations = 0
_invalidation_callbacks = []


def _on_invalidate_client_objects(callback):
    _invalidation_callbacks.append(callback)


def _run_invalidated_client_objects_callbacks():
    global _n_invalidations
    _n_invalidations += 1
    for callback in _invalidation_callbacks:
        callback()


_anvil_rpc.set_invalidation_handler(_run_invalidated_client_objects_callbacks)


def invalidate_client_objects():
    """Make every row, table and capability that this page holds useless."""
    call("anvil.private.invalidate_client_objects")
    _run_invalidated_client_objects_callbacks()


def reset_session():
    """Go on with a fresh session after ``SessionExpiredError``."""
    _anvil_rpc.session_was_reset(call_s("anvil.private.reset_session"))
    _run_invalidated_client_objects_callbacks()


def get_session_id():
    return call_s("anvil.private.get_session_id")


def get_app_origin(branch=None, prefer_ephemeral_debug=False):
    if branch is None:
        return app_origin
    return call_s("anvil.private.get_app_origin", branch)


def get_api_origin(branch=None, prefer_ephemeral_debug=False):
    return get_app_origin(branch, prefer_ephemeral_debug) + "/_/api"


class _CallContext:
    def __init__(self, **values):
        self.__dict__.update(values)

    def __repr__(self):
        return "<{}>".format(", ".join(f"{k}={v!r}" for k, v in self.__dict__.items()))


context = _CallContext(
    remote_caller=None,
    type="browser",
    client=_CallContext(type="browser", location=None, ip=None),
    background_task_id=None,
)


def subscribe(channel):
    return call_s("anvil.private.subscribe", channel)


def unsubscribe(channel):
    return call_s("anvil.private.unsubscribe", channel)


def get_subscriptions():
    return call_s("anvil.private.get_subscriptions")


def event_handler(event_name):
    """Decorator: call the function when the server raises this event."""
    if not isinstance(event_name, str):
        raise TypeError("event_handler expects the event's name, not " + type(event_name).__name__)

    def register(handler):
        add_event_handler(event_name, handler)
        return handler

    return register


def _refuse_in_browser(name):
    def refuse(*args, **kwargs):
        raise RuntimeError(f"anvil.server.{name}() can only be called from server code")

    return refuse


launch_background_task = _refuse_in_browser("launch_background_task")
list_background_tasks = _refuse_in_browser("list_background_tasks")
get_background_task = _refuse_in_browser("get_background_task")


def __getattr__(name):
    # It is there only when the page has read what the server handed over.
    if name == "startup_data":
        return _anvil_rpc.startup_data()
    raise AttributeError(f"module 'anvil.server' has no attribute '{name}'")


# -- capabilities ------------------------------------------------------------------------------


class _Any:
    def __repr__(self):
        return "ANY"


class Capability:
    """The right to something on the server. The browser can narrow and pass it, not make one."""

    ANY = _Any()

    def __init__(self, *args, **kwargs):
        raise RuntimeError("Cannot create new Capability objects in Form code.")

    @property
    def scope(self):
        return self._scope + self._narrow

    @property
    def is_valid(self):
        return self._n_invalidations == _n_invalidations

    def narrow(self, additional_scope):
        if type(additional_scope) is not list:
            raise TypeError("The narrow argument of a Capability should be a list")
        _anvil_rpc.check_json(additional_scope)
        return _make_capability(self._scope, self._mac, self._narrow + additional_scope)

    def set_update_handler(self, apply_update, get_update=None):
        self._apply = apply_update

    def send_update(self, update):
        if self._apply is not None:
            self._apply(update)

    _apply_update = send_update

    def __eq__(self, other):
        if type(other) is not Capability:
            return NotImplemented
        return self.scope == other.scope

    def __ne__(self, other):
        if type(other) is not Capability:
            return NotImplemented
        return self.scope != other.scope

    def __hash__(self):
        if self._hash is None:
            self._hash = hash(repr(self.scope))
        return self._hash

    def __repr__(self):
        return f"<anvil.server.Capability:{self.scope!r}>"


def _make_capability(scope, mac, narrow):
    capability = object.__new__(Capability)
    capability._scope = scope
    capability._mac = mac
    capability._narrow = narrow
    capability._apply = None
    capability._hash = None
    capability._n_invalidations = _n_invalidations
    return capability


_anvil_rpc.set_capability(Capability, _make_capability)


def unwrap_capability(cap, scope_pattern):
    """The elements of the capability's scope, if it matches the pattern; ``None`` for each element
    that a broader capability leaves open. Raises ValueError if it does not match."""
    if type(cap) is not Capability:
        raise TypeError("The first argument must be a Capability, not " + type(cap).__name__)
    if type(scope_pattern) is not list:
        raise TypeError("scope_pattern should be a list, not " + type(scope_pattern).__name__)
    scope = cap.scope
    if len(scope) > len(scope_pattern):
        raise ValueError(f"Capability is too narrow: required {scope_pattern!r}; got {scope!r}")
    matched = [None] * len(scope_pattern)
    for i in range(len(scope)):
        wanted = scope_pattern[i]
        if isinstance(wanted, tuple):
            wanted = list(wanted)
        if wanted is not Capability.ANY and scope[i] != wanted:
            raise ValueError(f"Incorrect Capability: required {scope_pattern!r}; got {scope!r}")
        matched[i] = scope[i]
    return matched


# -- portable classes --------------------------------------------------------------------------

SerializationInfo = _portable.SerializationInfo
Serializable = _portable.Serializable
SerializeWithIdentity = _portable.SerializeWithIdentity
portable_class = _portable.portable_class
server_method = _portable.server_method
serializable_type = portable_class
