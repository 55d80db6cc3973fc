"""Figures, layouts and traces: dicts whose keys are attributes as well.

The part of https://plotly.com/python-api-reference/plotly.graph_objects.html that does not need
Plotly's schema. Names are not checked: the chart itself ignores those that it does not know.
"""

from anvil.server import portable_class

# Names of Plotly's with an underscore of their own; elsewhere `a_b=1` means `a=dict(b=1)`.
_WHOLE_NAMES = ["error_x", "error_y", "paper_bgcolor", "plot_bgcolor", "copy_ystyle", "copy_zstyle"]


def _wrap(value):
    if isinstance(value, _Part):
        return value
    if isinstance(value, dict):
        return _Part(value)
    if isinstance(value, (list, tuple)):
        return [_wrap(one) for one in value]
    return value


def _split(name):
    """`marker_line_width` as ["marker", "line", "width"]."""
    for whole in _WHOLE_NAMES:
        if name == whole:
            return [name]
        if name.startswith(whole + "_"):
            return [whole] + name[len(whole) + 1 :].split("_")
        if name.endswith("_" + whole):
            return name[: -len(whole) - 1].split("_") + [whole]
    return name.split("_")


class _Part(dict):
    _type = None

    def __init__(self, arg=None, **values):
        if self._type is not None:
            dict.__setitem__(self, "type", self._type)
        self.update(arg, **values)

    def __setitem__(self, key, value):
        names = _split(key)
        part = self
        for name in names[:-1]:
            part = part[name]
        dict.__setitem__(part, names[-1], _wrap(value))

    def __getitem__(self, key):
        part = self
        for name in _split(key):
            if not dict.__contains__(part, name):
                dict.__setitem__(part, name, _Part())
            part = dict.__getitem__(part, name)
        return part

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name, value):
        self[name] = value

    def update(self, arg=None, overwrite=False, **values):
        """Take over values; dicts are merged into those that are there, unless ``overwrite``."""
        given = dict(arg or {})
        given.update(values)
        for key in given:
            value = given[key]
            names = _split(key)
            is_there = len(names) == 1 and dict.__contains__(self, key)
            if (
                isinstance(value, dict)
                and is_there
                and isinstance(self[key], _Part)
                and not overwrite
            ):
                self[key].update(value)
            else:
                self[key] = value
        return self

    def to_plotly_json(self):
        return _plain(self)

    def __serialize__(self, global_data):
        return _plain(self)

    @classmethod
    def __new_deserialized__(cls, data, global_data):
        return cls(data)


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(dict.__getitem__(value, key)) for key in value}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


class Layout(_Part):
    """How a chart looks around its traces."""


class Bar(_Part):
    """Bars."""

    _type = "bar"


class Pie(_Part):
    """A pie, or a ring with `hole`."""

    _type = "pie"


class Scatter(_Part):
    """Points and lines."""

    _type = "scatter"


_TRACES = {"bar": Bar, "pie": Pie, "scatter": Scatter}


def _trace(value):
    """A trace as an object of its class; other dicts stay plain parts."""
    if isinstance(value, _Part) and value._type is not None:
        return value
    return _TRACES.get(value.get("type", "scatter"), _Part)(value)


class Figure:
    """Traces (`data`) and a `layout`."""

    def __init__(self, data=None, layout=None, **layout_values):
        if isinstance(data, Figure):
            data, layout = data.data, layout or data.layout
        elif isinstance(data, dict) and ("data" in data or "layout" in data):
            data, layout = data.get("data"), layout or data.get("layout")
        if data is None:
            data = []
        elif isinstance(data, dict):
            data = [data]
        self.data = [_trace(one) for one in data]
        self.layout = Layout(layout)
        self.layout.update(**layout_values)

    def add_trace(self, trace):
        self.data.append(_trace(trace))
        return self

    def add_traces(self, data):
        for trace in [data] if isinstance(data, dict) else data:
            self.add_trace(trace)
        return self

    def add_bar(self, **values):
        return self.add_trace(Bar(**values))

    def add_pie(self, **values):
        return self.add_trace(Pie(**values))

    def add_scatter(self, **values):
        return self.add_trace(Scatter(**values))

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
        return {"data": _plain(self.data), "layout": _plain(self.layout)}

    def to_plotly_json(self):
        return self.to_dict()

    def __serialize__(self, global_data):
        return self.to_dict()

    @classmethod
    def __new_deserialized__(cls, data, global_data):
        return cls(data)


# As Plotly's own classes on the server are called.
for _cls in [Figure, Layout, Bar, Pie, Scatter]:
    portable_class(_cls, "plotly.graph_objs._" + _cls.__name__.lower() + "." + _cls.__name__)
