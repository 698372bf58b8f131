"""Where the model's files lie: Chroma's own cache, so that both find what either fetched."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

FILES = (
    "config.json",
    "model.onnx",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
"""All that Chroma asks for before it takes its cache for whole."""

_INSIDE = "onnx"


def default_folder() -> Path:
    """The folder in which chromadb keeps this model."""
    return Path.home() / ".cache" / "chroma" / "onnx_models" / "all-MiniLM-L6-v2"


def model_folder(folder: Path | None) -> Path:
    """The folder of the files themselves, in `folder` or the default one."""
    return (folder or default_folder()) / _INSIDE


def are_there(folder: Path | None) -> bool:
    """Whether every file is."""
    return all((model_folder(folder) / name).is_file() for name in FILES)


def put(folder: Path | None, contents: Mapping[str, bytes]) -> None:
    """Write the files, all or none: whoever looks meanwhile sees no half model."""
    target = model_folder(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{_INSIDE}-", dir=target.parent))
    try:
        for name in FILES:
            (made / name).write_bytes(contents[name])
        made.chmod(0o755)
        if target.exists() and not are_there(folder):
            shutil.rmtree(target)  # a fetch that was cut off, perhaps Chroma's
        with suppress(OSError):  # another process was first; its files are as good
            made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
