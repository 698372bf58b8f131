from __future__ import annotations

import pytest

from services.fundamentals_producer.company_graph.visits import MemoryVisits
from tests.suites.visits import VisitsSuite

pytestmark = pytest.mark.unit


class TestMemoryVisits(VisitsSuite):
    @pytest.fixture
    def visits(self) -> MemoryVisits:
        return MemoryVisits()
