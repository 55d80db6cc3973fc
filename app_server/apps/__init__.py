"""Anvil apps on disk: what a folder holds, with its dependencies, as one immutable snapshot."""

from app_server.apps.loader import load_app
from app_server.apps.model import App, AppPackage, CodeModule, Dependency, Form, Service, Theme

__all__ = [
    "App",
    "AppPackage",
    "CodeModule",
    "Dependency",
    "Form",
    "Service",
    "Theme",
    "load_app",
]
