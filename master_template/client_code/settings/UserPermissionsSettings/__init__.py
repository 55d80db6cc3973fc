from ._anvil_designer import UserPermissionsSettingsTemplate

from anvil import Notification, alert, handle
from anvil.js import window

from ...shared import api, formatting, session
from ...shared.components.ConfirmationDialog import confirm
from ..AccessEditor import AccessEditor
from ..OwnershipDialog import OwnershipDialog
from ..ScopeEditor import ScopeEditor

PAGE_SIZE = 25
DEBOUNCE_MS = 250

# Action -> (callable, title of the question, its text, verb, what is said when it is done).
ASKED_FIRST = {
    "suspend": (
        "suspend_user",
        "Suspend {}?",
        "They are logged out everywhere at once and cannot log in until you bring them back. "
        "Their place is free for someone else.",
        "Suspend",
        "{} is suspended.",
    ),
    "remove": (
        "remove_user",
        "Remove {}?",
        "Their account is deleted for good. What they did stays, with their name.",
        "Remove",
        "{} is removed.",
    ),
    "factor": (
        "clear_second_factor",
        "Clear the second factor of {}?",
        "For someone who has lost their phone and their recovery codes. Make sure that it is they "
        "who ask: from then on their password alone opens their account.",
        "Clear it",
        "The second factor of {} is cleared.",
    ),
}


