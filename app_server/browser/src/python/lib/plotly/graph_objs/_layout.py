"""Where the server's Plotly has the class: values that it sends name this module."""

from plotly.graph_objs import Layout as Layout
