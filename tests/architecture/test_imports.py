"""Imports point one way, and each client library is imported in one place."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source import ROOT, TOPS, is_within, modules

pytestmark = pytest.mark.unit

CONTRACTS = {"axiom.errors", "axiom.contracts"}
POLICY = CONTRACTS | {"axiom.resilience", "axiom.telemetry"}
STORES = POLICY | {"axiom.settings"}

MAY_IMPORT: dict[str, set[str]] = {
    "axiom.errors": set(),
    "axiom.settings": {"axiom.errors"},
    "axiom.contracts": CONTRACTS,
    "topics": CONTRACTS,
    "axiom.resilience": CONTRACTS,
    "axiom.telemetry": CONTRACTS,
    "axiom.bus": POLICY | {"topics.dead_letters"},
    "axiom.embedding": {"axiom.errors", "axiom.settings"},
    "axiom.stores": STORES | {"axiom.embedding"},
    "axiom.market": set(),
    "axiom.llm": STORES | {"axiom.bus", "axiom.stores", "topics.llm_calls"},
    "axiom.web": CONTRACTS,
    "axiom.verdicts": STORES | {"axiom.stores"},
    "axiom.tiers": STORES | {"axiom.quota", "axiom.stores", "axiom.universe"},
    "axiom.quota": STORES | {"axiom.stores"},
    "axiom.sources": STORES | {"axiom.quota", "axiom.stores", "axiom.universe", "axiom.web"},
    "axiom.knowledge": STORES | {"axiom.stores"},
    "axiom.trail": STORES | {"axiom.bus", "topics"},
    "axiom.analysis": set(),
    "axiom.scheduling": STORES | {"axiom.market", "axiom.stores", "topics.job_commands", "topics.job_runs"},
    "axiom.universe": STORES | {"axiom.stores", "axiom.web"},
    "axiom.runtime": STORES
    | {
        "axiom.bus",
        "axiom.scheduling",
        "axiom.stores",
        "topics.job_commands",
        "topics.job_runs",
        "topics.sink_progress",
    },
    "axiom.backup": STORES | {"axiom.bus", "axiom.stores", "topics"},
    "axiom_verify": CONTRACTS | {"axiom.settings", "axiom.bus", "axiom.embedding", "topics"},
    "deploy.docker": {"axiom.errors", "axiom.settings", "deploy.observability"},
    "deploy.kubernetes": {"deploy.docker"},
    "deploy.fetch_uv": set(),
    "deploy.observability": set(),
    "deploy.embedded": {"axiom", "topics", "deploy.observability"},
    "axiom_sim": {"axiom", "topics", "services"},
    "axiom_cli": {"axiom_sim", "axiom", "axiom_verify", "topics", "services", "deploy"},
}
"""What a package may import of the project beside itself. A service: see below."""
SERVICE_MAY_IMPORT = {"axiom", "topics"}
OURS = tuple(TOPS.values())

ONLY_IN: dict[str, set[str]] = {
    "confluent_kafka": {"axiom.bus.kafka"},
    "kafka": {"axiom.bus.kafka.sizes"},
    "asyncpg": {"axiom.stores.postgres", "axiom.stores.pool", "axiom.stores.control", "axiom_verify.readers"},
    "redis": {"axiom.stores.redis", "axiom_verify.readers"},
    "neo4j": {"axiom.stores.neo4j", "axiom_verify.readers"},
    "chromadb": {"axiom.stores.chroma_driver", "axiom_verify.readers"},
    "onnx": {"axiom.embedding.onnx_model"},
    "onnxruntime": {"axiom.embedding.minilm"},
    "tokenizers": {"axiom.embedding.minilm"},
    "httpx": {"axiom.stores.chroma_driver", "axiom_verify.readers"},
    "talib": {"axiom.analysis.indicators"},
    "yfinance": {"axiom.sources.yahoo", "services.price_producer.sources.yahoo"},
    "curl_cffi": {"axiom.sources.yahoo"},
    "pandas": {"services.price_producer.sources.yahoo_frame"},
    "pyarrow": {"services.price_producer.sources.file", "axiom.backup.chunks"},
    "exchange_calendars": {"axiom.market.hours"},
    "aiohttp": {"axiom.telemetry.health", "axiom.web.client", "axiom_sim.transport"},
    "grafana_foundation_sdk": {"deploy.observability.dashboards"},
    "opentelemetry": {"axiom.telemetry.tracing"},
    "structlog": {"axiom.telemetry.logs", "axiom_cli", "axiom_sim.simulation"},
    "cachetools": {"axiom.resilience.negative"},
    "cronsim": {"axiom.scheduling.schedule"},
    "tenacity": {"axiom.resilience.retry", "deploy.embedded.jars"},
    "xxhash": {"axiom.contracts.codec", "axiom_verify.fold"},
    "psutil": {"deploy.embedded"},
    "typer": {"axiom_cli"},
    "feedparser": {"services.news_producer.sources.rss"},
    "py3langid": {"services.news_producer.language"},
    "anthropic": {"axiom.llm.claude"},
    "langgraph": {"services.enricher.graph"},
    "matplotlib": {"services.caretaker.reports.plots"},
    "faust": {"services.analytics.stream"},
    "fastapi": {"services.control_api"},
    "nicegui": {"services.control_api.dashboard"},
    "starlette": {"services.control_api"},
    "uvicorn": {"services.control_api"},
    "sse_starlette": {"services.control_api"},
}
"""Client libraries and other outside ways, by the modules that may import them."""


def package_of(name: str) -> str:
    """The line of MAY_IMPORT that holds for a module; a service's own folder for a service."""
    if is_within(name, "services"):
        return ".".join(name.split(".")[:2])
    return next((package for package in MAY_IMPORT if is_within(name, package)), "")