class UserPermissionsSettings(UserPermissionsSettingsTemplate):
    """The people who work here, and those who are invited to."""

    def __init__(self, **properties):
        self.offset = 0
        self.answer = None
        self._asked = 0
        self._timer = None
        self.init_components(**properties)
        self.dd_role.items = [("Any role", None)] + [
            (formatting.ROLE_NAMES[role], role) for role in ("owner", "manager", "admin", "staff")
        ]
        self.dd_status.items = [
            ("Any status", None),
            ("Active", "active"),
            ("Suspended", "suspended"),
        ]

    def load(self):
        """Read both lists and show them."""
        self.state.kind = "loading"
        self._load_users()
        self._load_invitations()
        self._load_policy()

    def _load_policy(self):
        """Whether a second factor is wanted of everyone."""
        try:
            policy = api.call_quietly("get_second_factor_policy")
        except api.ApiError:
            return  # The lists say what is wrong; the switch stays away.
        self.sw_required.selected = policy["is_required"]
        self.sw_required.enabled = session.may("settings.manage")
        self.sw_required.accessible_name = "Want a second factor of everyone who works here"
        without = policy["without"]
        self.dom_nodes["without"].textContent = (
            "{} here without one.".format(formatting.plural(without, "person is", "people are"))
            if without
            else "Everyone here has one."
        )
        self.dom_nodes["policy"].hidden = False

    @handle("sw_required", "change")
    def sw_required_change(self, **event_args):
        is_on = bool(self.sw_required.selected)
        self._say("")
        try:
            api.call("require_second_factor", is_on)
        except api.ApiError as error:
            self.sw_required.selected = not is_on
            self._say(error.message)
            return
        text = "From now on everyone here needs one." if is_on else "Everyone may choose."
        Notification(text, timeout=3).show()

    def _load_users(self):
        """Ask for the page that the filters describe; an overtaken answer is dropped."""
        self._asked += 1
        asked = self._asked
        try:
            answer = api.call_quietly(
                "list_users",
                search=(self.txt_search.text or "").strip(),
                role=self.dd_role.selected_value,
                status=self.dd_status.selected_value,
                offset=self.offset,
                page_size=PAGE_SIZE,
            )
        except api.ApiError as error:
            if asked == self._asked:
                self.rp_users.items = []
                self.dom_nodes["pager"].hidden = True
                self.state.say("error", "The list did not load", error.message, "Try again")
            return
        if asked == self._asked:
            self._show(answer)

    def _show(self, answer):
        self.answer = answer
        users, total = answer["users"], answer["total"]
        if not users and self.offset:
            self.offset = 0
            self._load_users()
            return
        is_owner = (session.user() or {}).get("role") == "owner"
        self.rp_users.items = [
            dict(
                user,
                is_owner=is_owner,
                is_restricted=answer["is_restricted"],
                act=self._act_on_user,
                is_first=place == 0,
            )
            for place, user in enumerate(users)
        ]
        self.btn_invite.visible = bool(answer["roles_to_give"])
        nodes = self.dom_nodes
        nodes["body"].hidden = False
        nodes["seats"].textContent = " · ".join(
            [
                "{} {} of {}".format(
                    formatting.ROLE_NAMES[seat["role"]], seat["taken"], seat["limit"]
                )
                for seat in answer["seats"]
                if seat["role"] != "owner"
            ]
        )
        nodes["pager"].hidden = total <= len(users)
        nodes["range"].textContent = "{} – {} of {}".format(
            self.offset + 1, self.offset + len(users), total
        )
        self.btn_previous.enabled = self.offset > 0
        self.btn_next.enabled = self.offset + len(users) < total
        if users:
            self.state.kind = "none"
        else:
            self.state.say("empty", "Nobody matches", "No one fits this search.", "Show everyone")

    def _load_invitations(self):
        try:
            invitations = api.call_quietly("list_invitations")["invitations"]
        except api.ApiError as error:
            self.dom_nodes["invitations"].hidden = False
            self.state_invitations.say(
                "error", "The invitations did not load", error.message, "Try again"
            )
            return
        self.state_invitations.kind = "none"
        self.dom_nodes["invitations"].hidden = not invitations
        self.rp_invitations.items = [
            dict(invitation, act=self._act_on_invitation, is_first=place == 0)
            for place, invitation in enumerate(invitations)
        ]

    @handle("state", "action")
    def state_action(self, **event_args):
        if self.state.kind == "empty":
            self.txt_search.text = ""
            self.dd_role.selected_value = self.dd_status.selected_value = None
        self.offset = 0
        self._load_users()

    @handle("state_invitations", "action")
    def state_invitations_action(self, **event_args):
        self._load_invitations()

    @handle("txt_search", "change")
    def txt_search_change(self, **event_args):
        if self._timer is not None:
            window.clearTimeout(self._timer)
        self._timer = window.setTimeout(self._filter, DEBOUNCE_MS)

    @handle("txt_search", "pressed_enter")
    def txt_search_pressed_enter(self, **event_args):
        self._filter()

    @handle("dd_role", "change")
    def dd_role_change(self, **event_args):
        self._filter()

    @handle("dd_status", "change")
    def dd_status_change(self, **event_args):
        self._filter()

    def _filter(self):
        self.offset = 0
        self._load_users()

    @handle("btn_previous", "click")
    def btn_previous_click(self, **event_args):
        self.offset = max(0, self.offset - PAGE_SIZE)
        self._load_users()

    @handle("btn_next", "click")
    def btn_next_click(self, **event_args):
        self.offset += PAGE_SIZE
        self._load_users()

    @handle("btn_invite", "click")
    def btn_invite_click(self, **event_args):
        if not self.answer:
            return
        editor = AccessEditor(choices=self.answer)
        sent_to = alert(editor, title="Invite someone", buttons=[], dismissible=True, large=True)
        if sent_to:
            Notification("The invitation to {} is on its way.".format(sent_to), timeout=4).show()
            self.load()

    def _act_on_user(self, action, user):
        name = user["name"] or user["email"]
        if action in ASKED_FIRST:
            call, title, text, verb, done = ASKED_FIRST[action]
            if confirm(title.format(name), text, verb, is_dangerous=True):
                self._call(call, user["user_id"], done=done.format(name))
        elif action == "reactivate":
            self._call("reactivate_user", user["user_id"], done=name + " can log in again.")
        elif action == "transfer":
            self._hand_over(user, name)
        elif self._edit(action, user, name):
            Notification("Saved.", timeout=2).show()
            self._load_users()

    def _edit(self, action, user, name):
        """Change access, or whom someone sees, in a dialog; give whether it was saved."""
        if action == "change":
            editor = AccessEditor(choices=self.answer, user=user)
            return alert(editor, title=name, buttons=[], dismissible=True, large=True)
        editor = ScopeEditor(user=user, colleagues=self.answer["users"])
        return alert(editor, title="Whom {} sees".format(name), buttons=[], dismissible=True)

    def _hand_over(self, user, name):
        title = "Make {} the owner?".format(name)
        if alert(OwnershipDialog(user=user), title=title, buttons=[], dismissible=True):
            session.refresh()
            self.raise_event("x-menu-changed")
            Notification("{} owns the business now.".format(name), timeout=4).show()
            self.load()

    def _act_on_invitation(self, action, invitation):
        if action == "resend":
            self._call(
                "resend_invitation",
                invitation["invitation_id"],
                done="A new link is on its way to {}.".format(invitation["email"]),
            )
        elif confirm(
            "Withdraw the invitation?",
            "The link that {} has got stops working.".format(invitation["email"]),
            "Withdraw",
        ):
            self._call("revoke_invitation", invitation["invitation_id"], done="Withdrawn.")

    def _call(self, name, thing_id, done):
        """Call a function that takes an id; say how it went and show the lists as they are now."""
        self._say("")
        try:
            api.call(name, thing_id)
            Notification(done, timeout=3).show()
        except api.ApiError as error:
            self._say(error.message)
        self._load_users()
        self._load_invitations()

    def _say(self, text):
        self.dom_nodes["problem_text"].textContent = text
        self.dom_nodes["problem"].hidden = not text
        if text:
            self.dom_nodes["problem"].scrollIntoView({"block": "nearest"})
