"""`form_template.html` into the JSON shape.

Syntax: the skill `form-html-template` of anvil-works/anvil-agent-references.
"""

from __future__ import annotations

from app_server.templates.attributes import describe, is_promoted, kept_attributes
from app_server.templates.fragments import HTML_CONTAINER, ROOT, Fragments, Target
from app_server.templates.markup import (
    Element,
    Node,
    is_blank,
    parse_markup,
    render_element,
)
from app_server.templates.metadata import split_frontmatter
from app_server.templates.names import FormNames
from app_server.templates.problems import Problems
from app_server.templates.shape import Json


def read_html_template(source: str, names: FormNames, problems: Problems) -> Json:
    """The template's JSON without its name. Faults go to ``problems``; raises TemplateError."""
    metadata, body, first_line = split_frontmatter(source.replace("\r\n", "\n"), problems)
    root = parse_markup(body, first_line, problems)
    fragments = Fragments(root, names, problems)
    forms = [node for node in root.children if isinstance(node, Element) and _is_form(node)]
    if forms:
        form = forms[0]
        _refuse_strays(root, form, problems)
        shape = _layout(form, fragments) if form.get("layout") else _container(form, fragments)
    else:
        shape = _plain_body(root.children, fragments)
    if fragments.slots:
        shape["slots"] = fragments.slots
    return {**metadata, **shape}


def _is_form(element: Element) -> bool:
    return element.tag == "anvil-form"


def _refuse_strays(root: Element, form: Element, problems: Problems) -> None:
    for node in root.children:
        if node is not form and not is_blank(node):
            problems.add(node.line, "content outside <anvil-form> would not be shown")


def _container(form: Element, fragments: Fragments) -> Json:
    """`<anvil-form container="LinearPanel">`: the form is that container."""
    allowed = ("container", "type", "name")
    described = describe(form, fragments.problems, allowed=allowed)
    written = form.get("container") or form.get("type")
    kind = fragments.resolve_type(form, written) if written else HTML_CONTAINER
    if kind == HTML_CONTAINER:
        markup, components = fragments.html(form.children, ROOT)
        described.properties.setdefault("html", markup)
    else:
        components = fragments.children(form.children, ROOT)
    container: Json = {"type": kind, "line": form.line}
    return {"container": described.into(container), "components": components}


def _plain_body(nodes: list[Node], fragments: Fragments) -> Json:
    """No `<anvil-form>`: the form is an HtmlComponent that shows the whole body."""
    shown = [node for node in nodes if not is_blank(node)]
    only = shown[0] if len(shown) == 1 else None
    container: Json = {"type": HTML_CONTAINER, "properties": {}}
    if isinstance(only, Element) and only.tag != "anvil-component" and is_promoted(only):
        # The root element's own anvil: attributes describe the form.
        described = describe(only, fragments.problems, allowed=(), prefix="anvil:")
        inner, components = fragments.html(only.children, ROOT)
        container["properties"]["html"] = render_element(only.tag, kept_attributes(only), inner)
        described.into(container)
    else:
        markup, components = fragments.html(nodes, ROOT)
        container["properties"]["html"] = markup
    return {"container": container, "components": components}


def _layout(form: Element, fragments: Fragments) -> Json:
    """`<anvil-form layout="...">`: the form fills slots of another form."""
    problems = fragments.problems
    described = describe(form, problems, allowed=("layout", "name"))
    layout: Json = {
        "type": fragments.resolve_type(form, form.get("layout")),
        "line": form.line,
        "properties": described.properties,
    }
    if described.layout_event_bindings:
        layout["event_bindings"] = described.layout_event_bindings
    if described.event_bindings:
        layout["form_event_bindings"] = described.event_bindings
    if described.data_bindings:
        layout["data_bindings"] = described.data_bindings
    by_slot: dict[str, list[Json]] = {}
    for node in form.children:
        if is_blank(node):
            continue
        if not (isinstance(node, Element) and node.tag == "anvil-block"):
            problems.add(node.line, 'put this into an <anvil-block slot="..."> of the layout')
            continue
        slot = node.get("slot")
        if not slot:
            problems.add(node.line, "<anvil-block> does not say its slot")
        elif slot in by_slot:
            problems.add(node.line, f"slot '{slot}' is filled twice")
        else:
            by_slot[slot] = fragments.children(node.children, Target("slot", slot))
    return {"layout": layout, "components_by_slot": by_slot}
