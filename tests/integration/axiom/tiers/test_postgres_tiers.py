"""The tiers on real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom.tiers.postgres import MIGRATIONS, PostgresTiers
from tests.suites.tiers import TiersSuite

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]


@pytest.fixture
async def tiers() -> AsyncIterator[PostgresTiers]:
    control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
    await control.setup()
    await control.execute("TRUNCATE tier_members, tier_prices")
    yield PostgresTiers(control)
    await control.execute("TRUNCATE tier_members, tier_prices")
    await control.close()


class TestPostgresTiers(TiersSuite):
    pass
