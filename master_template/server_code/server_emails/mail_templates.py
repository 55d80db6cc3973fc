"""The mails that there are, with the words they begin with. An owner may change subject and text.

``variables`` maps each name to what it means and a sample: the editor lists them, the preview and
the check at saving fill them in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# What every template may say, filled in by the mail service itself.
COMMON_VARIABLES: dict[str, tuple[str, str]] = {
    "business_name": ("Name of the business", "Sunrise Yoga"),
    "business_email": ("Its e-mail address", "hello@yogastudio.example"),
    "business_phone": ("Its telephone number", "+27 21 555 0100"),
    "person_name": ("Name of the person who gets the mail", "Thandi Mokoena"),
}


@dataclass(frozen=True)
class MailTemplate:
    """One kind of mail. ``variables`` are those that it has besides COMMON_VARIABLES; ``required``
    must stand in its text, because it would be useless without (the link of a reset)."""

    name: str
    title: str
    when: str
    subject: str
    body: str
    variables: dict[str, tuple[str, str]] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    @property
    def samples(self) -> dict[str, str]:
        """A value for each variable."""
        every = {**COMMON_VARIABLES, **self.variables}
        return {name: sample for name, (_, sample) in every.items()}


_LINK = "https://yogastudio.example/app/link/3f9a62c1"

_ALL = (
    MailTemplate(
        name="invitation",
        title="Invitation to work here",
        when="Someone is invited to your team.",
        subject="{{ inviter_name }} invites you to {{ business_name }}",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

**{{ inviter_name }}** invites you to work with {{ business_name }} as *{{ role_name }}*.

Accept the invitation, choose a password, and you are in.

[Accept the invitation]({{ link }})

The link works once, until {{ expires_on }}. If you do not know what this is about, do nothing: \
without this click there is no account.""",
        variables={
            "inviter_name": ("Who invites", "Olga Naidoo"),
            "role_name": ("The role offered", "Manager"),
            "link": ("Where the invitation is accepted", _LINK),
            "expires_on": ("Until when it can be", "28 November 2026"),
        },
        required=("link",),
    ),
    MailTemplate(
        name="address_confirmation",
        title="Confirm an address",
        when="Someone signs up, or changes their e-mail address.",
        subject="Please confirm your e-mail address",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

someone, probably you, made an account at {{ business_name }} with this e-mail address. One click \
makes it yours.

[Confirm my e-mail address]({{ link }})

If it was not you, do nothing: without this click nobody can use the account.""",
        variables={"link": ("Where the address is confirmed", _LINK)},
        required=("link",),
    ),
    MailTemplate(
        name="password_reset",
        title="Choose a new password",
        when="Someone has forgotten their password.",
        subject="Choose a new password for {{ business_name }}",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

someone, probably you, asked for a new password for your account at {{ business_name }}.

[Choose a new password]({{ link }})

The link works once, within {{ valid_minutes }} minutes. If it was not you, do nothing: the old \
password stays as it is.""",
        variables={
            "link": ("Where the password is chosen", _LINK),
            "valid_minutes": ("How many minutes the link works", "60"),
        },
        required=("link",),
    ),
    MailTemplate(
        name="second_factor_reset",
        title="Reset of the second factor",
        when="Someone has lost what they log in with besides their password.",
        subject="Set up a new second factor",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

someone, probably you, asked to set up a new second factor for your account at \
{{ business_name }}. Your password will be asked for, and all other second factors end.

[Set up a new second factor]({{ link }})

The link works once, within {{ valid_minutes }} minutes. If it was not you, choose a new password: \
someone may know yours.""",
        variables={
            "link": ("Where the second factor is set up", _LINK),
            "valid_minutes": ("How many minutes the link works", "10"),
        },
        required=("link",),
    ),
    MailTemplate(
        name="password_changed",
        title="Password changed",
        when="Someone's password has been changed.",
        subject="Your password was changed",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

the password of your account at {{ business_name }} was changed on {{ changed_at }}.

If it was not you, choose a new one at once{% if business_email %} and tell us: \
{{ business_email }}{% endif %}.""",
        variables={"changed_at": ("When it was changed", "21 November 2026, 10:15")},
    ),
    MailTemplate(
        name="account_suspended",
        title="Account suspended",
        when="Someone of the team is suspended.",
        subject="Your account at {{ business_name }} is suspended",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

your account at {{ business_name }} has been suspended, and you have been logged out everywhere.

{% if business_email %}If you think that this is a mistake, write to {{ business_email }}.\
{% endif %}""",
    ),
    MailTemplate(
        name="lead_confirmation",
        title="Confirm a sign-up",
        when="Someone leaves their address in a form on a website.",
        subject="Please confirm: {{ form_heading }}",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

someone, probably you, left this e-mail address with {{ business_name }}: **{{ form_heading }}**.

[Yes, that was me]({{ link }})

The link works for {{ valid_days }} days. If it was not you, do nothing: without this click you \
hear no more from us.""",
        variables={
            "link": ("Where it is confirmed", _LINK),
            "form_heading": ("The heading of the form", "Ten minutes of calm, once a week"),
            "valid_days": ("How many days the link works", "7"),
        },
        required=("link",),
    ),
    MailTemplate(
        name="referral_confirmation",
        title="Confirm a recommendation",
        when="Someone follows a friend's link and leaves their address.",
        subject="Your friend's gift at {{ business_name }}",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

someone, probably you, followed a friend's recommendation to {{ business_name }}.

{% if friend_reward %}Waiting for you: **{{ friend_reward }}**.

{% endif %}[Yes, that was me]({{ link }})

The link works for {{ valid_days }} days. If it was not you, do nothing: without this click you \
hear no more from us.""",
        variables={
            "link": ("Where it is confirmed", _LINK),
            "friend_reward": ("What the friend gets", "10% off your first class"),
            "valid_days": ("How many days the link works", "7"),
        },
        required=("link",),
    ),
    MailTemplate(
        name="review_request",
        title="Ask for a review",
        when="Some days after a booking or an order is completed.",
        subject="How was {{ subject_title }}?",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

thank you for coming to {{ business_name }}. How was **{{ subject_title }}**? A few words help us, \
and others who think of coming.

[Write a review]({{ link }})

It takes a minute. We ask only once.""",
        variables={
            "link": ("Where the review is written", _LINK),
            "subject_title": ("What it is about", "Morning Flow, 14 March"),
        },
        required=("link",),
    ),
    MailTemplate(
        name="test_mail",
        title="Test mail",
        when="You press “Send a test” in the settings.",
        subject="A test from {{ business_name }}",
        body="""Hello{% if person_name %} {{ person_name }}{% endif %},

this is a test. If you can read it, mails from **{{ business_name }}** arrive.""",
    ),
)

MAIL_TEMPLATES: dict[str, MailTemplate] = {template.name: template for template in _ALL}
