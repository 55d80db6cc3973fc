from ._anvil_designer import AdminLayoutTemplate

from anvil import handle
from anvil.js import window

from m3._Components.NavigationLink import NavigationLink

from ... import appearance, navigation_helpers, session
from ...navigation_groups import GROUPS, OTHER_ITEMS


class AdminLayout(AdminLayoutTemplate):
    """What everyone who works here sees around a page: the menu, the business's name, the account.

    The menu has what MB 2.2 lists; a destination shows if its feature is switched on and the
    user has its permission, and a group's heading shows if any of its destinations does.
    """

    def __init__(self, **properties):
        self.nav_names = [item[0] for group in GROUPS for item in group[1]]
        self.init_components(**properties)
        self._add_other_items()
        self._build_navigation()

    def _add_other_items(self):
        """The menu of an app that depends on this one."""
        self.other_items.visible = bool(OTHER_ITEMS)
        for name, text, icon, path, permission in OTHER_ITEMS:
            link = NavigationLink(text=text, icon=icon)
            link.visible = not permission or session.may(permission)
            navigation_helpers.connect_link(link, path)
            self.other_items.add_component(link)
            setattr(self, "nav_" + name, link)
            self.nav_names.append(name)

    def _build_navigation(self):
        user = session.user()
        self.show_brand()
        self.item_site.visible = not session.config()["is_closed"]
        self.dom_nodes["bar_title"].textContent = ""
        self.menu_user.user_name = user["name"] or user["email"] if user else ""
        for _, items in GROUPS:
            for name, path, _, _ in items:
                navigation_helpers.connect_link(getattr(self, "nav_" + name), path)
        self.show_destinations()

    def show_brand(self):
        """Show the business's name and logo. Called again when they change."""
        self.dom_nodes["brand"].textContent = session.business()["business_name"]
        appearance.draw_mark(self.dom_nodes["mark"])

    def show_destinations(self):
        """Show what is switched on and allowed. Called again when that changes."""
        for heading, items in GROUPS:
            shown = 0
            for name, _, feature, permission in items:
                visible = (not feature or session.has_feature(feature)) and (
                    not permission or session.may(permission)
                )
                if OTHER_ITEMS and name != "settings":
                    visible = False
                getattr(self, "nav_" + name).visible = visible
                shown += visible
            if heading:
                getattr(self, heading).visible = shown > 0

    @handle("item_account", "click")
    def item_account_click(self, **event_args):
        navigation_helpers.go("/app/me")

    @handle("item_mode", "click")
    def item_mode_click(self, **event_args):
        appearance.toggle_mode()

    @handle("item_site", "click")
    def item_site_click(self, **event_args):
        window.location.assign("/")

    @handle("item_log_out", "click")
    def item_log_out_click(self, **event_args):
        navigation_helpers.log_out()
