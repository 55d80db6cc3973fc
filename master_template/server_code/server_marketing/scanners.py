"""Machines that open mails and follow links, told apart from people.

Spam filters fetch everything in a mail before its recipient sees it; Apple's mail program has every
picture loaded by a proxy, read or not. Counted as people they would make every rate meaningless, so
each event says whether it was one of them and why. What cannot be told counts as a person.

Sources: Apple, "Mail Privacy Protection & Privacy" (its proxy calls itself ``Mozilla/5.0`` and
nothing else) and https://mask-api.icloud.com/egress-ip-ranges.csv; Google, "Image caching in Gmail"
and https://developers.google.com/search/docs/crawling-indexing/google-common-crawlers; Barracuda
Campus, "Email Gateway Defense IP ranges"; Proofpoint and Mimecast by the networks registered to
them (ARIN, RIPE); RFC 9110 section 9.3.2 (HEAD); the Fetch standard on ``Sec-Purpose``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

# Words in what a client calls itself, in lower case, and how a report calls the machine.
_AGENTS: tuple[tuple[str, str], ...] = (
    ("barracuda", "Barracuda"),
    ("proofpoint", "Proofpoint"),
    ("mimecast", "Mimecast"),
    ("ironport", "Cisco Secure Email"),
    ("ciscosecureemail", "Cisco Secure Email"),
    ("fortimail", "FortiMail"),
    ("fortiguard", "FortiGuard"),
    ("trendmicro", "Trend Micro"),
    ("tmes", "Trend Micro"),
    ("symantec", "Symantec"),
    ("messagelabs", "Symantec"),
    ("sophos", "Sophos"),
    ("bitdefender", "Bitdefender"),
    ("kaspersky", "Kaspersky"),
    ("fireeye", "Trellix"),
    ("trellix", "Trellix"),
    ("zscaler", "Zscaler"),
    ("forcepoint", "Forcepoint"),
    ("avanan", "Check Point"),
    ("checkpoint", "Check Point"),
    ("vadesecure", "Vade"),
    ("spamhaus", "Spamhaus"),
    ("rspamd", "rspamd"),
    ("spamassassin", "SpamAssassin"),
    ("safelinks", "Microsoft Safe Links"),
    ("skypeuripreview", "Microsoft Teams"),
    ("bingpreview", "Microsoft Bing"),
    ("google-safety", "Google Safe Browsing"),
    ("google-read-aloud", "Google"),
    ("urlscan", "urlscan.io"),
    ("virustotal", "VirusTotal"),
    ("headlesschrome", "a headless browser"),
    ("phantomjs", "a headless browser"),
    ("puppeteer", "a headless browser"),
    ("playwright", "a headless browser"),
    ("slackbot", "Slack"),
    ("twitterbot", "X"),
    ("facebookexternalhit", "Facebook"),
    ("linkedinbot", "LinkedIn"),
    ("whatsapp/", "WhatsApp's preview"),
    ("telegrambot", "Telegram's preview"),
    ("discordbot", "Discord"),
    ("python-requests", "a script"),
    ("python-urllib", "a script"),
    ("python-httpx", "a script"),
    ("aiohttp", "a script"),
    ("curl/", "a script"),
    ("wget/", "a script"),
    ("go-http-client", "a script"),
    ("okhttp", "a script"),
    ("java/", "a script"),
    ("libwww-perl", "a script"),
    ("node-fetch", "a script"),
    ("axios/", "a script"),
)
_BOT = re.compile(r"bot\b|crawler|spider|scanner|linkcheck|urldefense|monitor(?:ing)?/", re.I)
APPLE = "Apple Mail Privacy Protection"
# Networks from which these companies' filters work.
_NETWORKS: tuple[tuple[str, str], ...] = (
    ("17.0.0.0/8", APPLE),
    ("64.235.144.0/20", "Barracuda"),
    ("209.222.80.0/21", "Barracuda"),
    ("67.231.144.0/20", "Proofpoint"),
    ("148.163.128.0/19", "Proofpoint"),
    ("205.220.160.0/19", "Proofpoint"),
    ("91.220.42.0/24", "Mimecast"),
    ("195.130.217.0/24", "Mimecast"),
    ("207.211.30.0/24", "Mimecast"),
)
_PARSED = tuple((ipaddress.ip_network(network), name) for network, name in _NETWORKS)

# Nobody reads a mail in this time from its being taken by a mail server.
TOO_SOON = timedelta(seconds=1)
# Nobody follows this many links of one mail in this time.
BURST, BURST_LINKS = timedelta(seconds=3), 3
# Around a machine's visit to the hidden link, what else came is the machine's too.
TRAP_WINDOW = timedelta(seconds=60)


def find_scanner(
    *,
    method: str,
    headers: Mapping[str, str],
    address: str,
    sent_at: datetime | None,
    now: datetime,
) -> str:
    """Which machine asks, in words, or '' where it may be a person.

    ``headers`` have their names in lower case. Google's and Yahoo's proxies fetch a picture when
    the mail is looked at, so behind them stands a person.
    """
    agent = headers.get("user-agent", "").strip()
    if method == "HEAD":
        return "a link checker (HEAD)"
    if "prefetch" in f"{headers.get('sec-purpose', '')} {headers.get('purpose', '')}".lower():
        return "a browser's prefetch"
    if not agent:
        return "a client without a name"
    if agent == "Mozilla/5.0":
        return APPLE
    known = find_agent(agent)
    if known:
        return known
    network = find_network(address)
    if network:
        return network
    if sent_at is not None and now - sent_at <= TOO_SOON:
        return "too soon for a person"
    return ""


def find_agent(agent: str) -> str:
    """Whose machine calls itself so, or ''."""
    lowered = agent.lower()
    for words, name in _AGENTS:
        if words in lowered:
            return name
    if "googleimageproxy" in lowered or "yahoomailproxy" in lowered:
        return ""
    return "a robot" if _BOT.search(agent) else ""


def find_network(address: str) -> str:
    """Whose network an address belongs to, or ''."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return ""
    for network, name in _PARSED:
        if parsed in network:
            return name
    return ""
