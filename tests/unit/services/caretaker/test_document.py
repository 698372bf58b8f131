from __future__ import annotations

from html.parser import HTMLParser

import pytest

from services.caretaker.reports.document import Plot, Report, Section, Table, markdown, page
from services.caretaker.reports.plots import lines, moves, stacked

pytestmark = pytest.mark.unit

HOSTILE = (
    '<script>alert("x")</script> | [link](javascript:alert(1)) `code` $\\frac{1}{0}$ & "quoted"\n# heading'
)
REPORT = Report(
    HOSTILE,
    HOSTILE,
    [
        Section(
            HOSTILE,
            [HOSTILE],
            [Table(("name", HOSTILE), [(HOSTILE, 1), ("plain", None)])],
            [Plot("picture", HOSTILE, b"\x89PNG")],
        )
    ],
)


class Tags(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_what_comes_from_outside_stays_text_in_html() -> None:
    found = Tags()
    written = page(REPORT)
    found.feed(written)
    assert "script" not in found.tags
    assert "a" not in found.tags
    assert not {name for name in found.attributes if name.startswith("on")}
    assert HOSTILE in found.text
    assert "default-src 'none'" in written
    assert "data:image/png;base64,iVBORw==" in written


def test_what_comes_from_outside_stays_text_in_markdown() -> None:
    written = markdown(REPORT)
    assert "<script>" not in written
    assert "[link](" not in written
    assert "\n# heading" not in written
    [row] = [line for line in written.splitlines() if line.endswith("| 1 |")]
    assert row.count(" | ") == 1, "a cell is one cell"
    assert "](picture.png)" in written


def test_numbers_stand_right() -> None:
    table = Table(("symbol", "change"), [("A", 1.5), ("B", None)])
    report = Report("t", "a", [Section("s", (), [table])])
    assert "| --- | --: |" in markdown(report)
    assert "<td class=n>1.5</td>" in page(report)


def test_an_empty_table_has_its_headings() -> None:
    report = Report("t", "a", [Section("s", (), [Table(("one", "two"), [])])])
    assert "| one | two |" in markdown(report)
    assert "<th>one</th>" in page(report)


def test_plots_take_any_label() -> None:
    days = [f"11-{day:02}" for day in range(1, 31)]
    values = [float(day) for day in range(30)]
    for plot in (
        lines("a", "b", days, {HOSTILE: values, "$x": values}, "$unit_{"),
        stacked("a", "b", days, {HOSTILE: values, "$x^{": values}, "USD"),
        moves("a", "b", [("$A_{", 0.1), ("BRK.B", -0.2)]),
    ):
        assert plot.png.startswith(b"\x89PNG")
