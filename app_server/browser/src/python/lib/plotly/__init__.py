"""What of Plotly's Python an app in the browser has: `plotly.graph_objects`."""
