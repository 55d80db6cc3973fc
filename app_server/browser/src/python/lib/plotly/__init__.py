"""What of Plotly's Python an app in the browser has: `plotly.graph_objects`."""

from plotly import graph_objects, graph_objs

__all__ = ["graph_objects", "graph_objs"]
