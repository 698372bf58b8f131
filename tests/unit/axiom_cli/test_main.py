"""The command's errors and exit codes, and how it finds its commands."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from axiom.errors import AxiomError, BadRecord, Misconfigured, StoreDown, Transient
from axiom_cli import main

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Misconfigured("x"), 2),
        (StoreDown("x"), 3),
        (Transient("x"), 3),
        (BadRecord("class", "x"), 1),
        (AxiomError("x"), 1),
    ],
)
def test_exit_codes(error: AxiomError, code: int) -> None:
    assert main.exit_code(error) == code


def test_every_command_module_beside_main_is_found() -> None:
    shown = CliRunner().invoke(main.build(), ["--help"]).output
    assert all(command in shown for command in ("up", "down", "status", "logs", "reset", "doctor"))


def test_a_command_alone_is_found_like_among_all() -> None:
    everything = main.build()
    names = {
        command.name or command.callback.__name__
        for command in everything.registered_commands
        if command.callback
    }
    names |= {group.name for group in everything.registered_groups if group.name}
    for name in names:
        alone = main.build(name)
        found = {
            command.name or command.callback.__name__
            for command in alone.registered_commands
            if command.callback
        }
        found |= {group.name for group in alone.registered_groups if group.name}
        assert name in found
        assert found < names


def test_an_error_is_one_line_without_a_traceback(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "axiom_cli.main", "logs"],
        env={"AXIOM_HOME": str(tmp_path), "COLUMNS": "300"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("axiom: there is no stack in")
    assert len(done.stderr.splitlines()) == 1


def test_status_of_nothing_says_so(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "axiom_cli.main", "status", "--json"],
        env={"AXIOM_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert '"up": false' in done.stdout
