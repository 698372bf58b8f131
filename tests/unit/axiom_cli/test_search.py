from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import typer

from axiom_cli.search import moment

pytestmark = pytest.mark.unit


def test_a_time_may_be_a_date_a_moment_or_how_long_ago() -> None:
    assert moment("2026-11-20") == datetime(2026, 11, 20, tzinfo=UTC)
    assert moment("2026-11-20T10:00:00+02:00") == datetime(
        2026, 11, 20, 10, tzinfo=timezone(timedelta(hours=2))
    )
    earlier = datetime.now(UTC)
    assert earlier - timedelta(days=7) <= moment("7d") <= datetime.now(UTC) - timedelta(days=7)


@pytest.mark.parametrize("text", ["soon", "d", "", "-3d", "3y"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 12h"):
        moment(text)
