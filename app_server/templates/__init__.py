"""Form templates: `form_template.html` and `form_template.yaml` as one JSON shape for the browser.

``read_templates`` takes the packages of an app and answers every form's template by its qualified
name, with the problems found (file, line, message). See ``shape.py`` for the JSON.
"""

from app_server.templates.package import Package, ReadTemplates, read_templates
from app_server.templates.problems import Problem, TemplateError

__all__ = ["Package", "Problem", "ReadTemplates", "TemplateError", "read_templates"]
