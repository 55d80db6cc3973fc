from ._anvil_designer import AccessEditorTemplate

from anvil import handle

from ...shared import api, form_fields, formatting
from ..permission_areas import AREAS, ROLE_TEXTS, permissions_of_area

COMPONENTS = {"email": "txt_email", "role": "dd_role"}


class AccessEditor(AccessEditorTemplate):
    """In a dialog: the role and the permissions of someone who works here (`user`), or of someone
    who is to be invited (without one). `choices` is an answer of `list_users`.

    The dialog closes with the address it was about once the server has taken it.
    """

    def __init__(self, choices=None, user=None, **properties):
        self.choices = choices
        self.user = user
        self.role = user["role"] if user else choices["roles_to_give"][-1]
        usual = choices["role_permissions"][self.role]
        self.granted = set(user["permissions"] if user else usual)
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        self.txt_email.visible = user is None
        self.dom_nodes["email"].hidden = user is None
        self.dom_nodes["email"].textContent = user["email"] if user else ""
        roles = [role for role in choices["roles_to_give"]]
        if self.role not in roles:
            roles.insert(0, self.role)
        self.dd_role.items = [(formatting.ROLE_NAMES[role], role) for role in roles]
        self.dd_role.selected_value = self.role
        self.btn_save.text = "Save" if user else "Send the invitation"
        self._draw()

    @handle("", "show")
    def form_show(self, **event_args):
        if self.user is None:
            self.txt_email.focus()

    def _draw(self):
        self.dd_role.supporting_text = self.dd_role.tag = ROLE_TEXTS[self.role]
        self.rp_areas.items = [self._area(*area) for area in AREAS]
        self._draw_difference()

    def _area(self, area, title, text):
        """The item of one PermissionRow."""
        boxes = []
        for name in permissions_of_area(area):
            is_on = name in self.granted
            # What one lacks oneself can be taken away, but not given.
            may_change = is_on or name in self.choices["permissions_to_give"]
            boxes.append({"on": is_on, "may_change": may_change})
        return {
            "area": area,
            "title": title,
            "text": text,
            "view": boxes[0],
            "manage": boxes[1] if len(boxes) > 1 else None,
            "changed": self._area_changed,
        }

    def _area_changed(self, area, may_view, may_manage):
        for name, is_on in ((area + ".view", may_view), (area + ".manage", may_manage)):
            if is_on and name in permissions_of_area(area):
                self.granted.add(name)
            else:
                self.granted.discard(name)
        self._draw_difference()

    def _draw_difference(self):
        usual = set(self.choices["role_permissions"][self.role])
        differs = usual != self.granted
        name = formatting.ROLE_NAMES[self.role].lower()
        self.dom_nodes["difference"].textContent = (
            "Differs from what the role {} usually has.".format(name)
            if differs
            else "As usual for the role {}.".format(name)
        )
        self.btn_reset.visible = differs

    @handle("dd_role", "change")
    def dd_role_change(self, **event_args):
        form_fields.clear_error(self.dd_role)
        if self.dd_role.selected_value:
            self.role = self.dd_role.selected_value
            self.btn_reset_click()

    @handle("btn_reset", "click")
    def btn_reset_click(self, **event_args):
        self.granted = set(self.choices["role_permissions"][self.role])
        self._draw()

    @handle("txt_email", "change")
    def txt_email_change(self, **event_args):
        form_fields.clear_error(self.txt_email)

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=None)

    def _own_permissions(self):
        """Every permission with yes or no; the server keeps what differs from the role."""
        names = [name for area in AREAS for name in permissions_of_area(area[0])]
        return dict((name, name in self.granted) for name in names)

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_save.enabled = False
        email = self.user["email"] if self.user else (self.txt_email.text or "").strip()
        try:
            if self.user:
                api.call(
                    "change_user_access",
                    self.user["user_id"],
                    self.role,
                    self._own_permissions(),
                    self.user["version"],
                )
            else:
                api.call("invite_user", email, self.role, self._own_permissions())
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        finally:
            self.btn_save.enabled = True
        self.raise_event("x-close-alert", value=email)
