"""Settings of the news-producer: `AXIOM_NEWS_*`. Those of all producers are in `axiom.sources.settings`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from axiom.universe.watchlist import split_list

FEEDS = (
    "https://finance.yahoo.com/news/rssindex",
    "https://www.cnbc.com/id/10001147/device/rss/rss.html",
    "https://feeds.content.dowjones.io/public/rss/mw_topstories",
    "https://www.federalreserve.gov/feeds/press_all.xml",
    "https://www.sec.gov/news/pressreleases.rss",
)
HOSTS = (
    "finance.yahoo.com", "cnbc.com", "feeds.content.dowjones.io", "marketwatch.com", "federalreserve.gov",
    "sec.gov", "nasdaq.com", "globenewswire.com", "prnewswire.com", "businesswire.com",
)  # fmt: skip


class NewsSettings(BaseSettings):
    """Where news come from and which are taken.

    Attributes:
        sources: all of them are asked; empty: yahoo, rss, finnhub where it has a key, and `sample`, which is
            replayed only when none of the others answered at all.
        poll_every_s: from one round to the next.
        max_age_h: older articles are left out (not those of files).
        languages: ISO 639-1; articles that are surely in another one are left out.
        rss_feeds: addresses of feeds.
        rss_hosts: the hosts that feeds and their redirects may be on, and those below them.
        file: the JSON lines that the source `file` replays.
        join_window_h: headlines that say the same within this time are one event.
        remember: how many events are kept in mind to see repeats; as many are read back from the topic
            at the start.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_news_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    sources: Annotated[tuple[str, ...], NoDecode] = ()
    poll_every_s: float = Field(default=300.0, gt=0)
    max_age_h: float = Field(default=72.0, gt=0)
    languages: Annotated[tuple[str, ...], NoDecode] = ("en",)
    rss_feeds: Annotated[tuple[str, ...], NoDecode] = FEEDS
    rss_hosts: Annotated[tuple[str, ...], NoDecode] = HOSTS
    file: Path | None = None
    join_window_h: float = Field(default=48.0, gt=0)
    remember: int = Field(default=20_000, ge=100, le=1_000_000)

    @field_validator("sources", "languages", "rss_feeds", "rss_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_list(value)

    @field_validator("rss_hosts", "languages")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one.lower() for one in value)

    @property
    def max_age(self) -> timedelta:
        return timedelta(hours=self.max_age_h)
