"""Getting from page to page, with the address bar always telling where one is.

A link goes by path (`go("/app/contacts/C-12")`) or opens a form (`navigate_to` of a
NavigationLink); either way the page that appears says by `arrive` where it lives. Back and forward
open the page of the address they come to. No page is left with something unsaved unless the
person says so (`unsaved`).
"""

import anvil.server
from anvil import get_open_form, open_form
from anvil.js import window
from m3 import navigation

from . import api, session, unsaved
from .routes import PUBLIC, STAFF, find_page, full_name

PACKAGE = "master_template."
LOGIN_FORM = PACKAGE + "auth.LoginForm"
# What the server says when a log-in is ended from elsewhere (server_auth/login_marks.py).
LOGIN_ENDED = "mybizz-login-ended"

_known = {}


def _push(address):
    """A new step in the history. Steps are numbered, so that one can be taken back."""
    _known["step"] = _known["step"] + 1
    window.history.pushState(_known["step"], "", address)


def _replace(address):
    window.history.replaceState(_known["step"], "", address)


def current_path():
    """The path in the address bar, without a query."""
    return window.location.pathname


def query():
    """The query of the address bar as a dict of texts."""
    found = {}
    for pair in window.location.search.lstrip("?").split("&"):
        name, _, value = pair.partition("=")
        if name:
            found[name] = window.decodeURIComponent(value.replace("+", " "))
    return found


def with_query(path, values):
    """A path with a query of those values that are not empty, in a fixed order."""
    pairs = []
    for name in sorted(values):
        if values[name]:
            pairs.append(name + "=" + window.encodeURIComponent(str(values[name])))
    return path + ("?" + "&".join(pairs) if pairs else "")


def replace_address(address):
    """Say in the address bar how the page looks now, without a new step in the history."""
    if address != current_path() + window.location.search:
        _replace(address)


def go(address, replace=False):
    """Go to a page of the app by its address (a path, maybe with a query)."""
    if not unsaved.may_leave():
        return
    page = find_page(address.partition("?")[0])
    if page is None:
        # A browser takes "//name" and "/\\name" for the address of another site.
        is_ours = address.startswith("/") and address[1:2] not in ("/", "\\")
        window.location.assign(address if is_ours else "/")
        return
    if address != current_path() + window.location.search:
        if replace:
            _replace(address)
        else:
            _push(address)
    _open(page)


def follow(event, address):
    """Go to a page for a click on a link, unless the person wants it in another tab."""
    if event.ctrlKey or event.metaKey or event.shiftKey or event.button:
        return
    event.preventDefault()
    go(address)


def connect_link(link, path):
    """Make a NavigationLink a real link to a page: a click opens it here, and the browser can open
    it in another tab."""
    link.url = path
    if not link.navigate_to:
        link.tag = path
        link.set_event_handler("click", _link_click)


def _link_click(sender, event=None, **event_args):
    if event is not None:
        event.preventDefault()
    go(sender.tag)


def _open(page):
    form, arguments, who = page
    user = session.user()
    if who != PUBLIC and not user:
        open_form(LOGIN_FORM, next_path=current_path() + window.location.search)
    elif who != PUBLIC and user["owes_factor"]:
        open_form(PACKAGE + "auth.SecureAccountForm")
    elif who == STAFF and not user["is_staff"]:
        navigate_to_dashboard()
    else:
        open_form(full_name(form), **arguments)
    window.scrollTo(0, 0)
    _take_focus()


def _take_focus():
    """The link that led here may be gone, and the focus with it: it goes on at the page's start."""
    document = window.document
    if document.activeElement and document.activeElement.tagName != "BODY":
        return
    main = document.querySelector("main")
    if main:
        main.tabIndex = -1
        main.focus({"preventScroll": True})


def arrive(path, title):
    """Called by each page as it opens: the address and the title of the window follow."""
    if current_path() != path and not (path == "/app/dashboard" and current_path() == "/app"):
        _push(path)
    set_title(title)


def set_title(title):
    """The title of the window: the page's and the business's name."""
    name = session.business()["business_name"]
    window.document.title = title + " – " + name if name else title
    _announce(title)


def _announce(title):
    """Tell people who hear the page where they are, as a browser does when a page loads."""
    document = window.document
    node = document.getElementById("mb-announcer")
    if node is None:
        node = document.createElement("div")
        node.id = "mb-announcer"
        node.className = "mb-live"
        node.setAttribute("role", "status")
        document.body.append(node)
    elif node.textContent != title:
        node.textContent = title


def is_open(form):
    """Whether a page is still the one that is shown. What it waited for may come too late, and
    must not change the address of the page that is there now."""
    return get_open_form() is form


def require_auth():
    """The logged-in user, or None, and then the log-in form is open."""
    user = session.user()
    if not user:
        open_form(LOGIN_FORM, next_path=current_path() + window.location.search)
        return None
    return user


def require_staff():
    """The logged-in user if they work here; otherwise None, and their own page is open."""
    user = require_auth()
    if user and not user["is_staff"]:
        navigate_to_dashboard()
        return None
    return user


def require_admin():
    """The logged-in user if they are owner, manager or admin; otherwise None, and it says so."""
    user = require_auth()
    if user and user["role"] not in ("owner", "manager", "admin"):
        open_form(
            PACKAGE + "shared.ErrorForm",
            heading="Not for your account",
            text="This page is for owners, managers and admins of the business.",
        )
        return None
    return user


def navigate_to_dashboard():
    """Open the first page of whoever is logged in."""
    user = session.user()
    if not user:
        go("/app/login")
    elif user["is_staff"]:
        go("/app/dashboard")
    else:
        go("/app/home")


def highlight_active_nav(layout, active):
    """Mark the NavigationLink `nav_<active>` of a layout, and no other."""
    for name in layout.nav_names:
        link = getattr(layout, "nav_" + name)
        selected = name == active
        if link.selected != selected:
            link.selected = selected


def log_out():
    """Log out here and go to the log-in page."""
    if not unsaved.may_leave():
        return
    api.call("log_out")
    session.refresh()
    go("/app/login")


def _history_moved(*_event):
    if _known["going_back"]:
        _known["going_back"] = False
        return
    step = window.history.state
    if not isinstance(step, (int, float)):
        step = _known["step"]  # A change of the part after "#", which is no step of ours.
    moved = step - _known["step"]
    if moved and unsaved.is_dirty():
        # The browser has moved already: back to where the person still is, then ask.
        _known["going_back"] = True
        window.history.go(-moved)
        if unsaved.may_leave():
            window.history.go(moved)
        return
    _known["step"] = step
    page = find_page(current_path())
    if page is None:
        window.location.reload()
    else:
        _open(page)


def _logged_out():
    session.refresh()
    open_form(LOGIN_FORM, next_path=current_path() + window.location.search)


def _login_ended(_payload):
    """This person was suspended or removed; the page must not stay."""
    if session.user() and not session.refresh()["user"]:
        open_form(LOGIN_FORM, next_path=current_path() + window.location.search)


def _install():
    if _known.get("installed"):
        return
    _known["installed"] = True
    _known["going_back"] = False
    step = window.history.state
    _known["step"] = step if isinstance(step, (int, float)) else 0
    _replace(current_path() + window.location.search + window.location.hash)
    window.addEventListener("popstate", _history_moved)
    api.on_logged_out(_logged_out)
    anvil.server.add_event_handler(LOGIN_ENDED, _login_ended)
    navigation.set_guard(unsaved.may_leave)


_install()
