"""Properties of the m3 components.

A component is a list of properties over one element, its DOM node ``root``: each property keeps its
value in Python and shows it on the element. Values stay readable before the element is on the page,
and what the user does comes back through the component's DOM handlers (``remember``).
"""

from anvil import app
from anvil.property_utils import set_element_margin, set_element_spacing

# The Material 3 colour roles (https://m3.material.io/styles/color/roles); each is a CSS variable.
COLOR_ROLES = (
    "Primary",
    "On Primary",
    "Primary Container",
    "On Primary Container",
    "Inverse Primary",
    "Secondary",
    "On Secondary",
    "Secondary Container",
    "On Secondary Container",
    "Tertiary",
    "On Tertiary",
    "Tertiary Container",
    "On Tertiary Container",
    "Error",
    "On Error",
    "Error Container",
    "On Error Container",
    "Background",
    "On Background",
    "Surface",
    "On Surface",
    "Surface Variant",
    "On Surface Variant",
    "Surface Dim",
    "Surface Bright",
    "Surface Container Lowest",
    "Surface Container Low",
    "Surface Container",
    "Surface Container High",
    "Surface Container Highest",
    "Inverse Surface",
    "Inverse On Surface",
    "Outline",
    "Outline Variant",
    "Shadow",
    "Scrim",
)

FLEX_ALIGN = {"left": "flex-start", "center": "center", "right": "flex-end", "full": "stretch"}


def color_token(role):
    """The CSS variable of a colour role: ``On Primary`` gives ``--md-sys-color-on-primary``."""
    return "--md-sys-color-" + role.lower().replace(" ", "-")


def css_color(value):
    """A colour property as CSS: ``theme:Primary`` becomes its variable, other colours stay."""
    if not value:
        return ""
    if not value.startswith("theme:"):
        return value
    role = value[len("theme:") :]
    if role in COLOR_ROLES:
        return "var(" + color_token(role) + ")"
    return app.theme_colors.get(role, "")


def css_pixels(value):
    """A size in pixels as CSS; a text such as ``2em`` stays as it is."""
    if value is None or value == "":
        return ""
    text = str(value)
    return text + "px" if text.replace(".", "", 1).isdigit() else text


def css_text(value):
    """A text property as CSS."""
    return value or ""


def css_switch(word):
    """A converter from a boolean to ``word`` or nothing."""

    def convert(value):
        return word if value else ""

    return convert


def as_it_is(value):
    """The converter that changes nothing."""
    return value


def opposite(value):
    """The converter of ``enabled`` to an element's ``disabled``."""
    return not value


def optional_number(value):
    """A number, or None for an empty property; Anvil's designer hands numbers over as text too."""
    if value is None or value == "":
        return None
    return float(value) if "." in str(value) else int(value)


class Property:
    """A value kept in Python. ``default`` is what an untouched component answers."""

    def __init__(self, default=None):
        self.default = default

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, component, owner=None):
        if component is None:
            return self
        return component._values.get(self.name, self.default)

    def __set__(self, component, value):
        if value is None and isinstance(self.default, str):
            value = ""
        values = component._values
        if self.name in values:
            if values[self.name] is value:
                return
        elif value is self.default or (component._is_new and value == self.default):
            return
        values[self.name] = value
        self.show(component, value)

    def remember(self, component, value):
        """Keeps what the user chose; the element shows it already."""
        component._values[self.name] = value

    def show(self, component, value):
        """Brings ``value`` to the element."""


class ElementProperty(Property):
    """A value that is the JavaScript property ``target`` of the DOM node ``node``."""

    def __init__(self, target, default="", convert=as_it_is, node="root"):
        super().__init__(default)
        self.target = target
        self.convert = convert
        self.node = node

    def show(self, component, value):
        setattr(component.dom_nodes[self.node], self.target, self.convert(value))


class AttributeProperty(ElementProperty):
    """A value that is an HTML attribute."""

    def show(self, component, value):
        component.dom_nodes[self.node].setAttribute(self.target, self.convert(value) or "")


class StyleProperty(Property):
    """A value that is one CSS property or variable, or several, of a DOM node."""

    def __init__(self, *targets, **options):
        super().__init__(options.get("default", ""))
        self.targets = targets
        self.convert = options.get("convert", css_text)
        self.node = options.get("node", "root")

    def show(self, component, value):
        style = component.dom_nodes[self.node].style
        text = self.convert(value)
        for target in self.targets:
            if text:
                style.setProperty(target, text)
            else:
                style.removeProperty(target)


