"""Customers: contacts, their timeline, and bringing them in from elsewhere."""
