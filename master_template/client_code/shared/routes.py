"""Every address of the app and the form that it opens.

Read by the browser and by the server alike, so it imports nothing and keeps to the browser's
Python. A form's name is without the package; `:name` in a path becomes its argument.
"""

PAGES = [
    ("/app", "dashboard.DashboardForm"),
    ("/app/dashboard", "dashboard.DashboardForm"),
    ("/app/login", "auth.LoginForm"),
    ("/app/signup", "auth.SignupForm"),
    ("/app/reset", "auth.PasswordResetForm"),
    ("/app/contacts", "customers.ContactListForm"),
    ("/app/contacts/new", "customers.ContactEditorForm"),
    ("/app/contacts/:contact_id", "customers.ContactDetailForm"),
    ("/app/contacts/:contact_id/edit", "customers.ContactEditorForm"),
    ("/app/settings", "settings.SettingsForm"),
    ("/app/home", "customer_portal.CustomerDashboardForm"),
    ("/app/account", "customer_portal.AccountForm"),
    ("/app/error", "shared.ErrorForm"),
]

# Destinations of the menu that open with a later release: (address, what it will hold).
COMING = {}


def find_page(path):
    """(form, arguments) of a path, or None. A trailing slash does not matter."""
    parts = path.rstrip("/").split("/")
    for pattern, form in PAGES:
        arguments = _match(pattern.split("/"), parts)
        if arguments is not None:
            return form, arguments
    return None


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
