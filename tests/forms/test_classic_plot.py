"""Plot: charts from dicts and from plotly.graph_objects, loaded when first shown."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.stub_server import answer
from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]


def test_the_charting_code_comes_with_the_first_chart(play: Playground) -> None:
    asked: list[str] = []
    play.page.on("request", lambda request: asked.append(request.url))
    play.run("plot = Plot(height=300)\npanel.add_component(plot)")
    assert [url for url in asked if "plotly" in url] == []
    play.run("plot.data = [{'type': 'bar', 'x': ['Mon', 'Tue'], 'y': [3, 5]}]")
    expect(play.find(".anvil-plot .bars .point")).to_have_count(2)
    assert len([url for url in asked if "/plotly-" in url]) >= 1


def test_figures_of_graph_objects(play: Playground) -> None:
    play.run(
        """
        import plotly.graph_objects as go
        figure = go.Figure(data=[go.Scatter(x=[1, 2, 3], y=[2, 1, 3], mode="markers")])
        figure.update_layout(title_text="Made in Python", xaxis_title="Week")
        plot = Plot(figure=figure)
        panel.add_component(plot)
        """
    )
    expect(play.find(".anvil-plot .scatterlayer .point")).to_have_count(3)
    expect(play.find(".anvil-plot .gtitle")).to_have_text("Made in Python")
    expect(play.page.get_by_role("figure", name="Made in Python")).to_be_visible()
    assert play.run("result = plot.figure.to_dict()['layout']['title']") == {
        "text": "Made in Python"
    }


def test_attributes_of_the_layout_and_redraw(play: Playground) -> None:
    play.run(
        """
        import plotly.graph_objects as go
        plot = Plot()
        panel.add_component(plot)
        plot.layout.title.text = "First"
        plot.data = go.Bar(x=[datetime.date(2026, 1, 1)], y=[1], marker_color="#ff0000")
        """
    )
    expect(play.find(".anvil-plot .gtitle")).to_have_text("First")
    bar = play.find(".anvil-plot .bars .point path")
    expect(bar).to_have_css("fill", "rgb(255, 0, 0)")
    play.run("plot.layout.title.text = 'Second'\nplot.data[0].marker.color = '#0000ff'")
    play.run("plot.redraw()")
    expect(play.find(".anvil-plot .gtitle")).to_have_text("Second")
    expect(bar).to_have_css("fill", "rgb(0, 0, 255)")


def test_a_click_tells_the_points(play: Playground) -> None:
    play.run(
        """
        seen = []
        plot = Plot(data=[{"type": "bar", "x": ["a", "b"], "y": [3, 5]}], height=300)
        plot.set_event_handler("click", lambda points, **e: seen.extend(points))
        panel.add_component(plot)
        """
    )
    bars = play.find(".anvil-plot .bars .point path")
    expect(bars).to_have_count(2)
    box = bars.nth(1).bounding_box()
    assert box
    play.page.mouse.move(box["x"] + 20, box["y"] + 20, steps=3)
    play.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    play.page.wait_for_timeout(400)  # Plotly waits whether a second click makes it a double one
    points = play.run("result = seen")
    assert [(point["curve_number"], point["x"], point["y"]) for point in points] == [(0, "b", 5)]


def test_an_image_of_it_and_more_data(play: Playground) -> None:
    play.run(
        """
        plot = Plot(data=[{"x": [1], "y": [1], "mode": "markers"}])
        panel.add_component(plot)
        image = plot.to_image(format="png", width=200, height=100)
        plot.extend_traces({"x": [[2, 3]], "y": [[2, 3]]}, [0])
        """
    )
    assert play.run("result = [image.content_type, image.length > 500]") == ["image/png", True]
    expect(play.find(".anvil-plot .scatterlayer .point")).to_have_count(3)


def test_any_kind_of_trace_by_all_of_plotly(play: Playground) -> None:
    """The charts by the small Plotly and by all of it stand beside one another."""
    play.run(
        "plot = Plot(data={'type': 'bar', 'y': [1, 2]}, height=200)\npanel.add_component(plot)"
    )
    expect(play.find(".anvil-plot .bars .point")).to_have_count(2)
    play.run(
        """
        import plotly.graph_objects as go
        from plotly.graph_objs import layout
        plot.data = [go.Heatmap(z=[[1, 2], [3, 4]], colorbar=go.heatmap.ColorBar(title_text="how"))]
        other = go.Figure(layout=go.Layout(xaxis=layout.XAxis(title=layout.xaxis.Title(text="x"))))
        other.add_histogram(x=[1, 1, 2], marker=go.histogram.Marker(color="red"))
        other.add_hline(1.5)
        other.for_each_trace(lambda trace: trace.update(opacity=0.5))
        panel.add_component(Plot(figure=other, height=200))
        """
    )
    play.page.locator(".heatmaplayer image").wait_for(timeout=15_000)
    expect(play.find(".anvil-plot .bars .point")).to_have_count(2)
    expect(play.find(".anvil-plot .xtitle")).to_have_text("x")
    expect(play.find(".anvil-plot .shapelayer path")).to_have_count(1)
    assert play.run("result = [plot.data[0].type, other.data[0].opacity]") == ["heatmap", 0.5]


def test_every_class_of_graph_objects_is_there(play: Playground) -> None:
    names = play.run(
        """
        import plotly, plotly.graph_objs as objs
        from plotly.graph_objs._sankey import Sankey
        kinds = [name for name in dir(objs) if name[0].isupper() and name != "Part"]
        made = [getattr(plotly.graph_objects, name)() for name in kinds]
        result = [len(kinds) > 50, objs.Scatter3d().type, Sankey is objs.Sankey,
                  objs.scatter.marker.Line(width=2), objs.Treemap(labels=["a"], parents=[""])]
        """
    )
    treemap = {"type": "treemap", "labels": ["a"], "parents": [""]}
    assert names == [True, "scatter3d", True, {"width": 2}, treemap]


def test_a_figure_made_on_the_server_can_be_shown(play: Playground) -> None:
    figure = {"data": [{"type": "bar", "x": ["a"], "y": [1]}], "layout": {"title": {"text": "S"}}}
    type_name = "plotly.graph_objs._figure.Figure"
    described = {"path": ["response"], "type": ["ValueType"], "typeName": type_name}
    play.server.functions["figure"] = lambda call: answer(figure, [described])
    play.run("panel.add_component(Plot(figure=anvil.server.call('figure')))")
    expect(play.find(".anvil-plot .bars .point")).to_have_count(1)
    expect(play.find(".anvil-plot .gtitle")).to_have_text("S")
