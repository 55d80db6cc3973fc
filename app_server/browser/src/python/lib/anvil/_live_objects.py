"""Live objects: values on the server whose methods are called over the wire."""

import _anvil_rpc


class LiveObject:
    def __init__(self, spec):
        self._spec = spec

    def __eq__(self, other):
        return (
            isinstance(other, LiveObject)
            and other._spec["id"] == self._spec["id"]
            and other._spec["backend"] == self._spec["backend"]
        )

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash((self._spec["id"], self._spec["backend"]))

    def __repr__(self):
        return "<LiveObject: {}>".format(self._spec["backend"])


class LiveObjectProxy(LiveObject):
    """A live object; its ``_spec`` has backend, id, methods, permissions, mac, itemCache."""

    def __getattr__(self, name):
        if name.startswith("__") or name not in (self._spec.get("methods") or []):
            raise AttributeError(name)

        def call(*args, **kwargs):
            return _anvil_rpc.call_live_object(self._spec, name, args, kwargs)

        return call

    def _call(self, name, *args):
        if name not in (self._spec.get("methods") or []):
            raise TypeError(f"{self!r} does not support {name}")
        return _anvil_rpc.call_live_object(self._spec, name, args, {})

    def __getitem__(self, key):
        cache = self._spec.get("itemCache") or {}
        if key in cache:
            return cache[key]
        return self._call("__getitem__", key)

    def __setitem__(self, key, value):
        cache = self._spec.get("itemCache")
        if cache and key in cache:
            del cache[key]
        self._call("__setitem__", key, value)

    def __iter__(self):
        page = self._spec.get("iterItems") or {}
        items, next_page = page.get("items"), page.get("nextPage")
        while True:
            if items is None:
                answer = self._call("__anvil_iter_page__", next_page)
                items, next_page = answer["items"], answer.get("nextPage")
            yield from items
            if next_page is None:
                return
            items = None

    def __len__(self):
        if "__len__" in (self._spec.get("methods") or []):
            return int(self._call("__len__"))
        return len(list(iter(self)))

    def __bool__(self):
        if "__nonzero__" in (self._spec.get("methods") or []):
            return self._call("__nonzero__")
        return True
