"""What a worker needs of an app: the ``app`` of a PROVIDE_APP message."""

from __future__ import annotations

from typing import Any

import yaml

from app_server.apps.model import App, AppPackage, Form

# From version 3 on, forms cannot be built on the server, so their templates stay here.
FIRST_VERSION_WITHOUT_SERVER_TEMPLATES = 3


def to_downlink(app: App) -> dict[str, Any]:
    """``package_name``, ``runtime_options``, ``modules``, ``server_modules``, ``forms``,
    ``scripts``, ``config`` of the app and, under ``dependency_code`` by app id, of each dependency;
    ``dependency_order`` and ``dependency_ids``. Source: ``SANITISED-KEYS`` in
    anvil.executors.downlink."""
    return {
        **_package_to_downlink(app),
        "config": app.config,
        "dependency_code": {
            d.app_id: {**_package_to_downlink(d), "config": d.config} for d in app.dependencies
        },
        "dependency_order": [d.app_id for d in app.dependencies],
        "dependency_ids": app.dependency_ids,
    }


def _package_to_downlink(package: AppPackage) -> dict[str, Any]:
    version = package.runtime_options.get("version", 0)
    with_template = version < FIRST_VERSION_WITHOUT_SERVER_TEMPLATES
    return {
        "package_name": package.package_name,
        "runtime_options": package.runtime_options,
        "modules": [module.to_json() for module in package.modules],
        "server_modules": [module.to_json() for module in package.server_modules],
        "forms": [_form_to_downlink(form, with_template) for form in package.forms],
        "scripts": [script.to_json() for script in package.scripts],
    }


def _form_to_downlink(form: Form, with_template: bool) -> dict[str, Any]:
    template: dict[str, Any] = {}
    if with_template and form.template_kind == "yaml":
        template = yaml.safe_load(form.template_text) or {}
    return {
        **template,
        "class_name": form.class_name,
        "code": form.code,
        "is_package": form.is_package,
    }
