"""DatePicker: a date, or with `pick_time` a date and a time, by the device's own picker."""

from datetime import date, datetime

from ... import _fields as fields
from ... import _properties as props
from ... import _roles as roles
from ._anvil_designer import DatePickerTemplate


def iso_text(value, with_time):
    """A date or datetime as the value of an HTML input: ``2026-03-31`` or ``2026-03-31T09:30``."""
    if not value:
        return ""
    if isinstance(value, str):
        return value
    if with_time:
        return value.strftime("%Y-%m-%dT%H:%M")
    return value.strftime("%Y-%m-%d")


def date_in(text, with_time):
    """The date or datetime of an HTML input's value, or None."""
    if not text:
        return None
    year, month, day = [int(part) for part in text[:10].split("-")]
    if not with_time:
        return date(year, month, day)
    hour, minute = [int(part) for part in text[11:16].split(":")]
    return datetime(year, month, day, hour, minute)


class DateValue(props.Property):
    """A date for the element property `target`. `today` as text means the present day."""

    def __init__(self, target):
        super().__init__(None)
        self.target = target

    def __set__(self, component, value):
        if value == "today":
            value = date.today()
        self.remember(component, value or None)
        self.show(component, value)

    def show(self, component, value):
        setattr(component.dom_nodes["root"], self.target, iso_text(value, component.pick_time))


class PickTime(props.Property):
    """Whether a time belongs to the date; the dates are then datetimes."""

    def show(self, component, value):
        component.dom_nodes["root"].pickTime = bool(value)
        for name in ("date", "min_date", "max_date"):
            getattr(type(component), name).show(component, getattr(component, name))


class DatePicker(DatePickerTemplate):
    date = DateValue("value")
    min_date = DateValue("min")
    max_date = DateValue("max")
    pick_time = PickTime(False)
    label = props.ElementProperty("label")
    label_text = props.Alias("label", default="")
    placeholder = props.Property("")
    format = props.Property("")
    appearance = props.Appearance("outlined")
    supporting_text = props.ElementProperty("supportingText")
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    error = props.Error()
    align = props.Align("full")
    label_color = props.color(*fields.tokens(*fields.LABEL_COLOR))
    label_font_family = props.StyleProperty(*fields.tokens("label-text-font"))
    label_font_size = props.pixels(*fields.tokens("label-text-size"))
    label_bold = props.flag("700", *fields.tokens("label-text-weight"))
    label_italic = props.flag("italic", "--m3-label-style")
    label_underline = props.flag("underline", "--m3-label-decoration")
    subcontent_color = props.color(*fields.tokens(*fields.SUPPORTING_COLOR))
    subcontent_font_family = props.StyleProperty(*fields.tokens("supporting-text-font"))
    subcontent_font_size = props.pixels(*fields.tokens("supporting-text-size"))
    background_color = props.color("background-color", "--md-filled-field-container-color")
    border_color = props.color(*fields.tokens(*fields.BORDER_COLOR))
    spacing = props.Spacing()
    role = props.Role(roles.FIELD)
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this field."""
        self.dom_nodes["root"].focus()

    def _pick(self, event):
        picked = date_in(self.dom_nodes["root"].value, self.pick_time)
        type(self).date.remember(self, picked)
        self.raise_event("change")

    def _focus(self, event):
        self.raise_event("focus")

    def _blur(self, event):
        self.raise_event("lost_focus")
