"""The console's addresses, menu and permissions, in the place of the template's.

Read by the browser before any form is opened (`client_init_module`) and by the server, so it
imports nothing but the template's own lists and keeps to the browser's Python.
"""

from master_template.settings import permission_areas, sections
from master_template.shared import navigation_groups, routes
from master_template.shared.routes import STAFF

PAGES = [
    ("/app", "management.fleet.FleetForm", STAFF),
    ("/app/dashboard", "management.fleet.FleetForm", STAFF),
    ("/app/fleet", "management.fleet.FleetForm", STAFF),
    ("/app/fleet/:name", "management.fleet.InstanceForm", STAFF),
    ("/app/provision", "management.fleet.ProvisionForm", STAFF),
    ("/app/jobs", "management.jobs.JobsForm", STAFF),
    ("/app/jobs/:job_id", "management.jobs.JobForm", STAFF),
    ("/app/releases", "management.releases.ReleasesForm", STAFF),
    ("/app/releases/:version", "management.releases.ReleaseForm", STAFF),
    ("/app/alerts", "management.alerts.AlertsForm", STAFF),
    ("/app/audit", "management.commands.CommandsForm", STAFF),
    ("/app/billing", "management.billing.BillingForm", STAFF),
    ("/app/billing/plans", "management.billing.PlansForm", STAFF),
    ("/app/billing/invoices", "management.billing.InvoicesForm", STAFF),
    ("/app/billing/dunning", "management.billing.DunningForm", STAFF),
    ("/app/billing/tenants/:instance_name", "management.billing.TenantBillingForm", STAFF),
]
# What of the template's own pages there is in the console, too.
KEPT_PAGES = [
    "/app/login",
    "/app/reset",
    "/app/secure",
    "/app/invitation/:token",
    "/app/settings",
    "/app/settings/:section",
    "/app/me",
]
KEPT_SECTIONS = ["profile", "theme", "users", "integrations", "notifications", "audit"]

# Name, text, icon, path, permission.
MENU = [
    ("fleet", "Businesses", "storefront", "/app/fleet", "fleet.view"),
    ("alerts", "Alerts", "notifications", "/app/alerts", "alerts.view"),
    ("jobs", "Jobs", "checklist", "/app/jobs", "fleet.view"),
    ("releases", "Releases", "new_releases", "/app/releases", "releases.view"),
    ("billing", "Billing", "payments", "/app/billing", "billing.view"),
    ("audit", "Audit", "history", "/app/audit", "fleet.view"),
]

AREAS = [
    ("fleet", "Businesses", "Instances, their backups, upgrades and jobs"),
    ("releases", "Releases", "Versions of the template, and telling tenants of them"),
    ("alerts", "Alerts", "What is wrong, and who sees to it"),
    ("billing", "Billing", "Plans, subscriptions and invoices of tenants"),
    ("settings", "Settings", "Profile, colours and integrations of the console"),
    ("users", "People", "Who operates the platform and what they may do"),
]
ROLE_TEXTS = {
    "owner": "The founder: everything",
    "manager": "Everything but changing the settings",
    "admin": "Everything but settings and billing",
    "staff": "Operators: look at businesses, releases and alerts, and see to alerts",
}


def _install():
    routes.replace_pages("management", PAGES, KEPT_PAGES)
    navigation_groups.replace_menu(MENU)
    permission_areas.AREAS[:] = AREAS
    permission_areas.ROLE_TEXTS.update(ROLE_TEXTS)
    sections.SECTIONS[:] = [
        section for section in sections.SECTIONS if section.name in KEPT_SECTIONS
    ]


_install()
