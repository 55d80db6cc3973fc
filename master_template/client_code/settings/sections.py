"""The sections of the settings, in the order of their list.

Read by the browser and by the server alike (for the addresses), so nothing is imported before a
section is opened: each has a function that makes its component then.

A section's component is a custom component. `load()` reads what it shows and is called once, when
it stands on the page. `is_dirty()`, where it has one, says whether there is something typed that
is not saved. The event `x-menu-changed` makes the layout draw the menu anew, and
`x-heading` (`title`, `text`) replaces the heading above it, for a section with pages of its own.
"""


class Section:
    """One section: `name` is the last part of its address, `permission` what one needs to see it,
    `make` gives a new component."""

    def __init__(self, name, title, text, icon, permission, make):
        self.name = name
        self.title = title
        self.text = text
        self.icon = icon
        self.permission = permission
        self.make = make
        self.path = "/app/settings/" + name


def _profile():
    from .BusinessProfileSettings import BusinessProfileSettings

    return BusinessProfileSettings()


def _theme():
    from .ThemeCustomizationSettings import ThemeCustomizationSettings

    return ThemeCustomizationSettings()


def _features():
    from .FeatureActivationSettings import FeatureActivationSettings

    return FeatureActivationSettings()


def _users():
    from .UserPermissionsSettings import UserPermissionsSettings

    return UserPermissionsSettings()


def _integrations():
    from .IntegrationSettings import IntegrationSettings

    return IntegrationSettings()


def _notifications():
    from .NotificationSettings import NotificationSettings

    return NotificationSettings()


def _marketing_mails():
    from .MarketingMailSettings import MarketingMailSettings

    return MarketingMailSettings()


def _audit():
    from .AuditLogSettings import AuditLogSettings

    return AuditLogSettings()


def _updates():
    from .UpdateSettings import UpdateSettings

    return UpdateSettings()


def _scheduled():
    from .ScheduledTasksSettings import ScheduledTasksSettings

    return ScheduledTasksSettings()


def _policies():
    from .PolicySettings import PolicySettings

    return PolicySettings()


def _legal():
    from .LegalTextSettings import LegalTextSettings

    return LegalTextSettings()


SECTIONS = [
    Section(
        "profile",
        "Business profile",
        "Name, contact, place, time zone and currency",
        "storefront",
        "settings.view",
        _profile,
    ),
    Section(
        "theme",
        "Colours and logo",
        "How the app and your website look",
        "palette",
        "settings.view",
        _theme,
    ),
    Section(
        "features",
        "Features",
        "What appears in the menu and on your website",
        "toggle_on",
        "settings.view",
        _features,
    ),
    Section(
        "users",
        "People",
        "Who works here and what they may do",
        "group",
        "users.view",
        _users,
    ),
    Section(
        "policies",
        "Policies",
        "Cancelling, not coming, moving a booking, refunds",
        "event_busy",
        "settings.view",
        _policies,
    ),
    Section(
        "legal",
        "Legal texts",
        "Privacy policy and terms of your website",
        "gavel",
        "settings.view",
        _legal,
    ),
    Section(
        "integrations",
        "Integrations",
        "Payments, e-mail, messages, shipping and calendars of other services",
        "link",
        "settings.view",
        _integrations,
    ),
    Section(
        "notifications",
        "Notifications",
        "The words of your e-mails, and which went out",
        "mail",
        "settings.view",
        _notifications,
    ),
    Section(
        "marketing-mails",
        "Marketing e-mails",
        "What is measured, and reports on deliveries",
        "mark_email_read",
        "marketing.view",
        _marketing_mails,
    ),
    Section(
        "audit",
        "Audit log",
        "Who did what, and when",
        "history",
        "settings.view",
        _audit,
    ),
    Section(
        "scheduled",
        "Scheduled work",
        "What Mybizz does by itself, when, and what came of it",
        "schedule",
        "settings.view",
        _scheduled,
    ),
    Section(
        "updates",
        "Updates",
        "New versions of Mybizz, what they bring, and when you get them",
        "autorenew",
        "settings.view",
        _updates,
    ),
]


def find_section(name):
    """The section of this name, or None."""
    for section in SECTIONS:
        if section.name == name:
            return section
    return None
