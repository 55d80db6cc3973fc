"""The Caddyfile: TLS for every instance, with certificates that it gets and renews itself.

Directives as in https://caddyserver.com/docs/caddyfile ; they are the same in Caddy 2.6 and later.
"""

from __future__ import annotations

from collections.abc import Sequence

from scripts.operations.deploying.facts import Console, Tenant
from scripts.operations.deploying.settings import Settings

HEAD = "# Made by `scripts/mybizz deploy`. Do not edit: change the settings there.\n"
PROXY = """\
	encode gzip
	reverse_proxy {upstream} {{
		# A server that starts anew holds visitors for a moment: nobody is refused.
		lb_try_duration 20s
		lb_try_interval 250ms
		transport http {{
			# Closed before the server closes it (75 s), so that no request meets its end.
			keepalive 60s
		}}
	}}
"""
ON_DEMAND = """\
# Any name that is an instance's gets a certificate when somebody first comes to it: the server is
# asked. A new instance, also one with a domain of its own, needs no change here.
https:// {{
	tls {{
		on_demand
	}}
{proxy}}}
"""


def make_caddyfile(
    settings: Settings, tenants: Sequence[Tenant], upstream: str, console: Console | None = None
) -> str:
    """For the embedded server one site for all names; for Anvil's servers a site each. ``upstream``
    is where the embedded one listens; Anvil's are ``app-NAME`` at the same port."""
    lines = [HEAD, "{"]
    if settings.email:
        lines.append(f"\temail {settings.email}")
    if settings.is_embedded:
        lines += ["\ton_demand_tls {", f"\t\task http://{upstream}/_/serves", "\t}"]
    lines += ["\tlog {", "\t\tformat json", "\t}", "}", ""]
    if console is not None and console.host:
        proxy = PROXY.format(upstream=f"127.0.0.1:{console.port}")
        lines.append(f"{console.host} {{\n{proxy}}}\n")
    if settings.is_embedded:
        lines.append(ON_DEMAND.format(proxy=PROXY.format(upstream=upstream)))
        return "\n".join(lines)
    _, _, port = upstream.rpartition(":")
    for tenant in tenants:
        proxy = PROXY.format(upstream=f"app-{tenant.name}:{port}")
        lines.append(f"{tenant.host} {{\n{proxy}}}\n")
    return "\n".join(lines)
