"""Who may do what: tokens with roles, and the names and origins that requests may come by."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from enum import IntEnum
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from services.control_api.problems import Refused
from services.control_api.settings import ApiSettings

SUBPROTOCOL = "axiom"
"""A browser's WebSocket can't send headers: it offers this protocol, and `axiom.token.TOKEN` beside it."""
_TOKEN_PROTOCOL = f"{SUBPROTOCOL}.token."
_BEARER = HTTPBearer(auto_error=False, description="A viewer's or an operator's token; see `axiom token`.")


class Role(IntEnum):
    """What a token allows; each role may do what those below it may."""

    VIEWER = 1
    OPERATOR = 2


class Gate:
    """Holds the tokens, and lets requests in."""

    def __init__(self, settings: ApiSettings) -> None:
        self._tokens = (
            (settings.operator_token.get_secret_value().encode(), Role.OPERATOR),
            (settings.viewer_token.get_secret_value().encode(), Role.VIEWER),
        )
        self._hosts = frozenset(name.lower() for name in settings.hosts)
        self._origins = frozenset(origin.rstrip("/").lower() for origin in settings.origins)

    def role_of(self, token: str) -> Role | None:
        """The role that a token gives. Takes as long for a wrong token as for a right one."""
        given = token.encode(errors="replace")
        found = [role for known, role in self._tokens if hmac.compare_digest(known, given)]
        return found[0] if found else None

    def admit(self, connection: HTTPConnection, least: Role = Role.VIEWER) -> Role:
        """The caller's role.

        Raises:
            Refused: no token, a wrong one (401), or one that does not allow this (403).
        """
        role = self.role_of(token_of(connection))
        if role is None:
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "send `Authorization: Bearer TOKEN`; `axiom token` shows the tokens",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if role < least:
            raise Refused(HTTPStatus.FORBIDDEN, f"this needs the role {least.name.lower()}")
        return role

    def refuse_strange_host(self, host: str) -> None:
        """A page of another site may have made its name point here (DNS rebinding); its `Host` tells.

        Raises:
            Refused: the name is not one of ours (421).
        """
        if _name_of(host) not in self._hosts:
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"no host {host!r:.100} is served here; AXIOM_API_HOSTS names those that are",
            )

    def refuse_strange_origin(self, origin: str | None, host: str) -> None:
        """Pages of other sites may open WebSockets to anywhere, and send the user's cookies.

        Raises:
            Refused: the origin is neither the API's own nor allowed (403). None is no browser's.
        """
        if origin is None or origin.lower() in self._origins:
            return
        parts = urlsplit(origin.lower())
        if parts.scheme not in {"http", "https"} or parts.netloc != host.lower():
            raise Refused(
                HTTPStatus.FORBIDDEN,
                f"pages of {origin!r:.100} may not use this; AXIOM_API_ORIGINS names those that may",
            )


def token_of(connection: HTTPConnection) -> str:
    """The token of a request; "" where there is none."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    for name in offered_protocols(connection):
        if name.startswith(_TOKEN_PROTOCOL):
            return name.removeprefix(_TOKEN_PROTOCOL)
    return ""


def offered_protocols(connection: HTTPConnection) -> Sequence[str]:
    """The WebSocket protocols that a client offers."""
    return [name.strip() for name in connection.headers.get("sec-websocket-protocol", "").split(",")]


def _name_of(host: str) -> str:
    """Without the port; an IPv6 address keeps its brackets."""
    name = host.lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


def _viewer(connection: HTTPConnection) -> Role:
    gate: Gate = connection.app.state.gate
    return gate.admit(connection)


def _operator(connection: HTTPConnection) -> Role:
    gate: Gate = connection.app.state.gate
    return gate.admit(connection, Role.OPERATOR)


VIEWER = (Depends(_viewer), Depends(_BEARER))
OPERATOR = (Depends(_operator), Depends(_BEARER))
Caller = Annotated[Role, Depends(_viewer)]
