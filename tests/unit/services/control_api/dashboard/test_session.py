"""Sessions follow from tokens; pages can't steer for viewers."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import pytest
from pydantic import SecretStr
from starlette.requests import HTTPConnection

from services.control_api.dashboard import steering
from services.control_api.dashboard.login import known_page
from services.control_api.dashboard.mounting import all_pages
from services.control_api.dashboard.page import Visit
from services.control_api.dashboard.session import end_session, open_session, role_of, secret_of
from services.control_api.problems import Refused
from services.control_api.reading.desk import Desk
from services.control_api.security import Role
from services.control_api.settings import ApiSettings

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def settings(viewer: str = "v" * 32, operator: str = "o" * 32) -> ApiSettings:
    return ApiSettings(viewer_token=SecretStr(viewer), operator_token=SecretStr(operator))


def test_a_new_token_ends_every_session() -> None:
    assert secret_of(settings()) == secret_of(settings())
    assert (
        len({secret_of(settings()), secret_of(settings("w" * 32)), secret_of(settings("v" * 32, "p" * 32))})
        == 3
    )


def test_a_session_holds_its_role_and_no_other() -> None:
    connection = HTTPConnection({"type": "http", "session": {}})
    assert role_of(connection) is None
    open_session(connection, Role.VIEWER)
    assert role_of(connection) is Role.VIEWER
    end_session(connection)
    assert role_of(connection) is None
    assert role_of(HTTPConnection({"type": "http", "session": {"role": "ROOT"}})) is None
    assert role_of(HTTPConnection({"type": "http"})) is None


@pytest.mark.parametrize(
    "path", ["//elsewhere.example", "https://elsewhere.example", "/nowhere", "", "/prices/../x"]
)
def test_the_login_leads_to_pages_alone(path: str) -> None:
    assert known_page(path, ["/", "/prices"]) == "/"
    assert known_page("/prices", ["/", "/prices"]) == "/prices"


def test_every_page_has_a_place_of_its_own() -> None:
    pages = all_pages()
    assert len(pages) >= 8
    assert pages[0].path == "/"
    for names in (
        [page.path for page in pages],
        [page.order for page in pages],
        [page.title for page in pages],
    ):
        assert len(set(names)) == len(names)


class Nothing:
    """Whatever is asked of it fails the test."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError(f"{name} was asked for before the role")


@pytest.mark.parametrize(
    "wish",
    [
        lambda visit: steering.run_job(visit, "data_quality", ()),
        lambda visit: steering.pause_job(visit, "data_quality", paused=True),
        lambda visit: steering.cancel_job(visit, "data_quality"),
        lambda visit: steering.backfill_job(visit, "data_quality", NOW, NOW, ()),
        lambda visit: steering.try_letters(visit, [], dry_run=True),
        lambda visit: steering.purge_letters(visit, []),
    ],
)
async def test_the_server_refuses_what_a_viewer_steers(wish: Callable[[Visit], Awaitable[object]]) -> None:
    visitor = Visit(cast(Desk, Nothing()), Role.VIEWER, {})
    with pytest.raises(Refused, match="operator"):
        await wish(visitor)


def test_every_wish_is_held_to_its_role() -> None:
    """The list above has all of them."""
    wishes = [name for name, found in vars(steering).items() if inspect.iscoroutinefunction(found)]
    own = [name for name in wishes if getattr(steering, name).__module__ == steering.__name__]
    assert len(own) == 6
