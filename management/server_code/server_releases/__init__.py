"""Published versions of the template, and telling tenants of them."""
