"""Timer: ticks while it is on the page, never twice at a time."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]

TIMER = """
ticks = Label(text="0")
panel.add_component(ticks)
timer = Timer(interval=0.02)
def tick(**event_args):
    ticks.text = str(int(ticks.text) + 1)
    if ticks.text == "3":
        timer.interval = 0
timer.set_event_handler("tick", tick)
"""


def count(play: Playground) -> int:
    return int(str(play.run("result = ticks.text")))


def test_ticks_until_the_interval_is_0(play: Playground) -> None:
    play.run(TIMER + "panel.add_component(timer)")
    expect(play.page.get_by_text("3", exact=True)).to_be_visible()
    play.page.wait_for_timeout(100)
    assert count(play) == 3


def test_does_not_tick_off_the_page(play: Playground) -> None:
    play.run(TIMER)
    play.page.wait_for_timeout(100)
    assert count(play) == 0
    play.run("panel.add_component(timer)")
    expect(play.page.get_by_text("3", exact=True)).to_be_visible()
    play.run("timer.interval = 0.01; timer.remove_from_parent(); ticks.text = '10'")
    play.page.wait_for_timeout(60)
    assert count(play) == 10


def test_stops_and_starts(play: Playground) -> None:
    play.run(TIMER + "timer.stop(); panel.add_component(timer)")
    play.page.wait_for_timeout(60)
    assert count(play) == 0
    play.run("timer.start()")
    expect(play.page.get_by_text("3", exact=True)).to_be_visible()


def test_a_slow_handler_is_not_called_again_before_it_ends(play: Playground) -> None:
    play.run(
        """
        import time
        state = {"running": 0, "most": 0, "ticks": 0}
        def slow(**event_args):
            state["running"] += 1
            state["most"] = max(state["most"], state["running"])
            time.sleep(0.05)
            state["running"] -= 1
            state["ticks"] += 1
        timer = Timer(interval=0.01)
        timer.set_event_handler("tick", slow)
        panel.add_component(timer)
        """
    )
    play.page.wait_for_timeout(300)
    play.run("timer.interval = 0")
    state = play.run("result = state")
    assert state["most"] == 1
    assert state["ticks"] >= 3


def test_says_what_an_interval_cannot_be(play: Playground) -> None:
    error = play.fails("Timer(interval='often')")
    message = "Timer.interval must be a number of seconds (0 for never), not 'often'"
    assert error == f"TypeError: {message}"
