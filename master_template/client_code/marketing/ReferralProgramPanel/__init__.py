from ._anvil_designer import ReferralProgramPanelTemplate

from anvil import handle

from ...shared import api, currencies, session
from ...shared.editing import Editor
from .. import referral_texts

SIDES = ("referrer", "friend")
TEXTS = ("heading", "text", "consent")
COMPONENTS = {
    "minimum_cents": "txt_minimum",
    "hold_days": "txt_hold_days",
    "limit_per_referrer": "txt_limit",
}
COMPONENTS.update(dict(("texts." + name, "txt_" + name) for name in TEXTS))
for _side in SIDES:
    COMPONENTS[_side + "_reward.kind"] = "dd_" + _side
    COMPONENTS[_side + "_reward.percent"] = "txt_" + _side + "_percent"
    COMPONENTS[_side + "_reward.amount_cents"] = "txt_" + _side + "_amount"
    COMPONENTS[_side + "_reward.text"] = "txt_" + _side + "_text"


def _units():
    return 10 ** currencies.minor_digits(session.business()["currency"])


def _to_cents(typed):
    """An amount as people type it in cents; what is no number stays for the server to refuse."""
    if typed is None or typed == "":
        return None
    try:
        return int(round(float(str(typed).replace(",", ".")) * _units()))
    except ValueError:
        return typed


def _to_units(cents):
    if cents is None:
        return None
    amount = cents / float(_units())
    return int(amount) if amount == int(amount) else amount


class ReferralProgramPanel(ReferralProgramPanelTemplate):
    """The rules of the programme: on or off, what each side gets, and from when."""

    def __init__(self, **properties):
        self.init_components(**properties)
        for side in SIDES:
            getattr(self, "dd_" + side).items = referral_texts.KIND_ITEMS
        self.editor = Editor(
            self,
            COMPONENTS,
            fetch=self._fetch,
            show=self._show,
            read=self._read,
            store=self._store,
            needs="marketing.manage",
            what="The programme",
            on_change=self._show_parts,
        )
        self.sw_active.enabled = self.editor.may
        self.sw_active.accessible_name = "The programme runs"

    def load(self):
        """Read the programme and show it."""
        self.editor.load()

    def _fetch(self):
        return api.call_quietly("get_referral_program")

    def _store(self, values, version):
        return api.call("update_referral_program", values, version)

    def _show(self, answer):
        program = answer["program"]
        self.sw_active.selected = program["status"] == "active"
        for side in SIDES:
            reward = program[side + "_reward"]
            getattr(self, "dd_" + side).selected_value = reward["kind"]
            getattr(self, "txt_" + side + "_percent").text = reward["percent"]
            getattr(self, "txt_" + side + "_amount").text = _to_units(reward["amount_cents"])
            getattr(self, "txt_" + side + "_text").text = reward["text"] or ""
        self.txt_minimum.text = _to_units(program["minimum_cents"])
        self.txt_hold_days.text = program["hold_days"]
        self.txt_limit.text = program["limit_per_referrer"]
        for name in TEXTS:
            getattr(self, "txt_" + name).text = program["texts"].get(name) or ""
        self.dom_nodes["feature"].hidden = session.has_feature("referrals")
        self._show_parts()

    def _read(self):
        values = {
            "status": "active" if self.sw_active.selected else "off",
            "minimum_cents": _to_cents(self.txt_minimum.text) or 0,
            "hold_days": self.txt_hold_days.text,
            "limit_per_referrer": self.txt_limit.text,
            "texts": dict(
                (name, (getattr(self, "txt_" + name).text or "").strip()) for name in TEXTS
            ),
        }
        for side in SIDES:
            values[side + "_reward"] = {
                "kind": getattr(self, "dd_" + side).selected_value,
                "percent": getattr(self, "txt_" + side + "_percent").text,
                "amount_cents": _to_cents(getattr(self, "txt_" + side + "_amount").text),
                "text": (getattr(self, "txt_" + side + "_text").text or "").strip() or None,
            }
        return values

    def _show_parts(self):
        """Of each reward the field that its kind needs."""
        for side in SIDES:
            kind = getattr(self, "dd_" + side).selected_value
            for part in ("percent", "amount", "text"):
                self.dom_nodes[side + "_" + part].hidden = kind != part

    @handle("sw_active", "change")
    def sw_active_change(self, **event_args):
        self._show_parts()
