"""Every component has the properties, events and methods that the table lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.compatibility.components import Component, listed_components
from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]

# A property that cannot be read, or is not what it was set to, is told in `problems`.
CHECK = """
import json
problems = []

def check(what, wanted, work):
    try:
        found = work()
    except BaseException as error:
        found = "%s: %s" % (type(error).__name__, error)
    if found != wanted:
        problems.append("%s is %r, not %r" % (what, found, wanted))

def set_and_read(component, name, value):
    setattr(component, name, value)
    return getattr(component, name)

entry = json.loads(ENTRY)
make = getattr(anvil, entry["name"])
fresh, changed, seen = make(), make(), []

def handle(**event_args):
    seen.append((event_args["event_name"], event_args["sender"] is changed, event_args["n"]))

for name, value in entry["properties"].items():
    check(name, value, lambda: getattr(fresh, name))
for name in entry["objects"]:
    check(name + " is there", True, lambda: getattr(fresh, name) is not None)
for name, value in entry["samples"].items():
    check("set " + name, value, lambda: set_and_read(changed, name, value))
for name in entry["events"]:
    changed.set_event_handler(name, handle)
    del seen[:]
    changed.raise_event(name, n=7)
    check("event " + name, [(name, True, 7)], lambda: seen)
for name in entry["methods"]:
    check("method " + name, True, lambda: callable(getattr(fresh, name)))
result = problems
"""


@pytest.mark.parametrize("component", listed_components(), ids=lambda one: one.name)
def test_a_component_has_what_is_listed(play: Playground, component: Component) -> None:
    entry: dict[str, Any] = {
        "name": component.name,
        "properties": component.defaults,
        "objects": component.objects,
        "samples": component.samples,
        "events": component.events,
        "methods": component.methods,
    }
    code = CHECK.replace("ENTRY", json.dumps(json.dumps(entry)))
    problems = play.run(code)
    assert not problems, "\n".join(problems)


def test_the_list_of_components_is_whole(play: Playground) -> None:
    found = play.run(
        """
        result = [
            name for name in dir(anvil)
            if isinstance(getattr(anvil, name), type)
            and issubclass(getattr(anvil, name), anvil.Component)
            and not name.startswith("_")
        ]
        """
    )
    bases = {"Component", "Container", "ClassicComponent", "ClassicContainer", "InvalidComponent"}
    others = {"HtmlPanel", "WithLayout"}
    assert set(found) - bases - others == {one.name for one in listed_components()}


def test_a_tag_of_ones_own_takes_any_attribute(play: Playground) -> None:
    assert play.run(
        """
        button = Button()
        before = type(button.tag) is ComponentTag
        button.tag = ComponentTag()
        button.tag.tea = "green"
        result = [before, button.tag.tea, repr(button.tag)]
        """
    ) == [True, "green", "ComponentTag({'tea': 'green'})"]
