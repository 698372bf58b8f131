"""Each alert has a page and each page an alert. That its commands exist is held by tests/unit/docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.deploy.observability.rules_file import ROOT, alerts

pytestmark = pytest.mark.unit

PAGES = sorted((ROOT / "docs/runbooks/alerts").glob("*.md"))
PARTS = ["Meaning", "Check", "Fix", "Prevention"]


def test_every_alert_names_its_page_and_every_page_an_alert() -> None:
    named = {rule["annotations"]["runbook_url"]: rule["alert"] for rule in alerts()}
    assert {str(page.relative_to(ROOT)) for page in PAGES} == set(named)
    for path, alert in named.items():
        slug = re.sub(r"(?<!^)(?=[A-Z])", "-", alert.removeprefix("Axiom")).lower()
        assert path == f"docs/runbooks/alerts/{slug}.md"
        assert (ROOT / path).read_text(encoding="utf-8").startswith(f"# {alert}\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_it_means_how_to_check_fix_and_prevent_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), f"{target} is not there"
    assert "axiom " in text
