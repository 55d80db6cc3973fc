"""Jinja templates of the public pages of marketing: forms, confirmations, recommendations, reviews.

They are plain HTML without any script, and text in a module for the reason given in
``server_site.page_templates``.
"""

from __future__ import annotations

# What all of them share: an input with its label and its fault, and a field that only programs see.
_PARTS = """\
{% macro input(field, values, faults) %}
<div>
  <label for="f-{{ field.name }}">{{ field.label }}{% if not field.required %} \
<span class="hint">(optional)</span>{% endif %}</label>
  {% if field.type == "textarea" %}
  <textarea id="f-{{ field.name }}" name="{{ field.name }}" rows="4"
    {% if faults[field.name] %}aria-invalid="true" aria-describedby="e-{{ field.name }}"{% endif %}
    >{{ values[field.name] }}</textarea>
  {% else %}
  <input id="f-{{ field.name }}" name="{{ field.name }}" type="{{ field.type }}"
    autocomplete="{{ field.autocomplete }}" value="{{ values[field.name] }}"
    {% if faults[field.name] %}aria-invalid="true" aria-describedby="e-{{ field.name }}"{% endif %}>
  {% endif %}
  {% if faults[field.name] %}<p class="fault" id="e-{{ field.name }}">{{ faults[field.name] }}</p>
  {% endif %}
</div>
{% endmacro %}
{% macro consent(text, values, faults) %}
<div>
  <label class="tick"><input type="checkbox" name="consent" value="yes"
    {% if values.consent %}checked{% endif %}
    {% if faults.consent %}aria-invalid="true" aria-describedby="e-consent"{% endif %}>
    <span>{{ text }} <a href="/privacy">Privacy policy</a></span></label>
  {% if faults.consent %}<p class="fault" id="e-consent">{{ faults.consent }}</p>{% endif %}
</div>
{% endmacro %}
{% macro trap() %}
<div class="trap" aria-hidden="true"><label>Website
  <input name="website" tabindex="-1" autocomplete="off"></label></div>
{% endmacro %}
"""

_HEAD = """\
{% extends "layout" %}
{% block title %}{{ heading }} – {{ business.business_name }}{% endblock %}
{% block head %}{% if is_private %}<meta name="robots" content="noindex">{% endif %}{% endblock %}
"""

FORM = (
    _HEAD
    + "{% block main %}"
    + _PARTS
    + """\
<section class="inner text">
  <h1>{{ heading }}</h1>
  {% if text %}<p class="lead">{{ text }}</p>{% endif %}
  {% if problem %}<p class="fault" role="alert">{{ problem }}</p>{% endif %}
  <form class="form" method="post" action="{{ path }}" novalidate>
    {% for field in fields %}{{ input(field, values, faults) }}{% endfor %}
    {{ trap() }}
    {% if consent_text %}{{ consent(consent_text, values, faults) }}{% endif %}
    <input type="hidden" name="opened" value="{{ opened }}">
    <p><button class="button">{{ button }}</button></p>
  </form>
</section>
{% endblock %}
"""
)

CONFIRM = (
    _HEAD
    + """\
{% block main %}
<section class="hero">
  <div class="inner">
    <h1>{{ heading }}</h1>
    <p class="lead">{{ text }}</p>
    <form class="actions" method="post" action="{{ path }}">
      <button class="button">{{ button }}</button>
    </form>
  </div>
</section>
{% endblock %}
"""
)
