"""Outgoing e-mail: ``anvil.email.send`` (see ``app_server.native.email``) and mail of Users."""

from app_server.email.message import Email, parse_addresses
from app_server.email.service import send_email

__all__ = ["Email", "parse_addresses", "send_email"]
