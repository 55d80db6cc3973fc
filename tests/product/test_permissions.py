"""Who may call what: a walk over every callable, by everyone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from master_template.server_auth import rbac
from tests.product.customers import AGREED
from tests.product.studio import CLIENT_UPLINK_KEY, Refused, Studio

ROOT = Path(__file__).resolve().parents[2]
SERVER_CODE = ROOT / "master_template" / "server_code"

# The matrix, by hand: a change of what someone may do has to be made here too.
PUBLIC = {
    "accept_invitation",
    "choose_password",
    "confirm_second_factor",
    "get_agreement_texts",
    "get_config",
    "get_invitation",
    "log_in",
    "log_out",
    "request_password_reset",
    "sign_up",
}
LOGGED_IN = {
    "begin_second_factor",
    "disable_second_factor",
    "enable_second_factor",
    "get_second_factor",
    "renew_recovery_codes",
    "agree_to_texts",
    "change_password",
    "erase_my_account",
    "export_my_data",
    "get_my_account",
    "create_my_referral_link",
    "get_my_dashboard",
    "get_my_referrals",
    "preview_my_erasure",
    "set_my_marketing_consent",
    "set_my_tracking_choice",
    "update_my_profile",
}
STAFF = {"get_dashboard"}
TRUSTED = {
    "send_email",
    "process_campaigns_now",
    "clear_lost_second_factor",
    "add_staff_user",
    "create_owner_link",
    "deliver_outbox_now",
    "send_account_mail",
    "fill_sample_data",
    "finish_upgrade",
    "put_releases",
    "report_upgrade",
    "take_upgrade_request",
    "get_callable_metrics",
    "get_encryption_status",
    "import_contacts",
    "run_bulk_changes_now",
    "reencrypt_fields",
    "set_up_instance",
    "run_schedule_now",
    "send_mails_now",
    "update_contact_from_transaction",
}
PERMITTED = {
    "marketing.manage": {
        "create_referral_code",
        "decide_referral",
        "settle_referral_reward",
        "update_referral_program",
        "create_segment",
        "delete_segment",
        "update_segment",
        "moderate_review",
        "reply_to_review",
        "send_review_request",
        "update_review_settings",
        "add_suppression",
        "decide_send",
        "lift_suppression",
        "resume_sending",
        "update_sending_limit",
        "upload_mail_image",
        "update_mail_settings",
        "send_mail_test",
        "delete_mail_image",
        "connect_brevo_reports",
        "create_lead_form",
        "delete_lead_form",
        "set_lead_form_status",
        "update_lead_form",
        "add_ready_made_campaigns",
        "archive_campaign",
        "cancel_broadcast",
        "check_campaign_triggers",
        "create_broadcast",
        "create_campaign",
        "delete_broadcast",
        "delete_campaign",
        "duplicate_broadcast",
        "duplicate_campaign",
        "enroll_contact_in_campaign",
        "pause_broadcast",
        "pause_campaign",
        "pause_enrollment",
        "resend_to_unopened",
        "resume_broadcast",
        "resume_campaign",
        "send_broadcast",
        "unenroll_contact",
        "update_broadcast",
        "update_campaign",
    },
    "marketing.view": {
        "get_referral_leaderboard",
        "get_referral_program",
        "list_referrals",
        "get_review_settings",
        "list_review_requests",
        "list_reviews",
        "export_sends",
        "get_send_report",
        "get_sending_status",
        "list_sends",
        "list_suppressions",
        "preview_mail",
        "list_merge_fields",
        "list_mail_images",
        "get_mail_settings",
        "get_lead_form",
        "get_lead_form_choices",
        "get_lead_form_stats",
        "list_lead_forms",
        "preview_lead_form",
        "count_recipients",
        "get_broadcast",
        "get_broadcast_stats",
        "export_marketing_report",
        "get_marketing_dashboard",
        "get_marketing_report",
        "get_campaign",
        "get_campaign_choices",
        "get_campaign_stats",
        "get_recipient_choices",
        "list_broadcasts",
        "list_campaign_choices",
        "list_campaigns",
        "list_enrollments",
    },
    "customers.view": {
        "count_segments",
        "get_segment",
        "get_segment_contacts",
        "get_segment_count",
        "get_segment_fields",
        "list_segments",
        "preview_segment",
        "list_lead_submissions",
        "delete_saved_view",
        "find_duplicates",
        "find_duplicates_of",
        "get_all_contacts",
        "get_contact_by_id",
        "list_saved_views",
        "save_view",
        "set_default_view",
        "get_consent_history",
        "get_contact",
        "get_contact_campaigns",
        "change_tasks",
        "complete_task",
        "get_all_tasks",
        "get_contact_tasks",
        "get_task",
        "list_task_people",
        "list_task_rules",
        "list_tasks",
        "reopen_task",
        "snooze_task",
        "get_contact_timeline",
        "get_recent_activity",
        "list_contact_tags",
        "list_contacts",
    },
    "customers.manage": {
        "add_contacts_to_segment",
        "remove_contacts_from_segment",
        "begin_contact_import",
        "delete_contact_export",
        "download_contact_export",
        "export_contacts",
        "get_contact_export",
        "list_contact_exports",
        "cancel_contact_import",
        "check_contact_import",
        "delete_contact_import",
        "download_import_problems",
        "get_contact_import",
        "list_contact_imports",
        "reread_contact_import",
        "resume_contact_import",
        "start_contact_import",
        "get_bulk_change",
        "dismiss_duplicates",
        "restore_duplicates",
        "merge_contacts",
        "preview_merge",
        "list_bulk_changes",
        "start_bulk_change",
        "stop_bulk_change",
        "undo_bulk_change",
        "add_note_to_contact",
        "create_task",
        "delete_task",
        "update_task",
        "create_contact",
        "delete_contact",
        "erase_contact",
        "export_contact_data",
        "log_contact_event",
        "restore_contact",
        "set_marketing_consent",
        "update_contact",
    },
    "settings.view": {
        "dismiss_update",
        "get_updates",
        "export_audit_log",
        "get_legal_source",
        "get_legal_texts",
        "get_policies",
        "get_profile_choices",
        "get_settings",
        "list_audit_entries",
        "list_scheduled_jobs",
        "list_scheduled_runs",
        "list_integrations",
        "list_mail_templates",
        "list_mails",
        "preview_mail_template",
        "preview_legal_text",
        "preview_policies",
        "preview_theme",
    },
    "users.view": {"get_second_factor_policy", "list_invitations", "list_users"},
    "users.manage": {
        "change_user_access",
        "change_user_scope",
        "clear_second_factor",
        "invite_user",
        "reactivate_user",
        "remove_user",
        "resend_invitation",
        "revoke_invitation",
        "suspend_user",
        "transfer_ownership",
    },
    "settings.manage": {
        "cancel_upgrade",
        "run_scheduled_job",
        "update_task_rule",
        "request_upgrade",
        "check_logo",
        "delete_integration",
        "require_second_factor",
        "reset_mail_template",
        "retry_mail",
        "send_test_mail",
        "test_integration",
        "publish_legal_text",
        "update_business_profile",
        "update_features",
        "update_integration",
        "update_mail_template",
        "update_policies",
        "update_theme",
    },
}
MAY = {
    None: set(),
    "carl": set(),
    "sam": {"customers.view"},
    "mia": {
        "customers.view",
        "customers.manage",
        "marketing.view",
        "marketing.manage",
        "settings.view",
        "users.view",
        "users.manage",
    },
    "olga": set(PERMITTED),
}
EVERYTHING = PUBLIC | LOGGED_IN | STAFF | TRUSTED | set().union(*PERMITTED.values())


def declared() -> dict[str, str]:
    """Every callable of the server code and what it needs, found by importing it all."""
    import importlib

    for file in sorted(SERVER_CODE.rglob("*.py")):
        parts = file.relative_to(SERVER_CODE).with_suffix("").parts
        importlib.import_module(".".join(("master_template", *parts)).removesuffix(".__init__"))
    from master_template.server_shared.callables import declared as specs

    return {name: spec.needs for name, spec in specs.items()}


def test_every_callable_is_in_the_matrix() -> None:
    expected = dict.fromkeys(PUBLIC, "public") | dict.fromkeys(LOGGED_IN, "logged_in")
    expected |= dict.fromkeys(STAFF, "staff") | dict.fromkeys(TRUSTED, "trusted")
    for permission, names in PERMITTED.items():
        expected |= dict.fromkeys(names, permission)
    assert declared() == expected


def test_nothing_is_registered_past_the_guard() -> None:
    """Only callables.py may use Anvil's decorator; background tasks are not for browsers."""
    found = []
    for file in SERVER_CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("callable", "register"):
                found.append(file.name)
            if isinstance(node, ast.ImportFrom) and node.module == "anvil.server":
                found += [file.name for alias in node.names if alias.name != "HttpResponse"]
    assert found == ["callables.py"]


