"""Every command that the documentation shows exists, with its options and names."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.documentation.checks import Wrong, check
from tests.documentation.shown import ROOT, blocks, commands, commands_of, pages

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("page", sorted({shown.page for shown in commands()}))
def test_every_command_of_a_page_exists(page: str) -> None:
    wrong = []
    for shown in commands():
        if shown.page == page:
            try:
                check(shown)
            except Wrong as error:
                wrong.append(f"`{' '.join(shown.words)}`: {error}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("axiom topcis list", "no command `axiom topcis`"),
        ("axiom topics lst", "no command `axiom topics lst`"),
        ("axiom topics list --jsn", "No such option"),
        ("axiom budget --days many", "a valid integer"),
        ("axiom similar", "Missing argument"),
        ("axiom rebuild redis --accept-los", "No such option"),
        ("make tests", "no target"),
        ("make bench ONLY=postgres", "ARGS alone"),
        ("kcat -b $B -C -t prices", "no topic prices"),
        ("docker compose --profile nothing up", "no profile"),
        ("docker compose up --scale postgres=2 --scale pg-sink=2", "no service pg-sink"),
        ("docker compose exec pg psql", "no service pg"),
        ("docker compose run --rm cli topcis list", "no command `axiom topcis`"),
        ("docker compose -f nowhere.yml up", "no nowhere.yml"),
        ("kubectl apply -k deploy/nowhere", "no deploy/nowhere"),
        ("python -m services.nowhere", "no module"),
        ("axoim status", "say in CHECKS"),
    ],
)
def test_what_does_not_exist_is_noticed(line: str, why: str) -> None:
    [shown, *_] = commands_of("a page", f"```sh\n{line}\n```\n")
    if "No such option" in why:  # in running text too
        with pytest.raises(Wrong, match=re.escape(why)):
            check(replace(shown, inline=True))
    with pytest.raises(Wrong, match=re.escape(why)):
        check(shown)


def test_commands_are_found_in_all_places_that_pages_use() -> None:
    page = (
        "Run `axiom up`, not `stack.env`.\n\n    make chaos   # all\n\n"
        "```sh\nA=1 B=2 axiom budget | jq .day; set -a\nB='x\ny' make up \\\n  ARGS=--no-wait\n```\n"
        "```console\n$ axiom status > file\nName What\n```\n```sql\nSELECT 1;\n```\n"
    )
    found = [(shown.words, shown.inline, shown.assigned) for shown in commands_of("page", page)]
    assert sorted(found) == sorted([
        (("axiom", "up"), True, ()),
        (("make", "chaos"), False, ()),
        (("axiom", "budget"), False, ("A", "B")),
        (("jq", ".day"), False, ()),
        (("set", "-a"), False, ()),
        (("make", "up", "ARGS=--no-wait"), False, ("B",)),
        (("axiom", "status"), False, ()),
        (("redirected-to", "file"), False, ()),
    ])  # fmt: skip


def test_pages_show_what_they_should() -> None:
    """The extractor sees the pages: a broken one would make every other test here pass."""
    assert len(commands()) > 60
    assert {block.language for block in blocks()} >= {"sh", "sql", "cypher"}


def test_every_variable_that_a_page_sets_or_names_is_read_somewhere() -> None:
    names = _setting_names()
    wrong = set()
    for shown in commands():
        wrong |= {name for name in shown.assigned if name.startswith("AXIOM_")} - names
    assert not wrong, f"no setting is called {wrong}"


def _setting_names() -> set[str]:
    """Names that stand in the code or the compose file, and `prefix + field` of settings."""
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("libs", "services", "deploy", "tests")
        for path in (ROOT / folder).rglob("*.py")
    )
    text += (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    found = set(re.findall(r"\bAXIOM_[A-Z0-9_]+", text))
    groups = set(re.findall(r"""(?:_config\(|env_prefix=)["'](?:axiom_)?([a-z0-9_]+?)_?["']""", text))
    fields = set(re.findall(r"^    ([a-z0-9_]+): ", text, re.MULTILINE))
    return found | {f"AXIOM_{group}_{field}".upper() for group in groups for field in fields}


def test_every_link_leads_to_a_file_and_every_page_is_in_the_index() -> None:
    lost, reached = [], set()
    for page in [*pages(), *(ROOT / "docs/adr").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")):
                place = (page.parent / target).resolve()
                reached.add(place)
                if not place.exists():
                    lost.append(f"{page.relative_to(ROOT)}: {target}")
    assert not lost, "\n".join(lost)
    told = {page.resolve() for page in pages()} - {ROOT / "README.md", ROOT / "docs/README.md"}
    missing = {page for page in told - reached if page.parent != ROOT / "docs/runbooks/alerts"}
    assert not missing, f"no page leads to {missing}"


def test_files_that_a_page_names_exist() -> None:
    shape = re.compile(r"`((?:tests|libs|services|deploy|topics|docs)/[\w./-]+)`")
    named = {(page, name) for page in pages() for name in shape.findall(page.read_text(encoding="utf-8"))}
    lost = [f"{page.relative_to(ROOT)}: {name}" for page, name in named if not (ROOT / name).exists()]
    assert not lost, "\n".join(sorted(lost))
