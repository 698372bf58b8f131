"""Tokens, hosts, origins, rates and cursors, each against what an attacker would send."""

from __future__ import annotations

from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse

from axiom.resilience.clock import ManualClock
from services.control_api.limits import Buckets, RateGuard
from services.control_api.live.live import Live
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


async def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    clock, fine = ManualClock(), PlainTextResponse("fine")
    guarded = httpx.ASGITransport(RateGuard(fine, Buckets(0.5, 2, clock), Gate(settings())))
    async with httpx.AsyncClient(transport=guarded, base_url="http://127.0.0.1") as client:

        async def asked(token: str) -> httpx.Response:
            return await client.get("/", headers={"Authorization": f"Bearer {token}"})

        assert [(await asked(VIEWER)).status_code for _ in range(3)] == [200, 200, 429]
        refused = await asked(VIEWER)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"] == "2"
        assert (await asked(OPERATOR)).status_code == 200, "each role has its own"
        guesses = [(await asked(f"{number}" * 40)).status_code for number in range(3)]
        assert guesses == [200, 200, 429], "guesses count for the address, whatever the token"
        await clock.advance(2)
        assert (await asked(VIEWER)).status_code == 200


def test_no_more_listeners_are_let_in_than_may_be() -> None:
    live = Live(cast(Any, None), cast(Any, None), {"websockets": 1, "event streams": 2})
    with live.client("websockets"):
        live.refuse_more("event streams")
        with pytest.raises(Refused) as refused:
            live.refuse_more("websockets")
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "10")
    live.refuse_more("websockets")


def test_a_cursor_comes_back_as_it_was_and_others_are_refused() -> None:
    assert parts_of(cursor_of("é", 7), [str, int]) == ["é", 7]
    for wrong in ("", "abc", "W10", cursor_of("x"), cursor_of(1, 2), "💥", cursor_of("a", "b")):
        with pytest.raises(Refused):
            parts_of(wrong, [str, int])
    for text in ("yesterday", 7, "0001-01-01T00:00:00+23:00"):
        with pytest.raises(Refused):
            moment_of(text, "c")
