"""Portable classes: what crosses the wire as an object of the app's own class.

See https://anvil.works/docs/server/portable-classes. All of it is in ``anvil.server`` as well.
"""

import _anvil_rpc

call = _anvil_rpc.call


class SerializationInfo:
    """What objects of one message share. ``shared_data(key)`` gives ``(transmitted, local)``."""

    remote_is_trusted = True
    local_is_trusted = False

    def __init__(self, received=None):
        self._transmitted = {}
        self._local = {}
        self._default_key = None
        self._can_transmit = True
        if received is None:
            pass
        elif isinstance(received, dict):
            self._transmitted[":GLOBAL"] = received
        else:
            for i in range(0, len(received), 2):
                self._transmitted[received[i]] = received[i + 1]

    def __bool__(self):
        return self._can_transmit

    def _to_json(self):
        if len(self._transmitted) == 1 and ":GLOBAL" in self._transmitted:
            return self._transmitted[":GLOBAL"]
        flat = []
        for key, value in self._transmitted.items():
            flat.append(key)
            flat.append(value)
        return flat

    def _resolve_key(self, key):
        if key is None:
            return self._default_key
        if isinstance(key, type):
            info = getattr(key, "SERIALIZATION_INFO", None)
            return info[0] if info else key.__module__ + "." + key.__name__
        return ":" + str(key)

    def shared_data(self, key=None, transmitted_data_factory=dict, local_data_factory=dict):
        key = self._resolve_key(key)
        if key not in self._local:
            self._local[key] = local_data_factory()
        if not self._can_transmit:
            return None, self._local[key]
        if key not in self._transmitted:
            self._transmitted[key] = transmitted_data_factory()
        return self._transmitted[key], self._local[key]

    def __repr__(self):
        return f"SerializationInfo<{self._transmitted!r}, {self._local!r}>"


def _give_global_dict_method(name):
    # Older portable classes use the object that they are given as a dict.
    def forward(self, *args, **kwargs):
        transmitted = self.shared_data("GLOBAL")[0]
        if transmitted is None:
            raise RuntimeError(
                "This object is part of shared_data; you cannot access shared_data from its"
                " __serialize__ method."
            )
        return getattr(transmitted, name)(*args, **kwargs)

    setattr(SerializationInfo, name, forward)


for _name in [
    "__getitem__",
    "__setitem__",
    "__delitem__",
    "__iter__",
    "__len__",
    "__contains__",
    "keys",
    "items",
    "values",
    "get",
    "pop",
    "popitem",
    "clear",
    "update",
    "setdefault",
]:
    _give_global_dict_method(_name)

_anvil_rpc.set_serialization_info(SerializationInfo)


class Serializable:
    """Kept for apps of old; portable classes need no base."""


class SerializeWithIdentity:
    """Base of portable classes whose instances stay the same object when sent twice in a message.
    Subclasses give ``__serialize_once__`` and ``__deserialize__``."""

    @classmethod
    def __new_deserialized__(cls, data, info):
        name = cls.SERIALIZATION_INFO[0]
        cache = info.get(name)
        if cache is None:
            cache = info[name] = {}
        obj = cache.get(data[0])
        if obj is None:
            obj = cache[data[0]] = cls.__new__(cls)
        if len(data) > 1:
            obj.__deserialize__(data[1], info)
        return obj

    def __serialize__(self, info):
        own_id, message = getattr(self, "_serialization_key", (None, None))
        if message is info:
            return [own_id]
        counter = self.SERIALIZATION_INFO[0] + "_max"
        own_id = info.get(counter, 0)
        info[counter] = own_id + 1
        self._serialization_key = (own_id, info)
        data = self.__serialize_once__(info)
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if key != "_serialization_key"}
        return [own_id, data]


def portable_class(cls, name=None):
    """Register a class whose instances may cross the wire: ``@portable_class``,
    ``@portable_class("name")`` or ``portable_class(cls, "name")``."""

    def register(cls, name):
        if name is None:
            module = cls.__module__
            if module == "__main__":
                module = _anvil_rpc.main_module()
            name = module + "." + cls.__name__
        elif not isinstance(name, str):
            raise TypeError(
                "the name of a portable class must be a string, got " + type(name).__name__
            )
        cls.SERIALIZATION_INFO = (name, cls)
        _anvil_rpc.register_portable_class(name, cls)
        for attribute in list(cls.__dict__):
            method = cls.__dict__[attribute]
            if isinstance(method, server_method):
                method._server_name = "anvil.server_side/" + name + "." + attribute
        return cls

    if name is None and isinstance(cls, str):
        given = cls
        return lambda cls: register(cls, given)
    return register(cls, name)


class server_method:
    """Decorator for a method of a portable class that runs on the server when called here."""

    def __new__(cls, func=None, **options):
        self = object.__new__(cls)
        self._server_name = None
        if func is None:
            return self._wrap
        return self

    def __init__(self, func=None, **options):
        self._wrap(func)

    def _wrap(self, func):
        self._is_class_method = isinstance(func, classmethod)
        self._server_name = None
        return self

    def _name(self):
        if self._server_name is None:
            raise RuntimeError(
                "server_method must be the top-most decorator on a method of a portable class"
            )
        return self._server_name

    def __call__(self, *args, **kwargs):
        return call(self._name(), *args, **kwargs)

    def __get__(self, instance, owner=None):
        bound = owner if self._is_class_method else instance
        if bound is None:
            return self

        def call_bound(*args, **kwargs):
            return call(self._name(), bound, *args, **kwargs)

        return call_bound
