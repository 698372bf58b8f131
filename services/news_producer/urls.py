"""One address for one article. Pure.

Own code, though libraries for this are kept (w3lib, url-normalize): event ids are made of the result, so it
must not change with a release of somebody else's.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

MAX_CHARS = 2000
TRACKING = re.compile(
    r"utm_.*|mc_(cid|eid)|guc(e|counter).*|_ga|_gl|yptr|[.]?tsrc|soc_(src|trk)|sr_share|cmp(id)?|ncid|"
    r"(fb|g|dc|ms|y|tw)cl(id|src)|igshid|mkt_tok|mod|taid|ito|siteid|rss|feed(name|type)?|partner|"
    r"ref(errer|_src|_url)?|source|share|at_(medium|campaign)|__source|icid|wt\.mc.*|ocid|smid|campaign_id",
    re.IGNORECASE,
)
ODD_BYTES = "surrogateescape"
PORTS = {"http": "80", "https": "443"}


def canonical_url(url: str) -> str | None:
    """The article's address without what only tells where the reader came from; None if it is no web address.

    Host in lower case without the scheme's port, no user, no fragment, no tracking parameters, the others in
    order, escapes written one way, no slash at the end.

    >>> canonical_url("HTTPS://News.Example.com:443/a/?b=2&utm_source=x&a=1#top")
    'https://news.example.com/a?a=1&b=2'
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").rstrip(".").encode("idna").decode()
        port = "" if parts.port is None else str(parts.port)
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in PORTS or not re.fullmatch(r"[a-z0-9.\-]+\.[a-z0-9\-]+", host):
        return None
    place = host if port in ("", PORTS[parts.scheme]) else f"{host}:{port}"
    path = "/".join(_escaped(segment) for segment in parts.path.split("/")).rstrip("/")
    query = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True, errors=ODD_BYTES)
        if not TRACKING.fullmatch(name)
    )
    found = urlunsplit((parts.scheme, place, path, urlencode(query, errors=ODD_BYTES), ""))
    return found if len(found) <= MAX_CHARS and "%00" not in found else None


def url_key(canonical: str) -> str:
    """What ids are made of: the same with and without TLS, `www.` and the mobile site's prefix."""
    rest = canonical.split("://", 1)[1]
    return re.sub(r"^(www|m|amp|mobile)\.(?=[^/]+\.)", "", rest)


def _escaped(segment: str) -> str:
    return quote(unquote(segment, errors=ODD_BYTES), safe=":@!$&'()*+,;=~-._", errors=ODD_BYTES)
