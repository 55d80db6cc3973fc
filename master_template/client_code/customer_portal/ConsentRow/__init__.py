from ._anvil_designer import ConsentRowTemplate

from ...shared import formatting

KINDS = {
    "marketing": "News and offers by e-mail",
    "terms": "Terms",
    "privacy_policy": "Privacy policy",
}


class ConsentRow(ConsentRowTemplate):
    """What a customer agreed to or took back; `item` as `get_my_account` gives it."""

    def __init__(self, **properties):
        self.init_components(**properties)
        entry, nodes = self.item, self.dom_nodes
        what = KINDS.get(entry["kind"], entry["kind"])
        if entry["version"]:
            what += ", version " + entry["version"]
        nodes["what"].textContent = what
        said = "Agreed" if entry["is_given"] else "Taken back"
        if entry["given_by"] != "person":
            said += ", noted by us"
        nodes["said"].textContent = said + " · " + formatting.day_and_time(entry["recorded_at"])
        nodes["icon"].setAttribute("name", "check" if entry["is_given"] else "block")
