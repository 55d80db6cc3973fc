"""The page's HTML. Placeholders are filled by ``page.render_page``, already escaped."""

PAGE = """<!doctype html>
<html lang="{lang}" class="{html_class}">
<head>
<meta charset="utf-8">
<base href="/">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{meta}
<link rel="icon" href="{icon}">
<link rel="manifest" href="_/manifest.json">
<style>{splash_css}</style>
{preloads}
{extra_styles}
<link rel="stylesheet" href="{styles}">
{import_map}
{theme_css}
{extra_scripts}
{head_html}
<script type="application/json" id="anvil-boot">{boot}</script>
<script defer src="{engine}"></script>
{code}
<script defer src="{runtime}"></script>
</head>
<body>
<div id="appGoesHere"></div>
<div id="anvil-splash" role="status">
<div class="anvil-splash-mark" aria-hidden="true"></div>
<p>{name}</p>
<span class="anvil-splash-note">Loading…</span>
</div>
<noscript><p class="anvil-noscript">{name} needs JavaScript. Please switch it on in your browser,
then reload this page.</p><style>#anvil-splash{{display:none}}</style></noscript>
</body>
</html>
"""

SPLASH_CSS = """:root{{color-scheme:light dark}}
:root.anvil-light{{color-scheme:light}}
body{{margin:0}}
#anvil-splash{{position:fixed;inset:0;display:grid;place-content:center;justify-items:center;gap:8px;
font:500 18px/24px system-ui,sans-serif;color:var(--anvil-color-On-Surface,#1b1c1e);
background:var(--anvil-color-Surface,color-mix(in srgb,{primary} 5%,#fff))}}
#anvil-splash p{{margin:8px 0 0;padding:0 16px;text-align:center}}
.anvil-splash-mark{{width:40px;height:40px;border:4px solid {primary};
border-right-color:transparent;border-radius:50%;animation:anvil-splash 1s linear infinite}}
.anvil-splash-note{{font-weight:400;font-size:14px;opacity:0;
animation:anvil-note .4s 1.5s forwards}}
.anvil-noscript{{font:18px/28px system-ui,sans-serif;
max-width:36em;margin:20vh auto;padding:0 16px}}
@keyframes anvil-splash{{to{{transform:rotate(1turn)}}}}
@keyframes anvil-note{{to{{opacity:.8}}}}
@media (prefers-color-scheme:dark){{:root:not(.anvil-light) #anvil-splash{{
color:var(--anvil-color-On-Surface,#e4e3e6);
background:var(--anvil-color-Surface,color-mix(in srgb,{primary} 7%,#121214))}}
:root:not(.anvil-light) .anvil-splash-mark{{border-color:color-mix(in srgb,{primary} 60%,#fff);
border-right-color:transparent}}}}
@media (prefers-reduced-motion:reduce){{.anvil-splash-mark{{animation-duration:4s}}}}
"""
