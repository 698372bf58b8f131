"""Behaviour suites: what a port promises, run over its twin in memory (unit) and over real servers."""

import pytest

pytest.register_assert_rewrite("tests.suites.bus", "tests.suites.shadows", "tests.suites.stores")
