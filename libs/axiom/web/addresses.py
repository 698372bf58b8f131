"""Which addresses and hosts may be asked when a URL comes from outside. Pure.

The risk is server-side request forgery: https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from axiom.errors import Permanent

SCHEME_PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Permanent):
    """A URL or address that must not be asked; the message says which and why."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet: not loopback, private, link-local, reserved.

    An IPv6 address that stands for an IPv4 one (mapped, NAT64) is judged as that one; tunnels (6to4,
    Teredo) are refused.

    >>> is_public("8.8.8.8"), is_public("169.254.169.254"), is_public("::ffff:127.0.0.1")
    (True, False, False)
    """
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.sixtofour is not None or parsed.teredo is not None:
            return False
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed in NAT64:
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed.is_global and not parsed.is_multicast


def check_url(url: str, allowed_hosts: Collection[str]) -> None:
    """Let a URL through that may be asked.

    `allowed_hosts`: a URL's host must be one of these or below one (`example.com` lets `feeds.example.com`
    in), at its scheme's own port; an entry `host:port` allows that host at that port.

    Raises:
        Refused: another scheme, a user name, an address in place of a name, a host or port that is not
            on the list.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused(f"{url[:100]!r} is no URL: {error}") from error
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme not in SCHEME_PORTS:
        raise Refused(f"{url[:100]!r}: only http and https are fetched")
    if parts.username is not None or parts.password is not None:
        raise Refused(f"a URL of {host} carries a user name: leave it out")
    if _is_address(host):
        raise Refused(f"{host} is an address: only names are asked")
    if port not in (None, SCHEME_PORTS[parts.scheme]):
        if f"{host}:{port}" not in allowed_hosts:
            raise Refused(f"{host}:{port} is not on the allow-list")
    elif not any(host == name or host.endswith(f".{name}") for name in allowed_hosts):
        raise Refused(f"host {host or '(none)'} is not on the allow-list")


def _is_address(host: str) -> bool:
    """Also in the odd forms that name services take for addresses: `2130706433`, `0x7f.1`."""
    last = host.rsplit(".", 1)[-1]
    return ":" in host or last.isdigit() or last.startswith("0x")
