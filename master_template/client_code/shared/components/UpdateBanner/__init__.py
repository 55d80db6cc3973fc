from ._anvil_designer import UpdateBannerTemplate

from anvil import handle

from ... import api, navigation_helpers, session, update_texts

PATH = "/app/settings/updates"


class UpdateBanner(UpdateBannerTemplate):
    """Above a page: there is a newer version. Calm, unless it is critical; nothing for those who
    may not see the settings, and not on the page of updates itself."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.draw()

    def draw(self):
        """Show what the session knows. Called again when that changes."""
        notice = session.update_notice()
        nodes = self.dom_nodes
        nodes["bar"].hidden = notice is None or navigation_helpers.current_path() == PATH
        if notice is None:
            return
        is_critical = notice["kind"] == "critical"
        nodes["bar"].classList.toggle("critical", is_critical)
        nodes["icon"].setAttribute("name", "warning" if is_critical else "info")
        nodes["headline"].textContent = update_texts.headline(notice)
        nodes["detail"].textContent = update_texts.detail(notice)
        self.btn_dismiss.visible = notice["may_dismiss"]

    @handle("btn_more", "click")
    def btn_more_click(self, **event_args):
        navigation_helpers.go(PATH)

    @handle("btn_dismiss", "click")
    def btn_dismiss_click(self, **event_args):
        notice = session.update_notice()
        if notice is None:
            return
        try:
            api.call_quietly("dismiss_update", notice["version"])
            session.refresh()
        except api.ApiError as error:
            self.dom_nodes["detail"].textContent = error.message
            return
        self.draw()
