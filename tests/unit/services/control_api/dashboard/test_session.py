"""Sessions follow from tokens; pages can't steer for viewers."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from starlette.requests import HTTPConnection

from services.control_api.dashboard.login import known_page
from services.control_api.dashboard.mounting import all_pages
from services.control_api.dashboard.session import end_session, open_session, role_of, secret_of
from services.control_api.security import Role
from services.control_api.settings import ApiSettings

pytestmark = pytest.mark.unit


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
