"""Incoming e-mail: an SMTP server that hands each message to ``@anvil.email.handle_message``."""

from app_server.email.incoming.listener import MailServer

__all__ = ["MailServer"]
