"""Tokens, hosts, origins, rates and cursors, each against what an attacker would send."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from starlette.requests import HTTPConnection

from axiom.resilience.clock import ManualClock
from services.control_api.limits import Buckets
from services.control_api.problems import Refused
from services.control_api.routes.paging import cursor_of, moment_of, parts_of
from services.control_api.security import Gate, Role
from services.control_api.settings import ApiSettings

pytestmark = pytest.mark.unit
VIEWER, OPERATOR = "v" * 40, "o" * 40


def settings(**more: Any) -> ApiSettings:
    return ApiSettings(viewer_token=SecretStr(VIEWER), operator_token=SecretStr(OPERATOR), **more)


def connection(**headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": raw})


class TestTokens:
    def test_each_gives_its_role_and_nothing_else_does(self) -> None:
        gate = Gate(settings())
        assert (gate.role_of(VIEWER), gate.role_of(OPERATOR)) == (Role.VIEWER, Role.OPERATOR)
        assert {gate.role_of(text) for text in ("", "v", VIEWER + "v", VIEWER.upper(), "é", "\udc80")} == {
            None
        }

    @pytest.mark.parametrize("header", ["", "Bearer", f"Basic {VIEWER}", f"Bearer {VIEWER}x", VIEWER])
    def test_what_is_no_token_is_refused(self, header: str) -> None:
        with pytest.raises(Refused) as refused:
            Gate(settings()).admit(connection(authorization=header))
        assert (refused.value.status, refused.value.headers["WWW-Authenticate"]) == (401, "Bearer")

    def test_a_role_may_do_what_those_below_it_may(self) -> None:
        gate = Gate(settings())
        assert gate.admit(connection(authorization=f"bearer {OPERATOR}"), Role.VIEWER) is Role.OPERATOR
        with pytest.raises(Refused) as refused:
            gate.admit(connection(authorization=f"Bearer {VIEWER}"), Role.OPERATOR)
        assert refused.value.status == 403

    def test_a_browsers_socket_sends_it_as_a_protocol(self) -> None:
        offered = connection(sec_websocket_protocol=f"axiom, axiom.token.{OPERATOR}")
        assert Gate(settings()).admit(offered) is Role.OPERATOR

    def test_short_and_equal_tokens_stop_the_start(self) -> None:
        with pytest.raises(ValidationError, match="shorter than 32"):
            ApiSettings(viewer_token=SecretStr("short"), operator_token=SecretStr(OPERATOR))
        with pytest.raises(ValidationError, match="are the same"):
            ApiSettings(viewer_token=SecretStr(VIEWER), operator_token=SecretStr(VIEWER))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:19040", "LOCALHOST:1", "[::1]:8"])
def test_own_hosts_are_served(host: str) -> None:
    Gate(settings()).refuse_strange_host(host)


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example", "localhost.:1", "[::2]:8"])
def test_others_are_not(host: str) -> None:
    with pytest.raises(Refused) as refused:
        Gate(settings()).refuse_strange_host(host)
    assert refused.value.status == 421


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True), ("http://127.0.0.1:19040", True), ("https://127.0.0.1:19040", True),
        ("https://desk.example", True), ("http://127.0.0.1:19041", False), ("null", False), ("", False),
        ("http://evil.example", False), ("http://127.0.0.1:19040.evil.example", False),
        ("file://127.0.0.1:19040", False),
    ],
)  # fmt: skip
def test_origins_are_the_own_and_those_that_are_set(origin: str | None, allowed: bool) -> None:
    gate = Gate(settings(origins="https://desk.example/"))
    if allowed:
        gate.refuse_strange_origin(origin, "127.0.0.1:19040")
    else:
        with pytest.raises(Refused):
            gate.refuse_strange_origin(origin, "127.0.0.1:19040")


async def test_a_bucket_is_emptied_and_filled_again() -> None:
    clock = ManualClock()
    buckets = Buckets(10.0, 5, clock)
    assert [buckets.wait_s("a") for _ in range(6)] == [0, 0, 0, 0, 0, pytest.approx(0.1)]
    assert buckets.wait_s("b") == 0, "each has its own"
    await clock.advance(0.25)
    assert [buckets.wait_s("a") > 0 for _ in range(3)] == [False, False, True]
    await clock.advance(1000)
    assert sum(buckets.wait_s("a") == 0 for _ in range(50)) == 5


def test_a_cursor_comes_back_as_it_was_and_others_are_refused() -> None:
    assert parts_of(cursor_of("é", 7), [str, int]) == ["é", 7]
    for wrong in ("", "abc", "W10", cursor_of("x"), cursor_of(1, 2), "💥", cursor_of("a", "b")):
        with pytest.raises(Refused):
            parts_of(wrong, [str, int])
    for text in ("yesterday", 7, "0001-01-01T00:00:00+23:00"):
        with pytest.raises(Refused):
            moment_of(text, "c")
