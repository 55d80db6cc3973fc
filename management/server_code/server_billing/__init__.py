"""Billing of the tenants: plans, subscriptions through Stripe, invoices, dunning."""
