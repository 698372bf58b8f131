from __future__ import annotations

import pytest

from axiom.tiers.memory import MemoryTiers
from tests.suites.tiers import TiersSuite

pytestmark = pytest.mark.unit


@pytest.fixture
def tiers() -> MemoryTiers:
    return MemoryTiers()


class TestMemoryTiers(TiersSuite):
    pass
