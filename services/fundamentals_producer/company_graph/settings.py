"""Settings of the job `company_graph`: `AXIOM_COMPANY_GRAPH_*`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class CompanyGraphSettings(BaseSettings):
    """How many companies, and how long a run waits for others.

    Attributes:
        companies: the most that are under way: a run takes as many fewer as earlier runs still wait for.
        least_age_h: a company's turn comes again after this time at the earliest.
        answer_patience_s: how long a run waits for the enricher, so for Claude's batches; what comes later
            is checked by the next run.
        graph_patience_s: how long it then waits for neo4j-sink.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_company_graph_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    companies: int = Field(default=30, ge=1, le=1000)
    least_age_h: float = Field(default=20.0, ge=0)
    answer_patience_s: float = Field(default=900.0, ge=0, le=86_400)
    graph_patience_s: float = Field(default=120.0, ge=0, le=3600)
