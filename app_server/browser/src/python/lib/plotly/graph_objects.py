"""The newer name of `plotly.graph_objs`."""

from plotly.graph_objs import *  # noqa: F403
