"""How every mail looks: the business's name and colour around the words of a template.

Tables and inline styles, because that is what mail programs agree on. Nothing is loaded from
anywhere, so that nothing is blocked and nobody is tracked.
"""

from __future__ import annotations

import re
from html import escape, unescape

import nh3

from ..server_shared.config import Business
from ..server_site.colours import palette
from .template_language import Block, inline_html, inline_text, read_blocks, unescape_markup

_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_STYLES = {
    "paragraph": f"margin:0 0 16px;{_FONT};font-size:16px;line-height:1.55;color:#1d2321",
    "heading": f"margin:0 0 16px;{_FONT};font-size:22px;line-height:1.3;color:#1d2321",
    "list": f"margin:0 0 16px;padding:0 0 0 20px;{_FONT};font-size:16px;line-height:1.55;"
    "color:#1d2321",
}
# Programs that show mails dark by themselves leave those alone that say they can do both.
_HEAD = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
<style>@media(prefers-color-scheme:dark){{.ground{{background:#141816!important}}
.card{{background:#1d2320!important;border-color:#323a36!important}}
.ink,.ink p,.ink li,.ink h1{{color:#e9ece9!important}}.ink a.plain{{color:{link_dark}!important}}
.soft{{color:#a9b3ae!important}}}}</style></head>"""


def html_of(subject: str, markup: str, business: Business) -> str:
    """A mail's HTML."""
    colours = palette(business.primary_color, business.accent_color)
    head = _HEAD.format(
        language=escape(business.locale.split("-")[0]),
        title=escape(subject),
        link_dark=colours["primary_dark"],
    )
    content = "\n".join(_block_html(block, colours) for block in read_blocks(markup))
    name = escape(business.business_name)
    footer = " &middot; ".join(
        escape(part) for part in (business.business_name, business.email, business.phone) if part
    )
    return f"""{head}
<body class="ground" style="margin:0;padding:0;background:#f1efe9">
<table role="presentation" class="ground" width="100%" cellpadding="0" cellspacing="0" \
style="background:#f1efe9"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px">
<tr><td style="padding:0 4px 16px"><span style="display:inline-block;padding:6px 14px;\
border-radius:999px;background:{colours["primary"]};color:{colours["on_primary"]};{_FONT};\
font-size:15px;font-weight:600">{name}</span></td></tr>
<tr><td class="card ink" style="background:#ffffff;border:1px solid #dedbd2;border-radius:16px;\
padding:32px 28px 20px;color:#1d2321">
{content}
</td></tr>
<tr><td class="soft" style="padding:16px 4px 0;{_FONT};font-size:13px;line-height:1.5;\
color:#56605c">{footer}</td></tr>
</table></td></tr></table></body></html>
"""


def _block_html(block: Block, colours: dict[str, str]) -> str:
    if block.kind == "button":
        label = escape(unescape_markup(block.lines[0]))
        address = escape(block.address)
        return f"""<p style="margin:24px 0"><a href="{address}" style="display:inline-block;\
padding:14px 26px;border-radius:999px;background:{colours["primary"]};\
color:{colours["on_primary"]};{_FONT};font-size:16px;font-weight:600;text-decoration:none">\
{label}</a></p>"""
    style = _STYLES[block.kind]
    lines = [
        inline_html(line).replace("<a ", f'<a class="plain" style="color:{colours["link"]}" ')
        for line in block.lines
    ]
    if block.kind == "heading":
        return f'<h1 style="{style}">{lines[0]}</h1>'
    if block.kind == "list":
        items = "".join(f"<li>{line}</li>" for line in lines)
        return f'<ul style="{style}">{items}</ul>'
    return f'<p style="{style}">{"<br>".join(lines)}</p>'


def text_of(markup: str, business: Business) -> str:
    """The same for programs that show plain text only."""
    parts = [_block_text(block) for block in read_blocks(markup)]
    footer = [part for part in (business.business_name, business.email, business.phone) if part]
    return "\n\n".join([*parts, "-- \n" + "\n".join(footer)]) + "\n"


def plain_text(page: str) -> str:
    """What there is to read in someone's HTML."""
    broken = re.sub(r"(?i)<(?:br|/p|/div|/h[1-6]|/li|/tr)\b[^>]*>", "\n", page)
    words = nh3.clean(broken, tags=set(), clean_content_tags={"script", "style", "title"})
    lines = [" ".join(line.split()) for line in unescape(words).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _block_text(block: Block) -> str:
    lines = [inline_text(line) for line in block.lines]
    if block.kind == "button":
        return f"{unescape_markup(block.lines[0])}:\n{block.address}"
    if block.kind == "list":
        return "\n".join(f"- {line}" for line in lines)
    if block.kind == "heading":
        return lines[0].upper()
    return "\n".join(lines)
