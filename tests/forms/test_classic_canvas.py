"""Canvas: drawing, styles, images, reset, mouse."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]

PIXEL = "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]"


def pixel(play: Playground, x: int, y: int) -> list[int]:
    return list(play.find("canvas").evaluate(PIXEL, [x, y]))


def test_draws_shapes_and_keeps_styles(play: Playground) -> None:
    play.run(
        """
        canvas = Canvas(height=100)
        panel.add_component(canvas)
        canvas.fill_style = "rgb(10, 20, 30)"
        canvas.fill_rect(0, 0, 20, 20)
        canvas.stroke_style = "#ff0000"
        canvas.line_width = 6
        canvas.begin_path()
        canvas.move_to(40, 10)
        canvas.line_to(80, 10)
        canvas.stroke()
        canvas.begin_path()
        canvas.arc(120, 50, 20)
        canvas.fill()
        """
    )
    assert pixel(play, 5, 5) == [10, 20, 30, 255]
    assert pixel(play, 60, 10) == [255, 0, 0, 255]
    assert pixel(play, 120, 50) == [10, 20, 30, 255]
    assert pixel(play, 30, 50) == [0, 0, 0, 0]
    assert play.run("result = [canvas.line_width, canvas.get_height()]") == [6, 100]
    assert play.run("result = canvas.measure_text('wide') > canvas.measure_text('w')") is True


def test_gradients_are_styles(play: Playground) -> None:
    play.run(
        """
        canvas = Canvas(height=50)
        panel.add_component(canvas)
        gradient = canvas.create_linear_gradient(0, 0, 100, 0)
        gradient.add_color_stop(0, "#000000")
        gradient.add_color_stop(1, "#0000ff")
        canvas.fill_style = gradient
        canvas.fill_rect(0, 0, 100, 50)
        """
    )
    assert pixel(play, 95, 5)[2] > 200
    assert play.run("result = canvas.fill_style is gradient") is True


def test_images_are_drawn_and_taken(play: Playground) -> None:
    play.run(
        """
        canvas = Canvas(height=60)
        panel.add_component(canvas)
        canvas.fill_style = "#00ff00"
        canvas.fill_rect(0, 0, 10, 10)
        picture = canvas.get_image()
        other = Canvas(height=60)
        panel.add_component(other)
        other.draw_image_part(picture, 0, 0, 10, 10, 40, 20, 20, 20)
        """
    )
    assert play.run("result = picture.content_type") == "image/png"
    shown = play.find("canvas").nth(1).evaluate(PIXEL, [50, 30])
    assert shown == [0, 255, 0, 255]


def test_a_new_size_clears_it_and_raises_reset(play: Playground) -> None:
    play.run(
        """
        resets = Label(text="0")
        panel.add_component(resets)
        canvas = Canvas(height=50)
        def draw(**event_args):
            resets.text = str(int(resets.text) + 1)
            canvas.fill_rect(0, 0, canvas.get_width(), canvas.get_height())
        canvas.set_event_handler("reset", draw)
        panel.add_component(canvas)
        """
    )
    expect(play.page.get_by_text("1", exact=True)).to_be_visible()
    play.run("canvas.height = 80")
    expect(play.page.get_by_text("2", exact=True)).to_be_visible()
    assert pixel(play, 5, 75) == [0, 0, 0, 255]


def test_the_mouse_tells_where_it_is(play: Playground) -> None:
    play.run(
        """
        seen = []
        canvas = Canvas(height=100)
        def pressed(x, y, button, **event_args):
            seen.append([x, y, button])
        canvas.set_event_handler("mouse_down", pressed)
        canvas.set_event_handler("mouse_move", lambda x, y, **e: seen.append([x, y]))
        panel.add_component(canvas)
        """
    )
    play.find("canvas").click(position={"x": 7, "y": 9}, button="right")
    assert play.run("result = seen") == [[7, 9], [7, 9, 3]]


def test_says_what_is_no_number(play: Playground) -> None:
    error = play.fails("Canvas().fill_rect(0, 0, 'wide', 5)")
    assert error == "TypeError: Canvas.fill_rect(): width must be a number"
    error = play.fails("Canvas().draw_image('x.png')")
    assert error == "TypeError: Must pass a Media object to draw_image() or draw_image_part()"
