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

REVIEW = (
    _HEAD
    + "{% block main %}"
    + _PARTS
    + """\
<section class="inner text">
  <h1>{{ heading }}</h1>
  <p class="lead">{{ subject_title }}</p>
  {% if problem %}<p class="fault" role="alert">{{ problem }}</p>{% endif %}
  <form class="form" method="post" action="{{ path }}" novalidate>
    <fieldset class="stars"{% if faults.rating %} aria-describedby="e-rating"{% endif %}>
      <legend>How was it?</legend>
      {% for number, word in stars %}
      <label><input type="radio" name="rating" value="{{ number }}"
        {% if values.rating == number %}checked{% endif %}>
        <span class="gold" aria-hidden="true">{{ "★" * (number | int) }}</span> {{ word }}</label>
      {% endfor %}
      {% if faults.rating %}<p class="fault" id="e-rating">Please choose from one to five stars.</p>
      {% endif %}
    </fieldset>
    {% for field in fields %}{{ input(field, values, faults) }}{% endfor %}
    <p class="hint">Your review and this name may stand on our website. See our
      <a href="/privacy">privacy policy</a>.</p>
    <p><button class="button">Send the review</button></p>
  </form>
</section>
{% endblock %}
"""
)

REVIEWS = """\
{% extends "layout" %}
{% block title %}Reviews – {{ business.business_name }}{% endblock %}
{% block head %}
{% if structured %}<script type="application/ld+json">{{ structured }}</script>{% endif %}
{% endblock %}
{% block main %}
<section class="inner text">
  <h1>Reviews</h1>
  {% if figures.count %}
  <p class="score"><strong>{{ average }}</strong> <span class="gold" role="img"
    aria-label="{{ average }} of 5 stars">{{ "★" * whole }}{{ "☆" * (5 - whole) }}</span>
    <span class="hint">{{ count_text }}</span></p>
  <ul class="reviews">
  {% for review in reviews %}
    <li>
      <p><span class="gold" role="img" aria-label="{{ review.rating | int }} of 5 stars">\
{{ "★" * (review.rating | int) }}{{ "☆" * (5 - (review.rating | int)) }}</span></p>
      {% if review.text %}<p>{{ review.text }}</p>{% endif %}
      <p class="since">{{ review.author_name }} · {{ review.day }}</p>
      {% if review.reply %}<div class="reply"><strong>{{ business.business_name }}</strong>
        <p>{{ review.reply }}</p></div>{% endif %}
    </li>
  {% endfor %}
  </ul>
  <p class="actions">
    {% if newer %}<a class="button plain" href="{{ newer }}" rel="prev">Newer</a>{% endif %}
    {% if older %}<a class="button plain" href="{{ older }}" rel="next">Older</a>{% endif %}
  </p>
  <p class="hint">Only people whom we know to have been our customers are asked for a review, and
    all of them alike. A review is hidden only if it breaks the law or has nothing to do with
    us.</p>
  {% else %}
  <p class="lead">There are no reviews yet.</p>
  {% endif %}
</section>
{% endblock %}
"""
