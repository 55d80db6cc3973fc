"""Jinja templates of the public pages.

They are text in a module because an App Server hands its workers Python modules and nothing else
of ``server_code``.
"""

from __future__ import annotations

LAYOUT = """\
<!doctype html>
<html lang="{{ business.locale }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{% block title %}{{ business.business_name }}{% endblock %}</title>
<meta name="description" content="{{ summary }}">
<meta name="theme-color" content="{{ colours.primary }}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="{{ icon }}">
<link rel="canonical" href="{{ origin }}{{ path }}">
<meta property="og:type" content="website">
<meta property="og:site_name" content="{{ business.business_name }}">
<meta property="og:title" content="{{ self.title() }}">
<meta property="og:description" content="{{ summary }}">
<meta property="og:url" content="{{ origin }}{{ path }}">
<meta name="twitter:card" content="summary">
<style>{{ stylesheet }}</style>
{% block head %}{% endblock %}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
  <a class="brand" href="/">{% if logo %}<img class="logo" src="{{ logo }}" alt="">
    {% else %}<span class="mark" aria-hidden="true">{{ initial }}</span>
    {% endif %}<span>{{ business.business_name }}</span></a>
  <nav aria-label="Account">
    <a class="quiet" href="/app/login">Log in</a>
    <a class="button small" href="/app/signup">Create account</a>
  </nav>
</header>
<main id="main">{% block main %}{% endblock %}</main>
<footer>
  <div class="inner">
    <p>© {{ year }} {{ business.business_name }}</p>
    <ul class="links">
    {% for name, address in social %}<li><a href="{{ address }}" rel="noopener">{{ name }}</a></li>
    {% endfor %}
      <li><a href="/privacy">Privacy policy</a></li>
      <li><a href="/terms">Terms and conditions</a></li>
      <li><a href="/policies">Booking policies</a></li>
      <li><a href="/cookies">Cookies</a></li>
    </ul>
  </div>
</footer>
{% if asks_for_cookies %}
<aside class="cookies" aria-label="Cookies">
  <p>This website uses the cookies that it needs to work. May it also use others, to count visits
    and to show maps? <a href="/privacy">Privacy policy</a></p>
  <form method="post" action="/cookies">
    <input type="hidden" name="next" value="{{ path }}">
    <button class="button plain small" name="choice" value="necessary">Only necessary</button>
    <button class="button plain small" name="choice" value="all">Accept all</button>
  </form>
</aside>
{% endif %}
</body>
</html>
"""

HOME = """\
{% extends "layout" %}
{% block head %}
<script type="application/ld+json">{{ structured }}</script>
{% endblock %}
{% block main %}
<section class="hero">
  <div class="inner">
    <h1>{{ business.tagline or business.business_name }}</h1>
    {% if business.description %}
    {% for paragraph in business.description.split("\\n\\n") %}<p class="lead">{{ paragraph }}</p>
    {% endfor %}
    {% endif %}
    <p class="actions">
      <a class="button" href="/app/signup">Create your account</a>
      <a class="button plain" href="/app/login">I have an account</a>
    </p>
  </div>
</section>
{% if business.phone or business.email or address_lines %}
<section class="inner contact" aria-labelledby="contact-title">
  <h2 id="contact-title">How to reach us</h2>
  <dl>
    {% if business.phone %}<div><dt>Telephone</dt>
      <dd><a href="tel:{{ business.phone | replace(' ', '') }}">{{ business.phone }}</a></dd></div>
    {% endif %}
    {% if business.email %}<div><dt>E-mail</dt>
      <dd><a href="mailto:{{ business.email }}">{{ business.email }}</a></dd></div>{% endif %}
    {% if address_lines %}<div><dt>Where we are</dt>
      <dd>{% for line in address_lines %}{{ line }}<br>{% endfor %}</dd></div>{% endif %}
  </dl>
</section>
{% endif %}
{% endblock %}
"""

MESSAGE = """\
{% extends "layout" %}
{% block title %}{{ heading }} – {{ business.business_name }}{% endblock %}
{% block main %}
<section class="hero">
  <div class="inner">
    <h1>{{ heading }}</h1>
    <p class="lead">{{ text }}</p>
    <p class="actions"><a class="button" href="/">To the start page</a></p>
  </div>
</section>
{% endblock %}
"""

