"""``stripe.checkout``: Stripe's old checkout form, which needs an account connected to Anvil."""

import anvil.server


def get_token(
    amount,
    currency,
    title=None,
    description=None,
    icon_url=None,
    billing_address=False,
    zipcode=False,
    raw=False,
    **options,
):
    """Refused, with what to do instead."""
    return anvil.server.call("anvil.private.stripe.checkout")


def charge(
    amount,
    currency,
    title=None,
    description=None,
    icon_url=None,
    billing_address=False,
    shipping_address=False,
    zipcode=False,
    **options,
):
    """Refused, with what to do instead."""
    return anvil.server.call("anvil.private.stripe.checkout")