def may_call(who: str | None, name: str) -> bool:
    """What the matrix says."""
    if name in PUBLIC:
        return True
    if name in TRUSTED or who is None:
        return False
    if name in LOGGED_IN:
        return True
    if name in STAFF:
        return who != "carl"
    return any(name in PERMITTED[permission] for permission in MAY[who])


@pytest.mark.parametrize("who", [None, "carl", "sam", "mia", "olga"])
def test_walk_over_all_callables(empty_studio: Studio, who: str | None) -> None:
    """Called without arguments: who may not is refused before anything else is looked at."""
    refusals = {}
    with empty_studio.person(who) as caller:
        for name in sorted(EVERYTHING - {"log_out"}):
            answer = caller.answer(name)
            code = answer.get("code")
            if code in ("not_authenticated", "permission_denied"):
                refusals[name] = code
    assert set(refusals) == {name for name in EVERYTHING if not may_call(who, name)}
    if who is None:
        assert {refusals[name] for name in refusals if name not in TRUSTED} == {"not_authenticated"}


def test_a_client_uplink_is_nobody(empty_studio: Studio) -> None:
    with empty_studio.uplink(CLIENT_UPLINK_KEY) as caller:
        for name in sorted(TRUSTED):
            with pytest.raises(Refused, match="permission_denied"):
                caller.call(name)
        with pytest.raises(Refused, match="not_authenticated"):
            caller.call("list_contacts")


