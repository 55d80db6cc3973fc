"""Layouts: forms whose slots other forms fill."""
