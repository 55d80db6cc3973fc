"""``typing`` for browser Python: the names with which code is annotated. Nothing is checked.

An annotation such as ``Optional[Row]`` or ``Callable[[int], str]`` gives an object that prints as
it was written, and that may stand wherever a type may be named.
"""

TYPE_CHECKING = False


def _show(value):
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([_show(one) for one in value]) + "]"
    return "..." if value is Ellipsis else repr(value)


class _Form:
    """A special form, bare (``Any``) or with arguments (``Optional[int]``)."""

    def __init__(self, name, args=()):
        self._name = name
        self.__args__ = args
        self.__origin__ = None

    def __getitem__(self, args):
        form = _Form(self._name, args if isinstance(args, tuple) else (args,))
        form.__origin__ = self
        return form

    def __call__(self, *args, **kwargs):
        raise TypeError(f"Type {self._name} cannot be instantiated")

    def __or__(self, other):
        return Union[self, other]

    def __ror__(self, other):
        return Union[other, self]

    def __eq__(self, other):
        return (
            isinstance(other, _Form)
            and self._name == other._name
            and self.__args__ == other.__args__
        )

    def __hash__(self):
        return hash(self._name)

    def __repr__(self):
        args = ", ".join([_show(one) for one in self.__args__])
        return f"typing.{self._name}[{args}]" if args else f"typing.{self._name}"


Any = _Form("Any")
AnyStr = _Form("AnyStr")
AbstractSet = _Form("AbstractSet")
Annotated = _Form("Annotated")
AsyncIterator = _Form("AsyncIterator")
Awaitable = _Form("Awaitable")
Callable = _Form("Callable")
ChainMap = _Form("ChainMap")
ClassVar = _Form("ClassVar")
Collection = _Form("Collection")
Concatenate = _Form("Concatenate")
Container = _Form("Container")
Counter = _Form("Counter")
DefaultDict = _Form("DefaultDict")
Deque = _Form("Deque")
Dict = _Form("Dict")
Final = _Form("Final")
FrozenSet = _Form("FrozenSet")
Generator = _Form("Generator")
Hashable = _Form("Hashable")
Iterable = _Form("Iterable")
Iterator = _Form("Iterator")
List = _Form("List")
Literal = _Form("Literal")
Mapping = _Form("Mapping")
MutableMapping = _Form("MutableMapping")
MutableSequence = _Form("MutableSequence")
MutableSet = _Form("MutableSet")
NoReturn = _Form("NoReturn")
Never = _Form("Never")
NotRequired = _Form("NotRequired")
Optional = _Form("Optional")
OrderedDict = _Form("OrderedDict")
Required = _Form("Required")
Reversible = _Form("Reversible")
Self = _Form("Self")
Sequence = _Form("Sequence")
Set = _Form("Set")
Sized = _Form("Sized")
SupportsFloat = _Form("SupportsFloat")
SupportsInt = _Form("SupportsInt")
Text = str
Tuple = _Form("Tuple")
Type = _Form("Type")
TypeAlias = _Form("TypeAlias")
TypeGuard = _Form("TypeGuard")
Union = _Form("Union")


class TypeVar(_Form):
    def __init__(self, name, *constraints, bound=None, covariant=False, contravariant=False):
        _Form.__init__(self, name)
        self.__name__ = name
        self.__constraints__ = constraints
        self.__bound__ = bound

    def __repr__(self):
        return f"~{self.__name__}"


class ParamSpec(TypeVar):
    @property
    def args(self):
        return Any

    @property
    def kwargs(self):
        return Any


class Generic:
    """A base of classes that name their parameters: ``class Page(Generic[T])``."""

    def __class_getitem__(cls, parameters):
        return cls


class Protocol(Generic):
    pass


class SupportsAbs(Protocol):
    pass


def NewType(name, tp):
    def make(value):
        return value

    make.__name__ = name
    make.__supertype__ = tp
    return make


class _NamedTupleMeta(type):
    def __new__(mcs, name, bases, members):
        if not bases:  # NamedTuple itself
            return type.__new__(mcs, name, bases, members)
        import collections

        fields = list(members.get("__annotations__", {}))
        defaults = [members[field] for field in fields if field in members]
        made = collections.namedtuple(name, fields, defaults=defaults)
        for key, value in members.items():
            if key not in fields and key not in ("__module__", "__qualname__", "__slots__"):
                setattr(made, key, value)
        made.__annotations__ = members.get("__annotations__", {})
        return made

    def __call__(cls, name, fields=(), **given):
        import collections

        return collections.namedtuple(name, [field for field, _ in list(fields) or given.items()])


class NamedTuple(metaclass=_NamedTupleMeta):
    pass


class TypedDict(dict):
    """As a base, a dict; called with a name and fields, a class of dicts."""

    def __new__(cls, name=None, fields=None, total=True, **given):
        if cls is TypedDict and isinstance(name, str):
            return type(name, (dict,), {"__annotations__": fields or {}})
        return dict.__new__(cls)

    def __init_subclass__(cls, total=True):
        pass


def cast(typ, val):
    return val


def overload(func):
    return func


def final(f):
    return f


def no_type_check(arg):
    return arg


def runtime_checkable(cls):
    return cls


def assert_type(val, typ):
    return val


def assert_never(arg):
    raise AssertionError(f"Expected code to be unreachable, but got: {arg!r}")


def reveal_type(obj):
    return obj


def get_type_hints(obj):
    return dict(getattr(obj, "__annotations__", {}))


def get_origin(tp):
    return getattr(tp, "__origin__", None)


def get_args(tp):
    return getattr(tp, "__args__", ())
