"""The HTTP API on real stores: who may do what, what reads see, what wishes do, and what happens live."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from tests.e2e.api_load import Plan, Rush
from tests.e2e.api_site import NAMES, NEWS, ApiSite, EventStream, later_bar
from tests.e2e.bars import symbols
from tests.graph import mutation
from tests.stack import StackUnderTest, wait_until
from topics import graph_mutations

# Among the slow ones until three runs in a row have passed.
pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(300)]
STORES = ("postgres", "redis", "neo4j", "chroma")


@pytest.fixture(scope="module")
def filled(stack: StackUnderTest) -> Iterator[ApiSite]:
    site = ApiSite(stack)
    try:
        site.fill()
        yield site
    finally:
        site.close()


def operations(site: ApiSite) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path with examples in its place holders, and the operation, of the whole contract."""
    contract = site.get("/openapi.json").json()
    for path, methods in contract["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    example = parameter.get("example") or parameter["schema"]["examples"][0]
                    path = path.replace(f"{{{parameter['name']}}}", example)
            yield method.upper(), path, operation


class TestWhoMayDoWhat:
    def test_every_route_but_health_wants_a_token(self, filled: ApiSite) -> None:
        found = list(operations(filled))
        assert len(found) >= 25
        for method, path, operation in found:
            for token in (None, "none", filled.viewer[:-1] + "é", filled.operator + "0"):
                headers = {} if token is None else {"Authorization": f"Bearer {token}".encode()}
                answer = filled.request(method, path, headers=headers)
                if path == "/health":
                    assert answer.status_code == 200
                else:
                    assert (answer.status_code, answer.headers["content-type"]) == (
                        401,
                        "application/problem+json",
                    ), (method, path)
                    assert operation["security"], path
        assert filled.request("GET", "/openapi.json").status_code == 401

    def test_a_viewer_can_not_steer(self, filled: ApiSite) -> None:
        steering = [(path, operation) for method, path, operation in operations(filled) if method != "GET"]
        assert len(steering) >= 7
        for path, _ in steering:
            answer = filled.request("POST", path, headers=filled.header(), json={})
            assert (answer.status_code, answer.json()["title"]) == (403, "Forbidden"), path

    def test_strange_hosts_and_large_bodies_are_refused(self, filled: ApiSite) -> None:
        answer = filled.request("GET", "/health", headers={"Host": "evil.example"})
        assert (answer.status_code, answer.json()["type"]) == (421, "urn:axiom:problem:misdirected-request")
        headers = filled.header(filled.operator)

        def chunks() -> Iterator[bytes]:
            for _ in range(200):
                yield b" " * 1000

        for content in (b" " * 200_000, chunks()):
            answer = filled.request("POST", "/dlq/purge", headers=headers, content=content)
            assert answer.status_code == 413, answer.text

    async def test_pages_of_others_and_strangers_get_no_socket(self, filled: ApiSite) -> None:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with filled.socket(origin="https://evil.example"):
                pass
        assert refused.value.response.status_code == 403
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websockets.connect(f"ws://127.0.0.1:{filled.port}/ws/realtime-updates", proxy=None):
                pass
        assert refused.value.response.status_code == 401
        own = {
            "origin": f"http://127.0.0.1:{filled.port}",
            "subprotocols": ["axiom", f"axiom.token.{filled.viewer}"],
        }
        url = f"ws://127.0.0.1:{filled.port}/ws/realtime-updates"
        async with websockets.connect(url, proxy=None, **own) as socket:  # as a browser does
            assert socket.subprotocol == "axiom"

    def test_no_page_of_another_origin_is_told_anything(self, filled: ApiSite) -> None:
        answer = filled.request("GET", "/health", headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control")]


class TestReads:
    def test_prices(self, filled: ApiSite) -> None:
        answer = filled.get(f"/prices/{NAMES[1].lower()}", count=5).json()
        latest, bars = answer["data"]["latest"], answer["data"]["bars"]
        assert (latest["symbol"], len(bars), latest["price"]) == (NAMES[1], 5, bars[-1]["close"])
        several = filled.get("/prices", symbols=[NAMES[2], "NONE", NAMES[3]]).json()["data"]
        assert [one["symbol"] for one in several] == [NAMES[2], NAMES[3]]
        assert filled.get("/prices/NONE").status_code == 404
        seen, cursor = [], None
        while True:
            page = filled.get(
                f"/prices/{NAMES[1]}/bars", limit=17, **({"cursor": cursor} if cursor else {})
            ).json()
            seen += [bar["ts"] for bar in page["items"]]
            if (cursor := page.get("next")) is None:
                break
        assert seen == sorted(set(seen), reverse=True)
        assert len(seen) == 40
        assert bars[-1]["ts"] == seen[0]

    def test_events(self, filled: ApiSite) -> None:
        ids, cursor = [], None
        while True:
            page = filled.get(
                "/events", symbol="nvda", limit=3, **({"cursor": cursor} if cursor else {})
            ).json()
            ids += [one["event_id"] for one in page["items"]]
            if (cursor := page.get("next")) is None:
                break
        assert sorted(ids) == sorted(one.event_id for one in NEWS)
        whole = filled.get(f"/events/{NEWS[0].event_id}").json()["data"]
        assert whole["event"]["title"] == NEWS[0].title
        assert {one["kind"] for one in whole["statements"]} == {"affects", "competes-with"}
        assert filled.get(f"/events/{'0' * 32}").status_code == 404

    def test_graph(self, filled: ApiSite) -> None:
        stats = filled.get("/graph/stats").json()["data"]
        assert stats["nodes"]["Company"] >= len(NAMES)
        assert stats["edges"]["COMPETES_WITH"] == 1
        near = filled.get("/graph/company/nvda", depth=2).json()["data"]
        assert {"AFFECTS", "COMPETES_WITH", "CORRELATED_WITH"} <= {edge["type"] for edge in near["edges"]}
        edge = filled.get("/graph/edges/NVDA/competes-with/AMD").json()["data"]
        assert (edge["subject"], edge["statements"][0]["evidence"]) == ("AMD", "chips")
        assert edge["statements"][0]["event_title"] == NEWS[0].title
        assert filled.get("/graph/edges/AMD/SUPPLIES/NVDA").status_code == 404
        assert filled.get("/graph/edges/AMD/OWNS/NVDA").status_code == 422

    def test_likeness(self, filled: ApiSite) -> None:
        found = filled.get("/search", q="chips", kind="events", count=3).json()["data"]
        assert len(found) == 3
        assert {one["event_id"] for one in found} <= {one.event_id for one in NEWS}
        alike = filled.get(f"/similar/{NAMES[4]}", count=3).json()["data"]
        assert (alike["own"]["symbol"], len(alike["alike"])) == (NAMES[4], 3)

    def test_stores_topics_costs_and_rates(self, filled: ApiSite) -> None:
        stores = {one["store"]: one for one in filled.get("/stores").json()["data"]}
        assert set(stores) == set(STORES)
        assert all(one["partitions"] and not one["problem"] for one in stores.values())
        lag = {one["topic"]: one["lag"] for one in filled.get("/topics").json()["data"]}
        assert set(lag["price-updates"]) >= {f"{store}-sink" for store in STORES}
        assert filled.get("/budget").json()["data"]["mode"] == "normal"
        rates = filled.get("/metrics/realtime").json()["data"]
        assert set(rates["records_per_s"]) == {f"{store}-sink" for store in STORES}

    def test_what_a_client_can_do_wrong_is_told(self, filled: ApiSite) -> None:
        for path in (
            "/prices/NVDA?min_offset=x", "/prices/NVDA?min_offset=nothing-0@1", "/events?cursor=abc",
            "/events?since=yesterday", "/prices/NVDA/bars?cursor=WzFd", "/search?q=",
            "/graph/company/NVDA?depth=9",
        ):  # fmt: skip
            answer = filled.get(path)
            assert (answer.status_code, answer.json()["type"]) == (
                422,
                "urn:axiom:problem:invalid-request",
            ), path
        assert filled.get("/nowhere").headers["content-type"] == "application/problem+json"


def newest(site: ApiSite, store: str, symbol: str, places: list[str]) -> float:
    """The newest close that one store shows."""
    path = {
        "postgres": f"/prices/{symbol}/bars?limit=1", "redis": f"/prices/{symbol}?count=0",
        "neo4j": f"/graph/company/{symbol}", "chroma": f"/similar/{symbol}?count=1",
    }[store]  # fmt: skip
    answer = site.get(f"{path}{'&' if '?' in path else '?'}min_offset={places[0]}")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["offsets"]) == {store}
    if store == "postgres":
        return float(answer.json()["items"][0]["close"])
    data = answer.json()["data"]
    found = {"redis": lambda: data["latest"]["price"], "neo4j": lambda: data["company"]["price"],
             "chroma": lambda: data["own"]["last_close"]}[store]()  # fmt: skip
    return float(found)


def read_own_writes(site: ApiSite, symbol: str, rounds: int) -> None:
    for number in range(1, rounds + 1):
        bar = later_bar(symbol, number)
        places = site.publish([bar])
        assert {store: newest(site, store, symbol, places) for store in STORES} == dict.fromkeys(
            STORES, bar.close
        )


class TestReadYourWrites:
    def test_a_read_sees_what_was_written_before_it(self, filled: ApiSite) -> None:
        read_own_writes(filled, NAMES[0], 20)

    @pytest.mark.timeout(3600)
    def test_a_thousand_times(self, filled: ApiSite) -> None:
        read_own_writes(filled, NAMES[5], 1000)

    def test_what_does_not_come_in_time_is_a_clear_problem(self, filled: ApiSite) -> None:
        filled.start(AXIOM_API_WAIT_S="0.3")
        answer = filled.get("/prices/NVDA", min_offset="price-updates-1@99999999")
        assert (answer.status_code, answer.json()["type"]) == (
            504,
            "urn:axiom:problem:min-offset-not-reached",
        )
        assert "price-updates-1 is at" in answer.json()["detail"]


class TestSteering:
    def test_a_job_is_run_paused_and_filled_in(self, filled: ApiSite) -> None:
        answer = filled.post(
            "/pipelines/events_tracker/trigger", {"symbols": ["aapl"], "parameters": {"a": "b"}}
        )
        assert answer.status_code == 202
        run = answer.json()["data"]
        [listed, *_] = filled.get("/pipelines/events_tracker/runs", limit=1).json()["items"]
        assert listed == run
        assert (run["symbols"], run["parameters"]["a"], run["outcome"]) == (["AAPL"], "b", "waiting")
        assert "events_tracker" in filled.get("/metrics/realtime").json()["data"]["active_pipelines"]
        for wish, paused in (("pause", True), ("resume", False)):
            told = filled.post(f"/pipelines/daily_bars/{wish}").json()["data"]
            assert told == {"name": "daily_bars", "paused": paused, "changed": True}
            jobs = {one["name"]: one for one in filled.get("/pipelines/status").json()["data"]}
            assert jobs["daily_bars"]["paused"] is paused
        span = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-06T00:00:00Z"}
        for _ in range(2):  # asked twice it is one
            answer = filled.post("/pipelines/daily_bars/backfill", span)
            assert answer.status_code == 202
        [backfill] = filled.get("/pipelines/daily_bars/backfills").json()["data"]
        assert backfill["backfill_id"] == answer.json()["data"]["backfill_id"]
        assert filled.post("/pipelines/events_tracker/cancel").json()["data"]["runs"] == 1

    def test_wrong_wishes_are_refused(self, filled: ApiSite) -> None:
        assert filled.post("/pipelines/no_such_job/trigger", {}).status_code == 404
        for body in ({"symbols": ["x y"]}, {"unknown": 1}, {"parameters": {"a": "b\u0000"}}):
            assert filled.post("/pipelines/daily_bars/trigger", body).status_code == 422
        for span in (("2026-03-06", "2026-03-02"), ("2126-03-02", "2126-03-06")):
            body = {"since": f"{span[0]}T00:00:00Z", "until": f"{span[1]}T00:00:00Z"}
            assert filled.post("/pipelines/daily_bars/backfill", body).status_code == 422

    def test_dead_letters_are_looked_at_tried_and_closed(self, filled: ApiSite) -> None:
        def count(**asked: Any) -> int:
            return len(
                [
                    one
                    for one in filled.get("/dlq", limit=1000).json()["items"]
                    if asked.items() <= one.items()
                ]
            )

        filled.pipeline.send([(b"NVDA", b'{"broken"', []), (b"NVDA", b'{"worse"', [])])
        wait_until("each sink has refused both", lambda: count() == 2 * len(STORES))
        ours = {"consumer": "redis-sink"}
        page = filled.get("/dlq", limit=1, **ours).json()
        rest = filled.get("/dlq", limit=1, cursor=page["next"], **ours).json()
        places = {page["items"][0]["letter"], rest["items"][0]["letter"]}
        assert (len(places), rest["next"]) == (2, None)
        [kind] = filled.get("/dlq/histogram", **ours).json()["data"]
        assert (kind["error_class"], kind["letters"]) == ("invalid_payload", 2)
        place = page["items"][0]["letter"]
        assert filled.get(f"/dlq/{place}").json()["data"]["value"] in ('{"worse"', '{"broken"')
        tried = filled.post("/dlq/redrive", ours).json()["data"]
        assert {one["letter"] for one in tried} == places
        assert all(one["outcome"].startswith("refused") for one in tried)
        assert count() == 2 * len(STORES), "that was a dry run"
        redriven = filled.post("/dlq/redrive", {"letters": [place], "dry_run": False}).json()["data"]
        outcomes = sorted(one["outcome"].split(":")[0] for one in redriven)
        assert outcomes == ["closed", "closed", "closed", "redriven"], "one record, refused by four"
        wait_until("it came back to each", lambda: count(replay_count=1) == len(STORES))
        assert count() == 2 * len(STORES)
        assert len(filled.post("/dlq/purge", {}).json()["data"]) == 2 * len(STORES)
        assert count() == 0
        assert filled.get(f"/dlq/{place}").status_code == 404


class TestLive:
    async def test_an_event_stream_goes_on_where_it_was_left(self, filled: ApiSite) -> None:
        made = [mutation("competes-with", "AMD", f"Z{number}") for number in range(1000, 1060)]
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            url, seen = filled.url("/graph/live-updates"), []
            async with client.stream("GET", url, headers=filled.header()) as response:
                assert response.headers["content-type"].startswith("text/event-stream")
                stream = EventStream(response)
                waiting = asyncio.create_task(stream.next())
                await asyncio.to_thread(wait_until, "the stream is open", lambda: filled.streams() == 1)
                await asyncio.to_thread(filled.write, graph_mutations.TOPIC, made[:30])
                seen.append(await waiting)
                seen += [await stream.next() for _ in range(9)]
                last = stream.last_id
            await asyncio.to_thread(filled.write, graph_mutations.TOPIC, made[30:])
            await asyncio.to_thread(filled.start)  # what has passed is in the log alone
            headers = {**filled.header(), "Last-Event-ID": last}
            async with client.stream("GET", filled.url("/graph/live-updates"), headers=headers) as response:
                stream = EventStream(response)
                seen += [await stream.next() for _ in range(50)]
            assert sorted(one["mutation_id"] for one in seen) == sorted(one.mutation_id for one in made)
            for wrong, status in (("x", 422), ("other:0.0.0.0.0.0", 410), (f"{last}99999", 410)):
                headers = {**filled.header(), "Last-Event-ID": wrong}
                answer = await client.get(filled.url("/graph/live-updates"), headers=headers)
                assert answer.status_code == status, answer.text

    async def test_a_socket_gets_what_it_asked_for(self, filled: ApiSite) -> None:
        wanted, other = NAMES[6], NAMES[7]
        async with filled.socket() as socket:
            await socket.send("{")
            assert json.loads(await socket.recv())["type"] == "problem"
            await socket.send(json.dumps({"action": "subscribe", "symbols": [wanted], "kinds": ["prices"]}))
            assert json.loads(await socket.recv())["type"] == "subscribed"
            bars = [later_bar(name, number) for number in range(2000, 2050) for name in (wanted, other)]
            await asyncio.to_thread(filled.publish, bars)
            told, counted = [], 0
            async with asyncio.timeout(30):
                while not told or told[-1]["data"]["close"] != bars[-2].close:
                    frame = json.loads(await socket.recv())
                    told += frame["updates"]
                    counted += frame["dropped"]
        assert {one["key"] for one in told} == {wanted}
        closes = [one["data"]["close"] for one in told]
        assert closes == sorted(set(closes)), "each newer than the one before"
        assert counted + len(told) == 50


class TestManyAtOnce:
    async def test_for_a_moment(self, filled: ApiSite) -> None:
        await self.rush(filled, Plan(NAMES, sockets=20, streams=5, slow=3, seconds=4, per_s=100))

    @pytest.mark.timeout(900)
    async def test_for_a_minute(self, filled: ApiSite, capsys: pytest.CaptureFixture[str]) -> None:
        plan = Plan(symbols(25), sockets=200, streams=50, slow=20, seconds=60, per_s=500)
        told = await self.rush(filled, plan)
        with capsys.disabled():
            sys.stdout.write(f"\n{plan.sockets} sockets, {plan.streams} streams: {told}\n")

    async def rush(self, site: ApiSite, plan: Plan) -> str:
        site.start()
        rush = Rush(site, plan)
        await rush.run()
        seen = rush.seen
        for wanted, newest in zip(rush.wanted, seen.newest, strict=True):
            assert newest == {symbol: rush.closes[symbol] for symbol in wanted}, (
                "the newest of each, no other"
            )
        assert seen.backwards == 0
        for ids in seen.mutations:
            assert sorted(ids) == sorted(rush.ids), "every mutation, once"
        assert seen.failures == []
        assert seen.rss_mb[1] - seen.rss_mb[0] < 200, "whoever does not read costs a bounded mailbox"
        return seen.told()


class TestContract:
    def test_made_up_requests_are_answered_as_the_contract_says(self, filled: ApiSite) -> None:
        fuzz(filled, examples=5)

    @pytest.mark.timeout(3600)
    def test_many_made_up_requests(self, filled: ApiSite) -> None:
        fuzz(filled, examples=100)


def fuzz(site: ApiSite, examples: int) -> None:
    """schemathesis against every operation but the endless one."""
    site.start(AXIOM_API_WAIT_S="0.2", AXIOM_API_REQUESTS_PER_S="10000", AXIOM_API_BURST="10000")
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
        "response_schema_conformance,ignored_auth"
    )
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "run", site.url("/openapi.json"),
            "--header", f"Authorization: Bearer {site.operator}", "--exclude-path", "/graph/live-updates",
            "--max-examples", str(examples), "--checks", checks, "--phases", "examples,coverage,fuzzing",
            "--seed", "7", "--generation-database", "none",
            "--generation-with-security-parameters", "false",
        ],
        capture_output=True, text=True, cwd=site.stack.home,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
