"""The JSON that describes a form to the browser.

A template::

    {"name": "shop.Orders.OrderRow",          qualified name: package, then the path of the form
     "custom_component": true, "custom_component_container": true,
     "properties": [{"name", "type", "default_value"?, "binding_writeback_events"?, ...}],
     "events": [{"name", "parameters"?, ...}],
     "container": {"type", "properties", "event_bindings"?, "data_bindings"?},
     "components": [component, ...],
     "slots": {name: {"target": {"type": "container" | "slot", "name": str}, "index": int,
                      "set_layout_properties": {...}, "one_component"?: true}},
     "error"?: ["file:line: message", ...],   the form cannot be opened, and why
     "warnings"?: ["file:line: message", ...]}   what is wrong, but does not keep it from opening

A form that stands in a layout has ``layout`` and ``components_by_slot`` in place of ``container``
and ``components``; its ``layout`` has ``form_event_bindings`` (events of the form itself) as well.

A component::

    {"type": "Button" | "shop.Orders.OrderRow", "name": str, "line": int, "properties": {...},
     "layout_properties"?: {...}, "event_bindings"?: {event: method name},
     "data_bindings"?: [{"property", "code", "writeback"?: true, "chained"?: true}],
     "components"?: [...]}

Event bindings hold a method's name, without ``self.``. Types and item templates are resolved: a
built-in component has no dot in its type, a form is named with its package. The shape follows
Anvil's own YAML templates (form-yaml.d.ts in anvil-works/anvil-agent-references).
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

#: Built-in components that may stand in a template (Anvil's client API, module ``anvil``).
BUILT_IN_COMPONENTS = frozenset(
    {
        "Button",
        "Canvas",
        "CheckBox",
        "ColumnPanel",
        "DataGrid",
        "DataRowPanel",
        "DatePicker",
        "DropDown",
        "FileLoader",
        "FlowPanel",
        "GoogleMap",
        "GridPanel",
        "HtmlComponent",
        "HtmlPanel",
        "HtmlTemplate",
        "Image",
        "Label",
        "LinearPanel",
        "Link",
        "Plot",
        "RadioButton",
        "RepeatingPanel",
        "RichText",
        "Spacer",
        "TextArea",
        "TextBox",
        "Timer",
        "XYPanel",
        "YouTubeVideo",
    }
)

#: Properties whose value names a form.
FORM_PROPERTIES = {"RepeatingPanel": ("item_template",)}

METADATA_KEYS = (
    "custom_component",
    "custom_component_container",
    "properties",
    "events",
    "toolbox_item",
    "layout_metadata",
    "item_type",
)

PROPERTY_TYPES = frozenset(
    {
        "string",
        "number",
        "boolean",
        "text[]",
        "classes",
        "style",
        "enum",
        "form",
        "object",
        "dict",
        "color",
        "icon",
        "themeRole",
        "uri",
        "html",
        "recordType",
        "margin",
        "padding",
        "spacing",
    }
)
