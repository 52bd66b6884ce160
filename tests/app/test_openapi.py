"""The OpenAPI document tells the truth, and shows an example for everything."""

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from aforo.app.examples import EXAMPLES
from tests.live import aforo

PROBES = {"/healthz", "/readyz", "/metrics"}


@pytest.fixture
async def document(tmp_path: Path) -> dict[str, Any]:
    async with aforo(tmp_path) as running:
        found: dict[str, Any] = (await running.http.get("/openapi.json")).json()
        return found


async def test_every_operation_shows_an_example_of_what_it_takes_and_of_what_it_answers(
    document: dict[str, Any],
) -> None:
    lacking = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            good = [answer for code, answer in operation["responses"].items() if code.startswith("2")]
            parts = [operation["requestBody"]] if "requestBody" in operation else []
            contents = [content for part in parts + good for content in part.get("content", {}).values()]
            if path not in PROBES and not all("example" in content for content in contents):
                lacking.append(f"{method} {path}")
    assert lacking == []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
async def test_each_example_is_of_its_schema(document: dict[str, Any], name: str) -> None:
    schema = {**copy.deepcopy(document["components"]["schemas"][name]), "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(EXAMPLES[name])


async def test_the_document_names_the_edges_routes(document: dict[str, Any]) -> None:
    assert {"/v1/ingest", "/v1/ingest/batch", "/v1/ingest/events"} <= set(document["paths"])
