"""``stripe`` in the browser: ``stripe.checkout``."""
