"""Messages at the fields of a form."""


def show_errors(form, components, fields):
    """Show each message at its field; give the messages that belong to no field of this form.

    `components` maps a field of the server to the name of its component.
    """
    left = []
    for field in fields:
        if field not in components:
            left.append(fields[field])
    first = None
    for field in components:
        component = getattr(form, components[field])
        message = fields.get(field, "")
        if bool(component.error) != bool(message):
            component.error = bool(message)
        hint = component.tag if isinstance(component.tag, str) else ""
        if component.supporting_text != (message or hint):
            component.supporting_text = message or hint
        if message and first is None:
            first = component
    if first is not None and hasattr(first, "focus"):
        first.focus()
    return left


def show_refusal(form, components, error, fields=None):
    """Show what the server refused: each message at its field, and what belongs to none in the
    form's banner (its DOM nodes `problem` and `problem_text`). `fields` stands for the error's own
    where the form names them otherwise."""
    given = error.fields if fields is None else fields
    left = show_errors(form, components, given)
    if left or not given:
        form.dom_nodes["problem_text"].textContent = " ".join(left) or error.message
        form.dom_nodes["problem"].hidden = False


def remember_hints(form, components):
    """Keep each field's own hint, so that it comes back when its message goes."""
    for field in components:
        component = getattr(form, components[field])
        component.tag = component.supporting_text or ""


def clear_error(component):
    """The field is being put right: take its message away."""
    if component.error:
        component.error = False
        component.supporting_text = component.tag if isinstance(component.tag, str) else ""