def color(*targets, **options):
    """A colour property of a component; see :func:`css_color`."""
    return StyleProperty(*targets, convert=css_color, **options)


def pixels(*targets, **options):
    """A size property of a component, in pixels."""
    return StyleProperty(*targets, convert=css_pixels, default=None, **options)


def flag(word, *targets, **options):
    """A boolean property of a component that sets CSS to ``word``."""
    return StyleProperty(*targets, convert=css_switch(word), default=False, **options)


class Align(Property):
    """Where a component stands in the room it has; ``full`` takes all of it."""

    def __init__(self, default="left", node="root"):
        super().__init__(default)
        self.node = node

    def show(self, component, value):
        root = component.dom_nodes[self.node]
        root.dataset.align = value
        root.style.setProperty("--m3-align", FLEX_ALIGN.get(value, "flex-start"))


class Margin(Property):
    """Anvil's margin property, as https://anvil.works/docs/client/advanced-layouts/component-api."""

    def show(self, component, value):
        set_element_margin(component.dom_nodes["root"], value)


class Spacing(Property):
    """Anvil's spacing property: ``{"margin": ..., "padding": ...}``."""

    def show(self, component, value):
        set_element_spacing(component.dom_nodes["root"], value)


class Tooltip(Property):
    """Text shown on hover and focus, and told to screen readers as the description."""

    def __init__(self, default=""):
        super().__init__(default)

    def show(self, component, value):
        root = component.dom_nodes["root"]
        if value:
            root.setAttribute("data-m3-tooltip", value)
            root.setAttribute("aria-description", value)
        else:
            root.removeAttribute("data-m3-tooltip")
            root.removeAttribute("aria-description")
        if hasattr(component, "_name_by_tooltip"):
            component._name_by_tooltip()


def role_names(value):
    """The role property as a list of names."""
    if not value:
        return []
    names = [value] if isinstance(value, str) else value
    return [name.replace(" ", "-") for name in names]


class Role(Property):
    """The theme roles of a component: classes ``anvil-role-NAME``.

    ``appearances`` maps role names to values of the component's ``appearance``, which they outrank;
    a role that ends in ``-error`` puts the component in its error state.
    """

    def __init__(self, appearances=None):
        super().__init__(None)
        self.appearances = appearances or {}

    def show(self, component, value):
        names = role_names(value)
        classes = component.dom_nodes["root"].classList
        for old in component._role_classes:
            classes.remove(old)
        component._role_classes = ["anvil-role-" + name for name in names]
        for new in component._role_classes:
            classes.add(new)
        if self.appearances:
            type(component).appearance.refresh(component)
        if hasattr(type(component), "error"):
            type(component).error.refresh(component)


class Appearance(Property):
    """The look of a component; see :class:`Role`. ``node`` gets it as ``appearance``."""

    def __init__(self, default, node="root", attribute=None):
        super().__init__(default)
        self.node = node
        self.attribute = attribute

    def show(self, component, value):
        self.refresh(component)

    def refresh(self, component):
        """Shows the appearance that the roles name, else the property's."""
        value = self.__get__(component)
        appearances = type(component).role.appearances
        for name in role_names(component.role):
            value = appearances.get(name, value)
        node = component.dom_nodes[self.node]
        if self.attribute:
            node.setAttribute(self.attribute, value)
        else:
            node.appearance = value


class Error(Property):
    """Whether a component is in error, by itself or by a role such as ``outlined-error``."""

    def __init__(self):
        super().__init__(False)

    def show(self, component, value):
        self.refresh(component)

    def refresh(self, component):
        """Shows the error state."""
        by_role = any(name.endswith("-error") for name in role_names(component.role))
        component.dom_nodes["root"].error = bool(self.__get__(component)) or by_role


class Alias(Property):
    """Another name of the property ``target``."""

    def __init__(self, target, default=None):
        super().__init__(default)
        self.target = target

    def __get__(self, component, owner=None):
        if component is None:
            return self
        return getattr(component, self.target)

    def __set__(self, component, value):
        if component._is_new and (value is None or value == self.default):
            return
        setattr(component, self.target, value)


def start(component, properties):
    """Sets a new component up; the first and only thing its ``__init__`` has to do."""
    component._values = {}
    component._role_classes = []
    component._is_new = True
    component.init_components(**properties)
    component._is_new = False
