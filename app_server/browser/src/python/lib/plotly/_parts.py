"""Parts of a figure: dicts whose keys are attributes as well."""

from plotly._names import WHOLE_NAMES


def wrap(value):
    if isinstance(value, Part):
        return value
    if isinstance(value, dict):
        return Part(value)
    if isinstance(value, (list, tuple)):
        return [wrap(one) for one in value]
    return value


def split(name):
    """`marker_line_width` as ["marker", "line", "width"]."""
    for whole in WHOLE_NAMES:
        if name == whole:
            return [name]
        if name.startswith(whole + "_"):
            return [whole] + name[len(whole) + 1 :].split("_")
        if name.endswith("_" + whole):
            return name[: -len(whole) - 1].split("_") + [whole]
    return name.split("_")


class Part(dict):
    _type = None

    def __init__(self, arg=None, **values):
        if self._type is not None:
            dict.__setitem__(self, "type", self._type)
        self.update(arg, **values)

    def __setitem__(self, key, value):
        names = split(key)
        part = self
        for name in names[:-1]:
            part = part[name]
        dict.__setitem__(part, names[-1], wrap(value))

    def __getitem__(self, key):
        part = self
        for name in split(key):
            if not dict.__contains__(part, name):
                dict.__setitem__(part, name, Part())
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
            names = split(key)
            is_there = len(names) == 1 and dict.__contains__(self, key)
            if (
                isinstance(value, dict)
                and is_there
                and isinstance(self[key], Part)
                and not overwrite
            ):
                self[key].update(value)
            else:
                self[key] = value
        return self

    def to_plotly_json(self):
        return plain(self)

    def __serialize__(self, global_data):
        return plain(self)

    @classmethod
    def __new_deserialized__(cls, data, global_data):
        return cls(data)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(dict.__getitem__(value, key)) for key in value}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value
