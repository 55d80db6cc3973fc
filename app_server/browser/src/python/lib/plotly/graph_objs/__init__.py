"""Figures, layouts and traces, as `plotly.graph_objects` has them.

The part of https://plotly.com/python-api-reference/plotly.graph_objects.html that does not need
Plotly's schema. Names are not checked: the chart itself ignores those that it does not know. So a
part of a trace or of the layout (`scatter.Marker`, `layout.xaxis.Title`) is any name in these.
"""

import sys

from anvil.server import portable_class

from plotly._names import TRACES as _NAMES
from plotly._parts import Part, plain


class Layout(Part):
    """How a chart looks around its traces."""


class Frame(Part):
    """A step of an animation."""


def _make_trace(name):
    return type(name, (Part,), {"_type": name.lower(), "__module__": "plotly.graph_objs"})


_TRACES = {name.lower(): _make_trace(name) for name in _NAMES}


def _trace(value):
    """A trace as an object of its class; other dicts stay plain parts."""
    if isinstance(value, Part) and value._type is not None:
        return value
    return _TRACES.get(value.get("type", "scatter"), Part)(value)


class Figure:
    """Traces (`data`) and a `layout`."""

    def __init__(self, data=None, layout=None, frames=None, **layout_values):
        if isinstance(data, Figure):
            data, layout, frames = data.data, layout or data.layout, frames or data.frames
        elif isinstance(data, dict) and ("data" in data or "layout" in data):
            frames = frames or data.get("frames")
            data, layout = data.get("data"), layout or data.get("layout")
        if data is None:
            data = []
        elif isinstance(data, dict):
            data = [data]
        self.data = [_trace(one) for one in data]
        self.frames = [Part(one) for one in frames or []]
        self.layout = Layout(layout)
        self.layout.update(**layout_values)

    def add_trace(self, trace):
        self.data.append(_trace(trace))
        return self

    def add_traces(self, data):
        for trace in [data] if isinstance(data, dict) else data:
            self.add_trace(trace)
        return self

    def __getattr__(self, name):
        """`add_bar(...)`, `add_heatmap(...)` and so on."""
        cls = _TRACES.get(name[len("add_") :]) if name.startswith("add_") else None
        if cls is None:
            raise AttributeError(f"'Figure' object has no attribute '{name}'")
        return lambda **values: self.add_trace(cls(**values))

    def _add_to_layout(self, name, part, values):
        self.layout[name] = list(self.layout.get(name) or []) + [Part(part, **values)]
        return self

    def add_annotation(self, arg=None, **values):
        return self._add_to_layout("annotations", arg, values)

    def add_shape(self, arg=None, **values):
        return self._add_to_layout("shapes", arg, values)

    def add_hline(self, y, **values):
        ends = {"xref": "x domain", "x0": 0, "x1": 1, "y0": y, "y1": y}
        return self.add_shape({"type": "line"}, **dict(ends, **values))

    def add_vline(self, x, **values):
        ends = {"yref": "y domain", "y0": 0, "y1": 1, "x0": x, "x1": x}
        return self.add_shape({"type": "line"}, **dict(ends, **values))

    def for_each_trace(self, fn):
        for trace in self.data:
            fn(trace)
        return self

    def update_layout(self, dict1=None, overwrite=False, **values):
        self.layout.update(dict1, overwrite, **values)
        return self

    def update_traces(self, patch=None, **values):
        for trace in self.data:
            trace.update(patch, **values)
        return self

    def update_xaxes(self, patch=None, **values):
        self.layout.xaxis.update(patch, **values)
        return self

    def update_yaxes(self, patch=None, **values):
        self.layout.yaxis.update(patch, **values)
        return self

    def to_dict(self):
        figure = {"data": plain(self.data), "layout": plain(self.layout)}
        if self.frames:
            figure["frames"] = plain(self.frames)
        return figure

    def to_plotly_json(self):
        return self.to_dict()

    def __serialize__(self, global_data):
        return self.to_dict()

    @classmethod
    def __new_deserialized__(cls, data, global_data):
        return cls(data)


class _Module(type(sys)):
    """A module of Plotly's that holds one class under its name, or parts under any name."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        full_name = self.__name__ + "." + name
        if name[0].isupper():
            return type(name, (Part,), {"__module__": self.__name__})
        return _add_module(full_name)


def _add_module(name):
    module = sys.modules.get(name)
    if module is None:
        module = _Module(name)
        module.__path__ = []
        sys.modules[name] = module
    return module


# The classes as members here, and where Plotly's own Python has them: `_bar.Bar` is the name under
# which a server sends one, `bar.Marker` a part of one.
_self = sys.modules[__name__]
for _cls in [Figure, Layout, Frame] + list(_TRACES.values()):
    _leaf = _cls.__name__
    _home = "plotly.graph_objs._" + _leaf.lower()
    setattr(_add_module(_home), _leaf, _cls)
    setattr(_self, _leaf, _cls)
    setattr(_self, _leaf.lower(), _add_module("plotly.graph_objs." + _leaf.lower()))
    portable_class(_cls, _home + "." + _leaf)
