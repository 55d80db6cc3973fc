"""Every address of the app and the form that it opens.

Read by the browser and by the server alike, so it imports nothing but the names of the sections
of the settings and keeps to the browser's Python. A form's name is without the package; `:name`
in a path becomes its argument.
"""

from ..settings.sections import find_section

# Who may open a page. The server's callables decide what anyone gets to see; this only saves
# people from pages that would be empty for them.
PUBLIC = "public"
STAFF = "staff"
USER = "user"

PAGES = [
    ("/app", "dashboard.DashboardForm", STAFF),
    ("/app/dashboard", "dashboard.DashboardForm", STAFF),
    ("/app/login", "auth.LoginForm", PUBLIC),
    ("/app/signup", "auth.SignupForm", PUBLIC),
    ("/app/reset", "auth.PasswordResetForm", PUBLIC),
    ("/app/secure", "auth.SecureAccountForm", USER),
    ("/app/invitation/:token", "auth.InvitationForm", PUBLIC),
    ("/app/contacts", "customers.ContactListForm", STAFF),
    ("/app/contacts/new", "customers.ContactEditorForm", STAFF),
    ("/app/contacts/import", "customers.ContactImportForm", STAFF),
    ("/app/contacts/imports/:import_id", "customers.ContactImportForm", STAFF),
    ("/app/contacts/export", "customers.ContactExportForm", STAFF),
    ("/app/contacts/changes", "customers.BulkChangesForm", STAFF),
    ("/app/contacts/duplicates", "customers.DuplicatesForm", STAFF),
    ("/app/contacts/:contact_id", "customers.ContactDetailForm", STAFF),
    ("/app/contacts/:contact_id/edit", "customers.ContactEditorForm", STAFF),
    ("/app/contacts/:contact_id/merge/:other_id", "customers.ContactMergeForm", STAFF),
    ("/app/lead-capture", "marketing.LeadCaptureListForm", STAFF),
    ("/app/lead-capture/new", "marketing.LeadCaptureEditorForm", STAFF),
    ("/app/lead-capture/:form_id", "marketing.LeadCaptureEditorForm", STAFF),
    ("/app/tasks", "marketing.TaskListForm", STAFF),
    ("/app/tasks/new", "marketing.TaskEditorForm", STAFF),
    ("/app/tasks/rules", "marketing.TaskRulesForm", STAFF),
    ("/app/tasks/:task_id", "marketing.TaskEditorForm", STAFF),
    ("/app/marketing", "marketing.MarketingDashboardForm", STAFF),
    ("/app/marketing/reports", "marketing.MarketingReportForm", STAFF),
    ("/app/campaigns", "marketing.EmailCampaignListForm", STAFF),
    ("/app/campaigns/new", "marketing.EmailCampaignEditorForm", STAFF),
    ("/app/campaigns/:campaign_id", "marketing.EmailCampaignEditorForm", STAFF),
    ("/app/campaigns/:campaign_id/people", "marketing.CampaignPeopleForm", STAFF),
    ("/app/broadcasts", "marketing.BroadcastListForm", STAFF),
    ("/app/broadcasts/new", "marketing.EmailBroadcastForm", STAFF),
    ("/app/broadcasts/:broadcast_id", "marketing.EmailBroadcastForm", STAFF),
    ("/app/segments", "customers.SegmentManagerForm", STAFF),
    ("/app/segments/new", "customers.SegmentEditorForm", STAFF),
    ("/app/segments/:segment_id", "customers.SegmentEditorForm", STAFF),
    ("/app/sends/:source", "marketing.SendReportForm", STAFF),
    ("/app/suppressions", "marketing.SuppressionListForm", STAFF),
    ("/app/reviews", "marketing.ReviewListForm", STAFF),
    ("/app/reviews/requests", "marketing.ReviewRequestForm", STAFF),
    ("/app/referrals", "marketing.ReferralProgramForm", STAFF),
    ("/app/settings", "settings.SettingsForm", STAFF),
    ("/app/settings/:section", "settings.SettingsForm", STAFF),
    ("/app/home", "customer_portal.CustomerDashboardForm", USER),
    ("/app/account", "customer_portal.AccountForm", USER),
    ("/app/account/data", "customer_portal.MyDataForm", USER),
    ("/app/erased", "customer_portal.ErasedForm", PUBLIC),
    ("/app/me", "auth.StaffAccountForm", STAFF),
    ("/app/coming/:section", "shared.ComingForm", STAFF),
]

# Areas of the menu that a later release opens: title, and what will be there.
COMING = {
    "bookings": ("Bookings", "The calendar, the list of bookings and your opening hours"),
    "products": ("Products", "Your catalogue, with stock, variants and prices"),
    "orders": ("Orders", "Orders from your shop, from payment to delivery"),
    "rooms": ("Rooms", "Rooms, nightly stays, check-in and check-out"),
    "services": ("Services", "What people can book, with durations and prices"),
    "memberships": ("Memberships", "Plans, members and the sessions they have left"),
    "blog": ("Blog", "Posts for your website"),
    "pages": ("Pages", "The pages of your website"),
    "media": ("Media", "Pictures and files for your website"),
    "invoices": ("Invoices", "Invoices, from draft to paid"),
    "payments": ("Payments", "Every payment, refund and dispute"),
    "reports": ("Reports", "Sales, bookings, customers and stock"),
    "analytics": ("Analytics", "How your business develops, in figures"),
}


PACKAGE = "master_template"
# Packages whose forms stand in PAGES with their package's name.
_others = []


def replace_pages(package, pages, kept):
    """Let an app that depends on this one have its own pages before those of this one that it
    keeps. Said while its modules are imported; the forms in `pages` carry `package` as their name's
    first part."""
    if package not in _others:
        _others.append(package)
        PAGES[:] = pages + [page for page in PAGES if page[0] in kept]


def full_name(form):
    """The name of a form as it stands in PAGES, with its package."""
    return form if form.split(".")[0] in _others else PACKAGE + "." + form


def find_page(path):
    """(form, arguments, who) of a path, or None. A trailing slash does not matter."""
    parts = path.rstrip("/").split("/")
    for pattern, form, who in PAGES:
        arguments = _match(pattern.split("/"), parts)
        if arguments is None:
            continue
        if "section" in arguments and not _has_section(pattern, arguments["section"]):
            return None
        return form, arguments, who
    return None


def _has_section(pattern, name):
    if pattern.startswith("/app/settings/"):
        return find_section(name) is not None
    return name in COMING


def _match(wanted, parts):
    if len(wanted) != len(parts):
        return None
    arguments = {}
    for name, part in zip(wanted, parts):
        if name.startswith(":"):
            if not part:
                return None
            arguments[name[1:]] = part
        elif name != part:
            return None
    return arguments