def test_a_user_who_is_switched_off_is_nobody_at_once(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam:
        sam.call("list_contacts")
        empty_studio.query("UPDATE app.users SET status = 'suspended' WHERE role = 'staff'")
        try:
            with pytest.raises(Refused, match="not_authenticated"):
                sam.call("list_contacts")
            with empty_studio.person() as again, pytest.raises(Refused, match="disabled"):
                again.call("log_in", "sam@yogastudio.example", "correct horse battery")
        finally:
            empty_studio.query("UPDATE app.users SET status = 'active' WHERE role = 'staff'")


def test_a_users_own_permissions_add_and_take_away(empty_studio: Studio) -> None:
    own = '{"customers.manage": true, "customers.view": false, "no.such": true}'
    empty_studio.query("UPDATE app.users SET permissions = %s WHERE role = 'staff'", own)
    try:
        with empty_studio.person("sam") as sam:
            assert sam.call("create_contact", {"first_name": "A", "last_name": "B"})
            with pytest.raises(Refused, match=r"customers\.view"):
                sam.call("list_contacts")
    finally:
        empty_studio.query("UPDATE app.users SET permissions = '{}' WHERE role = 'staff'")


@pytest.mark.parametrize("role", rbac.ROLES)
def test_nothing_is_given_to_a_customer_or_taken_from_an_owner(role: str) -> None:
    every = dict.fromkeys(rbac.PERMISSIONS, role != rbac.OWNER)
    granted = rbac.permissions_of(role, every)
    if role == rbac.CUSTOMER:
        assert granted == frozenset()
    else:
        assert granted == frozenset(rbac.PERMISSIONS)


def test_sign_up_makes_a_customer_whatever_else_is_sent(empty_studio: Studio) -> None:
    person = {
        "first_name": "Eve",
        "last_name": "X",
        "email": "eve@example.com",
        "agreed": AGREED,
    }
    with empty_studio.person() as eve:
        with pytest.raises(Refused, match="invalid"):
            eve.call("sign_up", **person, password="a long password", role="owner")
        assert eve.call("sign_up", **person, password="a long password")["confirm"] is True
        with pytest.raises(Refused, match="not_confirmed"):
            eve.call("log_in", "eve@example.com", "a long password")
    found = empty_studio.query("SELECT role FROM app.users WHERE email = 'eve@example.com'")
    assert found == [("customer",)]


def test_log_in_does_not_tell_who_has_an_account(empty_studio: Studio) -> None:
    with empty_studio.person() as nobody:
        wrong = nobody.answer("log_in", "olga@yogastudio.example", "not this one")
        unknown = nobody.answer("log_in", "who@example.com", "not this one")
        known = nobody.answer("request_password_reset", "olga@yogastudio.example")
        not_known = nobody.answer("request_password_reset", "who@example.com")
    assert wrong == unknown
    assert known == not_known
