from ._anvil_designer import InstanceRowTemplate

from master_template.shared import formatting, navigation_helpers

from .. import fleet_texts


class InstanceRow(InstanceRowTemplate):
    """One business in the list: a row on a wide screen, a card on a phone. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        instance = self.item
        self.path = "/app/fleet/" + instance["name"]
        nodes = self.dom_nodes
        nodes["row"].href = self.path
        nodes["initials"].textContent = formatting.initials(instance["title"] or instance["name"])
        nodes["title"].textContent = instance["title"] or instance["name"]
        nodes["name"].textContent = instance["name"]
        nodes["health"].textContent = fleet_texts.health_name(instance)
        nodes["health"].classList.add("mc-" + instance["health"])
        nodes["problem"].textContent = instance["problem"]
        nodes["release"].textContent = instance["release"]
        nodes["contacts"].textContent = fleet_texts.count(instance["contacts"])
        nodes["memory"].textContent = fleet_texts.size(instance["memory_bytes"])
        nodes["seen"].textContent = formatting.ago(instance["last_seen_at"]) or "Never"
        nodes["backup"].textContent = fleet_texts.backup_text(instance)
        nodes["backup"].classList.toggle("mc-late", fleet_texts.has_old_backup(instance))

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
