"""uv's wheel is chosen for the machine and unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from deploy import fetch_uv

pytestmark = pytest.mark.unit

SHA = "ab" * 32
INDEX = "\n".join(
    f'<a href="https://files.example/uv-{version}-py3-none-{tag}.whl#sha256={SHA}" data-x="y">x</a>'
    for version in ("0.13.7", "0.13.8")
    for tag in (
        "macosx_11_0_arm64",
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "manylinux_2_28_aarch64",
        "musllinux_1_1_x86_64",
    )
)


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (["manylinux", "x86_64"], "uv-0.13.8-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
        (["musllinux", "x86_64"], "uv-0.13.8-py3-none-musllinux_1_1_x86_64.whl"),
        (["macosx", "arm64"], "uv-0.13.8-py3-none-macosx_11_0_arm64.whl"),
    ],
)
def test_the_wheel_of_this_machine_and_version(tags: list[str], name: str) -> None:
    assert fetch_uv.choose(INDEX, "0.13.8", tags) == (f"https://files.example/{name}", SHA)


def test_a_machine_without_a_wheel_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"no uv 0\.13\.8 for this machine"):
        fetch_uv.choose(INDEX, "0.13.8", ["manylinux", "s390x"])


def test_the_program_is_unpacked_ready_to_run(tmp_path: Path) -> None:
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("uv/__init__.py", "")
        archive.writestr("uv-0.13.8.data/scripts/uv", "program")
    fetch_uv.unpack(wheel.getvalue(), tmp_path / "bin")
    assert (tmp_path / "bin" / "uv").read_text() == "program"
    assert (tmp_path / "bin" / "uv").stat().st_mode & 0o100
    assert len(list((tmp_path / "bin").iterdir())) == 1