def test_imports_point_one_way() -> None:
    wrong = []
    for module in modules():
        package = package_of(module.name)
        allowed = SERVICE_MAY_IMPORT if is_within(module.name, "services") else MAY_IMPORT.get(package, set())
        for imported in module.imports:
            if not imported.startswith(OURS) or imported in OURS:
                continue
            if not any(is_within(imported, name) for name in {package, *allowed}):
                wrong.append(f"{module.name} imports {imported}")
    assert not wrong, "\n".join(sorted(wrong))


def test_every_package_has_its_line() -> None:
    homeless = [
        module.name for module in modules() if not package_of(module.name) and module.name not in OURS
    ]
    assert not homeless, f"say in MAY_IMPORT what these may import: {homeless}"


def test_a_service_never_imports_another() -> None:
    services = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
    assert len(services) >= 5
    for module in modules():
        if is_within(module.name, "services") and module.name != "services":
            own = module.name.split(".")[1]
            others = {f"services.{name}" for name in services - {own}}
            assert not {name for name in module.imports if any(is_within(name, other) for other in others)}


def test_client_libraries_are_imported_in_one_place() -> None:
    wrong = [
        f"{module.name} imports {library}"
        for module in modules()
        for library, places in ONLY_IN.items()
        if any(is_within(imported, library) for imported in module.imports)
        and not any(is_within(module.name, place) for place in places)
    ]
    assert not wrong, "\n".join(wrong)


def test_pure_modules_reach_nothing_outside() -> None:
    """A module whose first line ends with "Pure." says so for good."""
    outside = {
        "asyncio",
        "os",
        "socket",
        "subprocess",
        "threading",
        "time",
        "random",
        "axiom.bus.kafka",
        "axiom.runtime",
    }
    outside |= {
        "axiom.stores.postgres",
        "axiom.stores.control",
        "axiom.stores.redis",
        "axiom.stores.neo4j",
        "axiom.stores.chroma",
    }
    outside |= {"axiom.telemetry", *ONLY_IN} - {"xxhash"}
    pure = [module for module in modules() if _first_line(module.tree).endswith("Pure.")]
    assert {"services.redis_sink.mapping", "services.chroma_sink.shape"} <= {module.name for module in pure}
    for module in pure:
        impure = {name for name in module.imports if any(is_within(name, other) for other in outside)}
        impure = {name for name in impure if not is_within(module.name, "axiom.runtime")}
        assert not impure, f"{module.name} imports {impure}"


def test_nothing_reads_the_environment_when_it_is_imported() -> None:
    """Settings are built once, in `main`: see `axiom.settings`."""
    for module in modules():
        for statement in module.tree.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
                continue
            names = {node.attr for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
            assert not names & {"environ", "getenv"}, f"{module.name}: {ast.unparse(statement)}"


def _first_line(tree: ast.Module) -> str:
    return (ast.get_docstring(tree) or "").splitlines()[0] if ast.get_docstring(tree) else ""
