"""The committed JSON Schemas are the contract with every record in the log and every other reader."""

from __future__ import annotations

import json

import pytest

from axiom.contracts import schemas
from axiom_cli.schemas import FOLDER
from topics import all_topics

pytestmark = pytest.mark.unit


def test_the_committed_schemas_are_those_of_the_models() -> None:
    drift = [
        f"{name}: {change}"
        for name, changes in schemas.review(all_topics().values(), FOLDER).items()
        for change in changes
    ]
    assert not drift, (
        "the payload models are not those of topics/schemas any more. Compatible changes are accepted by "
        "`axiom topics schemas --write`; others need a raised version of the topic:\n" + "\n".join(drift)
    )


def test_every_topic_with_a_payload_has_a_schema_and_no_other_has() -> None:
    with_payload = {name for name, topic in all_topics().items() if topic.payload is not None}
    assert {file.stem for file in FOLDER.glob("*")} == with_payload


def test_a_schema_names_its_topic_version_and_key() -> None:
    schema = json.loads((FOLDER / "price-updates.json").read_text(encoding="utf-8"))
    assert (schema["title"], schema["x-version"], schema["x-key"]) == ("price-updates", 1, "symbol")