TEXT = """\
{% extends "layout" %}
{% block title %}{{ heading }} – {{ business.business_name }}{% endblock %}
{% block main %}
<article class="inner text">
  <h1>{{ heading }}</h1>
  {% if since %}<p class="since">{{ since }}</p>{% endif %}
  {{ body }}
</article>
{% endblock %}
"""

COOKIES = """\
{% extends "layout" %}
{% block title %}Cookies – {{ business.business_name }}{% endblock %}
{% block main %}
<article class="inner text">
  <h1>Cookies</h1>
  <p>Cookies are small notes that a website leaves in your browser. Which may we leave?</p>
  <h2>Necessary</h2>
  <p>One keeps you logged in to your account, and one remembers what you choose here. Without them
    an account does not work.</p>
  <h2>Others</h2>
  <p>Cookies that count visits, or that come with maps and other content from elsewhere. They are
    set only if you accept them.</p>
  <p role="status">{{ {"all": "You have accepted all cookies.",
    "necessary": "You have accepted only the necessary cookies."}.get(choice,
    "You have not chosen yet, so only what is necessary is used.") }}</p>
  <form method="post" action="/cookies" class="actions">
    <input type="hidden" name="next" value="/cookies">
    <button class="button plain" name="choice" value="necessary">Only necessary</button>
    <button class="button plain" name="choice" value="all">Accept all</button>
  </form>
</article>
{% endblock %}
"""

