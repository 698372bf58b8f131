"""JSON logs, one object a line: time, level, service, event, trace id, and what the call adds."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from axiom.contracts.headers import current_traceparent, trace_id
from axiom.errors import Misconfigured

_LEVELS = ("debug", "info", "warning", "error", "critical")
_SECRET = re.compile(
    r"password|secret|api_?key|authorization|(^|_)token$", re.IGNORECASE
)  # but not input_tokens


def get_logger() -> structlog.stdlib.BoundLogger:
    """A logger; `log.info("batch_written", topic=…, offset=…)`: events are past tense, snake case."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger()
    return logger


def setup_logs(service: str, level: str) -> None:
    """Send structlog's and every library's log to standard output as JSON.

    Raises:
        Misconfigured: no such level.
    """
    if level.lower() not in _LEVELS:
        raise Misconfigured(f"AXIOM_SERVICE_LOG_LEVEL is {level!r}; take one of {', '.join(_LEVELS)}")
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.stdlib.ExtraAdder(),
        _add_trace,
        _redact,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _name_service(service),
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiohttp.access", "httpx", "httpcore", "chromadb", "neo4j", "yfinance", "peewee", "kafka"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    trace = trace_id(current_traceparent.get())
    if trace:
        event["trace_id"] = trace
    return event


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """No log line ever shows a secret, whatever a caller passes by that name."""
    for key in event:
        if _SECRET.search(key):
            event[key] = "[redacted]"
    return event


def _name_service(service: str) -> structlog.typing.Processor:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"service": service, **event}

    return add
