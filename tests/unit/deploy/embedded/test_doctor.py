"""What the doctor says of machines that are not this one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.embedded import doctor
from deploy.embedded.doctor import GIB
from deploy.embedded.layout import Layout, Ports

pytestmark = pytest.mark.unit


def test_an_old_python_is_a_problem() -> None:
    assert doctor.python((3, 10, 9)).verdict == "problem"
    assert doctor.python((3, 11, 0)).verdict == "ok"


@pytest.mark.parametrize(("free_gib", "verdict"), [(0.5, "problem"), (2.0, "warning"), (50.0, "ok")])
def test_disk(tmp_path: Path, free_gib: float, verdict: str) -> None:
    assert doctor.disk(tmp_path, int(free_gib * GIB)).verdict == verdict


@pytest.mark.parametrize(("free_gib", "verdict"), [(1.0, "problem"), (2.0, "warning"), (8.0, "ok")])
def test_memory(free_gib: float, verdict: str) -> None:
    assert doctor.memory(int(free_gib * GIB), running=False).verdict == verdict


def test_a_running_stack_has_its_memory_already() -> None:
    assert doctor.memory(GIB // 2, running=True).verdict == "ok"


def test_few_open_files_are_a_warning() -> None:
    assert doctor.open_files(1024).verdict == "warning"
    assert doctor.open_files(65536).verdict == "ok"


def test_a_home_of_another_user_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    someone_else = tmp_path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: someone_else)
    assert doctor.user(tmp_path).verdict == "problem"


@pytest.mark.parametrize("name", ["a%b", 'a"b', "a'b", "a\\b", "a#b"])
def test_a_home_with_an_awkward_name_is_a_problem(tmp_path: Path, name: str) -> None:
    assert doctor.state_folder(tmp_path / name).verdict == "problem"


def test_a_home_that_is_not_there_yet_is_fine(tmp_path: Path) -> None:
    assert doctor.state_folder(tmp_path / "with space" / "deeper").verdict == "ok"


def test_a_file_in_the_way_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert doctor.folder(tmp_path / "file" / "home", "AXIOM_HOME").verdict == "problem"


def test_ports_of_a_running_stack_are_its_own(tmp_path: Path) -> None:
    assert doctor.ports(Layout(tmp_path, Ports()), running=True).verdict == "ok"


def test_every_problem_says_what_to_do(tmp_path: Path) -> None:
    bad = [doctor.python((3, 9, 0)), doctor.disk(tmp_path, 0), doctor.memory(0, running=False)]
    assert all(outcome.advice for outcome in bad)
