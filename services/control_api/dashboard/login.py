"""The login: a page that takes one of the API's tokens and opens a session with the token's role."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from http import HTTPStatus
from pathlib import Path
from string import Template

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.control_api.dashboard.guard import LOGIN
from services.control_api.dashboard.session import end_session, open_session
from services.control_api.security import Gate

_PAGE = Template((Path(__file__).parent / "static" / "login.html").read_text(encoding="utf-8"))
_WRONG = "No token of this system. `axiom token` shows both: the viewer's and the operator's."
_LONGEST = 500


def add_login(app: FastAPI, gate: Gate, root: str, pages: Collection[str]) -> None:
    """Add the routes `/login` and `/logout`. `root`: where the app is mounted; `pages`: paths to go on to."""

    async def show(request: Request) -> Response:
        return _page(root, known_page(request.query_params.get("next", ""), pages))

    async def enter(request: Request) -> Response:
        form = await request.form(max_fields=4, max_files=0)
        token, after = str(form.get("token", "")), known_page(str(form.get("next", "")), pages)
        role = gate.role_of(token.strip()[:_LONGEST])
        if role is None:
            return _page(root, after, _WRONG)
        open_session(request, role)
        return RedirectResponse(root + after, HTTPStatus.SEE_OTHER)

    async def leave(request: Request) -> Response:
        end_session(request)
        return RedirectResponse(root + LOGIN, HTTPStatus.SEE_OTHER)

    app.add_api_route(LOGIN, show, methods=["GET"], include_in_schema=False)
    app.add_api_route(LOGIN, enter, methods=["POST"], include_in_schema=False)
    app.add_api_route("/logout", leave, methods=["POST"], include_in_schema=False)


def known_page(path: str, pages: Collection[str]) -> str:
    """The path if it is one of our pages, else the first page: nobody is sent elsewhere by a link."""
    return path if path in pages else "/"


def _page(root: str, after: str, error: str = "") -> HTMLResponse:
    status = HTTPStatus.UNAUTHORIZED if error else HTTPStatus.OK
    hidden = "" if error else "hidden"
    return HTMLResponse(
        _PAGE.substitute(root=escape(root), after=escape(after), error=escape(error), hidden=hidden), status
    )
