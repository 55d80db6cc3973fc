"""What people are told of releases: one place for banner and page."""

KIND_NAMES = {
    "critical": "Important fix",
    "breaking": "Works differently",
    "feature": "New",
    "fix": "Repairs",
}
KIND_TEXTS = {
    "critical": "It closes a gap that can do harm. Please install it soon.",
    "breaking": "Something works differently from then on: please read the guide first.",
    "feature": "It brings something new.",
    "fix": "It repairs what did not work well.",
}


def name_of(version):
    """`1.2.0`, without the letter that only programs need."""
    return version[1:] if version.startswith("v") else version


def headline(notice):
    """What the banner says first."""
    request = notice["request"]
    version = name_of(notice["version"])
    if request and request["state"] == "running":
        return "Version {} is being installed.".format(name_of(request["version"]))
    if request:
        return "Version {} will be installed soon.".format(name_of(request["version"]))
    if notice["kind"] == "critical":
        return "Version {} is an important fix.".format(version)
    return "Version {} of Mybizz is ready.".format(version)


def detail(notice):
    """What it says after that."""
    if notice["request"]:
        return "You can go on working; for less than a minute nothing can be saved."
    if notice["kind"] == "critical" and not notice["may_start"]:
        return "It closes a gap that can do harm. Please ask the owner to install it soon."
    return KIND_TEXTS[notice["kind"]]
