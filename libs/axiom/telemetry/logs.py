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

_NOISY = (
    "aiohttp.access", "aiokafka", "chromadb", "faust", "httpcore", "httpcore2", "httpx", "httpx2", "kafka",
    "mode", "neo4j", "peewee", "yfinance",
)  # fmt: skip
_LEVELS = ("debug", "info", "warning", "error", "critical")
_SECRET = re.compile(
    r"password|secret|api_?key|authorization|(^|_)token$", re.IGNORECASE
)  # but not input_tokens
_IN_TEXT = re.compile(
    r"((?:password|passwd|secret|api_?key|(?:\b|_)token|authorization)[\"']?\s*[=:]\s*[\"']?(?:bearer\s+|basic\s+)?)"
    r"[^\s\"'&,;)}\]]+",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(\w://)[^\s/@:]*:[^\s/@]+@")
_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{8,}")
REDACTED = "[redacted]"


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
        structlog.processors.format_exc_info,
        _redact,
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
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    trace = trace_id(current_traceparent.get())
    if trace:
        event["trace_id"] = trace
    return event


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """No log line ever shows a secret: neither what a caller passes by such a name, nor within a text."""
    for name, value in event.items():
        event[name] = _without_secrets(name, value)
    return event


def _without_secrets(name: str, value: Any) -> Any:
    match value:
        case _ if _SECRET.search(name):
            return REDACTED
        case str():
            return redacted(value)
        case dict():
            return {key: _without_secrets(str(key), inner) for key, inner in value.items()}
        case list() | tuple():
            return [_without_secrets(name, inner) for inner in value]
        case _:
            return value


def redacted(text: str) -> str:
    """A text without the passwords, keys and tokens that it may carry, as of a URL in an exception.

    >>> redacted("GET https://x.example/q?symbol=AAPL&apikey=abc failed")
    'GET https://x.example/q?symbol=AAPL&apikey=[redacted] failed'
    """
    text = _IN_TEXT.sub(rf"\g<1>{REDACTED}", text)
    text = _USER_INFO.sub(rf"\g<1>{REDACTED}@", text)
    return _KEY.sub(REDACTED, text)


def _name_service(service: str) -> structlog.typing.Processor:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"service": service, **event}

    return add
