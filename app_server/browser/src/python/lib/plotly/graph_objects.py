"""The newer name of `plotly.graph_objs`."""

from plotly.graph_objs import Bar, Figure, Layout, Pie, Scatter

__all__ = ["Bar", "Figure", "Layout", "Pie", "Scatter"]
