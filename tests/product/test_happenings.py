"""What areas of the product tell each other."""

from __future__ import annotations

from typing import Any

import pytest

from master_template.server_shared import happenings


@pytest.fixture(autouse=True)
def no_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happenings, "_listeners", {name: [] for name in happenings.HAPPENINGS})


def test_who_listens_hears_the_facts() -> None:
    heard: list[dict[str, Any]] = []

    @happenings.listen("lead_captured")
    def hear(**facts: Any) -> None:
        heard.append(facts)

    happenings.tell("lead_captured", contact="C-1", form="newsletter")
    happenings.tell("segment_left", contact="C-1", segment="VIP")
    assert heard == [{"contact": "C-1", "form": "newsletter"}]


def test_what_a_listener_raises_ends_the_transaction() -> None:
    @happenings.listen("lead_captured")
    def refuse(**_facts: Any) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        happenings.tell("lead_captured", contact=None, form=None)


@pytest.mark.parametrize(
    ("name", "facts"),
    [("lead_lost", {"contact": 1}), ("lead_captured", {"contact": 1}), ("lead_captured", {"a": 1})],
)
def test_nothing_else_can_be_told(name: str, facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=name):
        happenings.tell(name, **facts)
    assert "lead_lost" not in happenings.HAPPENINGS
    with pytest.raises(ValueError, match="lead_lost"):
        happenings.listen("lead_lost")
