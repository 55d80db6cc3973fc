"""The exceptions of ``anvil.users`` as they travel to a caller, with the texts people read.

The form code of ``anvil.users`` shows these texts as they stand.
"""

from __future__ import annotations

from app_server.errors import AnvilError


def authentication_failed(message: str = "Incorrect email address or password") -> AnvilError:
    return AnvilError(message, "anvil.users.AuthenticationFailed")


def too_many_failures() -> AnvilError:
    return AnvilError(
        "You have entered an incorrect password too many times. "
        "Please reset your password by email.",
        "anvil.users.TooManyPasswordFailures",
    )


def account_not_enabled() -> AnvilError:
    return AnvilError(
        "This account has not been enabled by an administrator", "anvil.users.AccountIsNotEnabled"
    )


def email_not_confirmed() -> AnvilError:
    return AnvilError(
        "You haven't confirmed your email address. Please check your email and click the "
        "confirmation link, or reset your password.",
        "anvil.users.EmailNotConfirmed",
    )


def user_exists() -> AnvilError:
    return AnvilError("This user already exists", "anvil.users.UserExists")


def password_not_acceptable(reason: str) -> AnvilError:
    return AnvilError(reason, "anvil.users.PasswordNotAcceptable")


def mfa_required() -> AnvilError:
    return AnvilError("MFA authentication required", "anvil.users.MFARequired")


def password_reset_requested() -> AnvilError:
    return AnvilError("Password reset requested", "anvil.users.PasswordResetRequested")


def not_enabled(method: str) -> AnvilError:
    """``method`` is a way to log in, such as ``Email/password``."""
    return AnvilError(f"{method} authentication is not enabled.")
