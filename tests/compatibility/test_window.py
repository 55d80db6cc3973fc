"""The browser's own names in ``anvil.js.window``."""

from __future__ import annotations

import json

from tests.compatibility.names import read
from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]


def test_every_name_of_the_browser_can_be_imported(play: Playground) -> None:
    listed = read("window")
    names = sorted(set(listed["names"].split()) - set(listed["mixins"]))
    code = f"""
        import json
        from anvil.js import window
        result = []
        for name in json.loads({json.dumps(json.dumps(names))}):
            try:
                exec("from anvil.js.window import %s" % name, {{}})
                getattr(window, name)
            except (AttributeError, ImportError) as error:
                result.append(name)
        """
    assert play.run(code) == []


def test_mixins_are_no_names_of_the_browser(play: Playground) -> None:
    mixins = read("window")["mixins"]
    assert play.page.evaluate("(names) => names.filter((name) => name in window)", mixins) == []
