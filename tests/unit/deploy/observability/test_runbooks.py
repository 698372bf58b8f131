"""Each alert has a page and each page an alert; what a page says can be done."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import typer.main

from axiom_cli.main import build
from tests.unit.deploy.observability.rules_file import ROOT, alerts

pytestmark = pytest.mark.unit

PAGES = sorted((ROOT / "docs/runbooks/alerts").glob("*.md"))
PARTS = ["Meaning", "Check", "Fix", "Prevention"]


def commands(page: Path) -> list[str]:
    """What the page calls of the `axiom` command, in blocks and within sentences."""
    text = page.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = [line.split(" #")[0].strip() for line in blocks.splitlines()]
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    quoted = [" ".join(code.split()) for code in re.findall(r"`(axiom [^`]+)`", prose)]
    return [line for line in [*lines, *quoted] if line.startswith("axiom ")]


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
    assert commands(page)


@pytest.fixture(scope="module")
def application() -> click.Command:
    """The `axiom` command with all that it has."""
    return typer.main.get_command(build())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_commands_are_real(page: Path, application: click.Command) -> None:
    for command in commands(page):
        _parse(application, shlex.split(command)[1:])


def _parse(command: click.Command, words: list[str]) -> None:
    """As click does it, without running anything. Raises for what does not exist."""
    parent: click.Context | None = None
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"there is no command {words[0]}"
        parent, command, words = click.Context(command, parent=parent), found, words[1:]
    if "--help" not in words:
        command.make_context(command.name, words, parent=parent)
