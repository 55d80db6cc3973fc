"""Plotly's kinds of trace: the classes of `plotly.graph_objects`.

https://plotly.com/python-api-reference/plotly.graph_objects.html (version 6, and those that
version 5 had as well).
"""

TRACES = """
Bar Barpolar Box Candlestick Carpet Choropleth Choroplethmap Choroplethmapbox Cone Contour
Contourcarpet Densitymap Densitymapbox Funnel Funnelarea Heatmap Heatmapgl Histogram Histogram2d
Histogram2dContour Icicle Image Indicator Isosurface Mesh3d Ohlc Parcats Parcoords Pie Pointcloud
Sankey Scatter Scatter3d Scattercarpet Scattergeo Scattergl Scattermap Scattermapbox Scatterpolar
Scatterpolargl Scattersmith Scatterternary Splom Streamtube Sunburst Surface Table Treemap Violin
Volume Waterfall
""".split()

# Names of Plotly's with an underscore of their own; elsewhere `a_b=1` means `a=dict(b=1)`.
WHOLE_NAMES = [
    "error_x",
    "error_y",
    "error_z",
    "paper_bgcolor",
    "plot_bgcolor",
    "copy_xstyle",
    "copy_ystyle",
    "copy_zstyle",
]
