"""What the kinds of releases mean to a person."""

KIND_NAMES = {
    "critical": "Critical",
    "fix": "Fix",
    "feature": "Feature",
    "breaking": "Breaking",
}
KIND_TEXTS = {
    "critical": "Tenants see it at the top of every page until they have it.",
    "fix": "Tenants see a calm notice that they can put away.",
    "feature": "Tenants see a calm notice that they can put away.",
    "breaking": "Tenants see a notice with the guide to what changes for them.",
}


def show_kind(node, kind):
    """A kind as a chip."""
    node.textContent = KIND_NAMES[kind]
    node.className = "mb-chip mc-" + kind
