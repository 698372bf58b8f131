"""How Claude is reached."""

from __future__ import annotations

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClaudeSettings(BaseSettings):
    """Key, models and limits.

    Attributes:
        api_key: `AXIOM_CLAUDE_API_KEY`, else `ANTHROPIC_API_KEY`; without one nothing is asked.
        model: what is asked; it must be in the price table.
        cheaper_model: what is asked in conservation mode.
        timeout_s: of one call; after it the call counts as paid at its worst case.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_claude_", frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )
    api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("axiom_claude_api_key", "anthropic_api_key")
    )
    base_url: str = "https://api.anthropic.com"
    model: str = "claude-haiku-5-5"
    cheaper_model: str = "claude-haiku-5-5"
    timeout_s: float = Field(default=60.0, gt=0, le=600)

    @property
    def has_key(self) -> bool:
        """Whether Claude can be asked at all."""
        return self.api_key is not None
