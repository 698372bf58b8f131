"""Every setting, typed, from one place: the environment, else the running embedded stack's file.

Names are `AXIOM_<GROUP>_<FIELD>`, e.g. `AXIOM_POSTGRES_PASSWORD`. Order of precedence: the environment;
files in the folders of `AXIOM_SECRETS_DIR`, separated by `:` (one file a setting, how the compose file
passes passwords, each service mounting only those it needs);
`$AXIOM_HOME/stack.env`, which `axiom up` writes (mode 0600); `.env`, where a user keeps API keys.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from axiom.errors import Misconfigured

S = TypeVar("S", bound=BaseSettings)


def home() -> Path:
    """The folder that holds the embedded stack's state: `AXIOM_HOME`, else `.axiom` here."""
    return Path(os.environ.get("AXIOM_HOME", ".axiom")).resolve()


def load(settings_type: type[S]) -> S:
    """Read one settings group; a bad or missing value stops the start with its name.

    Raises:
        Misconfigured: naming each setting that is missing or wrong.
    """
    folders = [folder for folder in os.environ.get("AXIOM_SECRETS_DIR", "").split(os.pathsep) if folder]
    try:
        return settings_type(
            _env_file=(".env", home() / "stack.env"),
            _secrets_dir=folders or None,
        )
    except ValidationError as error:
        prefix = settings_type.model_config.get("env_prefix", "")
        lines = [
            f"{prefix}{'_'.join(str(part) for part in problem['loc'])}".upper() + f": {problem['msg']}"
            for problem in error.errors()
        ]
        raise Misconfigured(
            "settings are missing or wrong (set them in the environment or in .env; "
            "for a stack started by `axiom up`, check AXIOM_HOME):\n  " + "\n  ".join(lines)
        ) from error


def _config(group: str) -> SettingsConfigDict:
    return SettingsConfigDict(
        env_prefix=f"axiom_{group}_", frozen=True, extra="ignore", env_ignore_empty=True
    )


class KafkaSettings(BaseSettings):
    """Where Kafka is."""

    model_config = _config("kafka")
    bootstrap: str = "127.0.0.1:19092"


class PostgresSettings(BaseSettings):
    """Where PostgreSQL is and who we are there."""

    model_config = _config("postgres")
    host: str = "127.0.0.1"
    port: int = 19054
    user: str = "axiom"
    database: str = "axiom"
    password: SecretStr


class RedisSettings(BaseSettings):
    """Where Redis is."""

    model_config = _config("redis")
    host: str = "127.0.0.1"
    port: int = 19063
    password: SecretStr


class Neo4jSettings(BaseSettings):
    """Where Neo4j is and who we are there."""

    model_config = _config("neo4j")
    uri: str = "bolt://127.0.0.1:19087"
    user: str = "neo4j"
    password: SecretStr


class ChromaSettings(BaseSettings):
    """Where Chroma is; the open-source server has no log-in, so it listens on loopback alone."""

    model_config = _config("chroma")
    host: str = "127.0.0.1"
    port: int = 19080


class EmbeddingSettings(BaseSettings):
    """How texts become vectors.

    Attributes:
        model: `auto` takes the model where it is there, else the hashed n-grams, which need none; a
            collection stays with what made it until `axiom rebuild chroma`.
        folder: where the model lies; None is chromadb's own cache in the home folder.
        threads: processors that embedding may use.
    """

    model_config = _config("embedding")
    model: Literal["auto", "all-MiniLM-L6-v2", "hashed-ngrams-384"] = "auto"
    folder: Path | None = None
    threads: int = Field(default=1, ge=1, le=64)


class JobsSettings(BaseSettings):
    """Whose clock a service with recurring work goes by.

    Attributes:
        clock: `own`: it works by timers of its own, as when it runs alone; `scheduler`: it works when the
            scheduler says so (how `axiom up` and the compose file start it), and once at its start.
    """

    model_config = _config("jobs")
    clock: Literal["own", "scheduler"] = "own"


class TracesSettings(BaseSettings):
    """Where spans go.

    Attributes:
        endpoint: of OTLP over HTTP, as `http://127.0.0.1:4318/v1/traces`; without one none are sent.
        share: of all traces, those that are sent; services that should meet in a trace need the same.
    """

    model_config = _config("traces")
    endpoint: str | None = None
    share: float = Field(default=1.0, gt=0, le=1)


class ServiceSettings(BaseSettings):
    """What every service has: its health server's address, its log level and its limits.

    Attributes:
        crashpoint: a place where the process kills itself, for fault tests (see `runtime/crashpoint.py`).
        poison_pause_s: how long a sink stands when half of a topic's last 1,000 records were bad.
        watchdog_s: with records waiting and no progress for this long, the process ends itself.
    """

    model_config = _config("service")
    health_host: str = "127.0.0.1"
    health_port: int = Field(default=8080, ge=0, le=65535)
    log_level: str = "info"
    crashpoint: str = ""
    watchdog_s: float = Field(default=60.0, gt=0)
    poison_pause_s: float = Field(default=10.0, ge=0)
