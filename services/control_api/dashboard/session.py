"""Who is logged in, as the session's signed cookie says; what the cookie is signed with."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection

from services.control_api.security import Role
from services.control_api.settings import ApiSettings

LIFE_S = 12 * 60 * 60
_ROLE = "role"


def secret_of(settings: ApiSettings) -> str:
    """What sessions are signed with. It follows from the tokens: new tokens end every session."""
    both = settings.operator_token.get_secret_value() + settings.viewer_token.get_secret_value()
    return hmac.new(both.encode(), b"axiom dashboard sessions", hashlib.sha256).hexdigest()


def role_of(connection: HTTPConnection) -> Role | None:
    """The role that the session was opened with; None where nobody is logged in."""
    session: Mapping[str, Any] = connection.scope.get("session") or {}
    return Role.__members__.get(str(session.get(_ROLE)))


def open_session(connection: HTTPConnection, role: Role) -> None:
    """Log in. The answer's cookie carries it, signed."""
    connection.session.clear()
    connection.session[_ROLE] = role.name


def end_session(connection: HTTPConnection) -> None:
    """Log out."""
    connection.session.clear()
