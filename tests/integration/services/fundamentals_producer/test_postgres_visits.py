from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from services.fundamentals_producer.company_graph.visits import MIGRATIONS, PostgresVisits
from tests.stack import StackUnderTest
from tests.suites.visits import VisitsSuite

pytestmark = pytest.mark.integration


class TestPostgresVisits(VisitsSuite):
    @pytest.fixture
    async def visits(self, stack: StackUnderTest) -> AsyncIterator[PostgresVisits]:
        control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
        visits = PostgresVisits(control)
        await visits.setup()
        await control.execute("DELETE FROM company_visits")
        yield visits
        await control.close()