# One small stylesheet; colours come from the business. Dark follows the visitor's system.
# `scheme` forces one of the two, for a preview.
STYLESHEET = """\
{% if scheme != "dark" %}
:root{--primary:{{ c.primary }};--on-primary:{{ c.on_primary }};--accent:{{ c.accent }};
--fault:#b3261e;--star:#8a5a00;
--ink:#1d2321;--soft:#56605c;--ground:#fbfaf7;--panel:#f1efe9;--line:#dedbd2;--link:{{ c.link }}}
{% endif %}
{% if not scheme %}@media(prefers-color-scheme:dark){ {% endif %}
{% if scheme != "light" %}
:root{--primary:{{ c.primary_dark }};--on-primary:#10201b;--accent:{{ c.accent_dark }};
--fault:#ffb4ab;--star:#ffc95c;
--ink:#e9ece9;--soft:#a9b3ae;--ground:#141816;--panel:#1d2320;--line:#323a36;
--link:{{ c.primary_dark }}}
{% endif %}
{% if not scheme %}}{% endif %}

*{box-sizing:border-box}
body{margin:0;font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);
background:var(--ground);min-height:100vh;min-height:100dvh;display:flex;flex-direction:column}
main{flex:1}
a{color:var(--link)}
a:focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:6px}
.inner,.bar{width:100%;max-width:68rem;margin:0 auto;padding-inline:1.25rem}
.skip{position:absolute;left:-100vw}.skip:focus{left:1rem;top:1rem;background:var(--ground);
padding:.75rem;z-index:1}
.bar{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5rem 1rem;
padding-block:1rem}
.bar nav{display:flex;align-items:center;gap:.25rem}
.brand{display:flex;align-items:center;gap:.75rem;font-weight:600;font-size:1.125rem;
color:inherit;text-decoration:none;min-height:44px;min-width:0;overflow-wrap:anywhere}
.mark{flex:none;display:grid;place-items:center;width:2.5rem;height:2.5rem;border-radius:.8rem;
background:var(--primary);color:var(--on-primary)}
.logo{flex:none;max-width:min(11rem,40vw);max-height:3rem}
.quiet{display:inline-flex;align-items:center;min-height:44px;padding-inline:.9rem;
text-decoration:none;font-weight:500}
.button{display:inline-flex;align-items:center;justify-content:center;min-height:48px;
padding:.5rem 1.5rem;border-radius:999px;background:var(--primary);color:var(--on-primary);
font-weight:600;text-decoration:none;border:1px solid var(--primary)}
.button.small{min-height:44px;padding-inline:1.1rem}
.button.plain{background:none;color:var(--link);border-color:var(--line)}
.button:hover{filter:brightness(1.06)}.button.plain:hover{background:var(--panel);filter:none}
.hero{padding-block:clamp(2.5rem,9vw,7rem)}
h1{font-size:clamp(2rem,6.5vw,3.75rem);line-height:1.12;letter-spacing:-.02em;font-weight:650;
margin:0 0 1.25rem;max-width:18ch;text-wrap:balance}
h2{font-size:1.25rem;margin:0 0 1.25rem}
.lead{font-size:clamp(1.0625rem,2.2vw,1.25rem);color:var(--soft);max-width:38em;margin:0 0 1rem;
white-space:pre-line}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:2rem 0 0}
.contact{padding-block:2.5rem 3.5rem;border-top:1px solid var(--line)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(14rem,1fr));gap:1.5rem;margin:0}
dt{font-size:.875rem;color:var(--soft)}dd{margin:0;font-size:1.0625rem;overflow-wrap:anywhere}
footer{background:var(--panel);color:var(--soft);font-size:.9375rem}
footer .inner{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.5rem 2rem;
padding-block:1.25rem}
footer p{margin:0}.links{display:flex;flex-wrap:wrap;gap:1.25rem;list-style:none;margin:0;padding:0}
.text{padding-block:2.5rem 4rem;overflow-wrap:anywhere}.text>*{max-width:44rem}
.text h1{font-size:clamp(1.75rem,5vw,2.75rem)}.text h2{margin:2.25rem 0 .75rem}
.text h3{margin:1.5rem 0 .5rem;font-size:1.0625rem}
.text li{margin-block:.4rem}.text table{border-collapse:collapse;display:block;overflow-x:auto}
.text th,.text td{padding:.5rem .75rem;border:1px solid var(--line);text-align:start}
.since{color:var(--soft);margin:-.5rem 0 2rem}
.cookies{position:sticky;bottom:0;display:flex;flex-wrap:wrap;align-items:center;
justify-content:center;gap:.75rem 2rem;padding:1rem 1.25rem;background:var(--ground);
border-top:1px solid var(--line);box-shadow:0 -4px 24px #0002}
.cookies p{margin:0;flex:1 1 20rem;max-width:44rem}
.cookies form{display:flex;flex-wrap:wrap;gap:.5rem}
.form{display:grid;gap:1.1rem;max-width:30rem;margin:1.5rem 0 0}
.form label,.form legend{font-weight:550}.form .hint{color:var(--soft);font-size:.9375rem;margin:0}
.form input:not([type=checkbox],[type=radio]),.form textarea{width:100%;min-height:48px;
margin-top:.35rem;padding:.6rem .85rem;border:1px solid var(--soft);border-radius:.7rem;
font:inherit;color:inherit;background:var(--ground)}
.form input:focus-visible,.form textarea:focus-visible{outline:3px solid var(--accent);
outline-offset:1px}.form [aria-invalid=true]{border-color:var(--fault)!important}
.form .fault{color:var(--fault);margin:.3rem 0 0;font-size:.9375rem}
.form .tick{display:flex;gap:.75rem;align-items:flex-start;font-weight:400}
.form .tick input,.stars input{width:1.35rem;height:1.35rem;margin:.15rem 0 0;flex:none;
accent-color:var(--primary)}
.trap{position:absolute;left:-100vw;width:1px;height:1px;overflow:hidden}
.stars{border:0;padding:0;margin:0}.stars label{display:flex;gap:.75rem;align-items:center;
min-height:44px;font-weight:400;cursor:pointer}.gold{color:var(--star);letter-spacing:.08em}
.reviews{list-style:none;padding:0;margin:2rem 0 0}.reviews li{padding:1.5rem 0;
border-top:1px solid var(--line);max-width:44rem}.reviews p{margin:.35rem 0;white-space:pre-line;
overflow-wrap:anywhere}.reply{margin:1rem 0 0;padding:.75rem 1rem;border-radius:.8rem;
background:var(--panel)}.score{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem 1rem}
.score strong{font-size:2.5rem;line-height:1.1}
button{font:inherit;cursor:pointer}button:focus-visible{outline:3px solid var(--accent);
outline-offset:3px}
@media(max-width:30rem){.cookies form{width:100%}.cookies .button{flex:1;padding-inline:.75rem}
.logo+span{position:absolute;left:-100vw}
.bar .button{display:none}.actions .button{width:100%}}
"""
