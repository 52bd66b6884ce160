"""The OpenAPI document tells the truth, and shows an example for everything."""

import copy
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from aforo.app.edge.operations import OPERATIONS, Operation
from aforo.app.examples import EXAMPLES
from aforo.usage import Answer
from tests.enforcement.parts import Shop, edge
from tests.live import aforo

PROBES = {"/healthz", "/readyz", "/metrics"}


_KEPT: dict[str, Any] = {}


@pytest.fixture
async def document(tmp_path: Path) -> dict[str, Any]:
    """Asked for once; it takes a second to make, and here nobody writes into it."""
    if not _KEPT:
        async with aforo(tmp_path) as running:
            _KEPT.update((await running.http.get("/openapi.json")).json())
    return _KEPT


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


async def test_the_document_names_the_edges_routes_all_of_them_and_no_other(
    document: dict[str, Any], tmp_path: Path
) -> None:
    Shop(tmp_path / "edge")
    async with edge(tmp_path / "edge") as running:
        served = {(one.method.lower(), one.path) for one in running.handlers.served}
    told = {
        (method, path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "edge" in operation.get("tags", ())
    }
    assert told == served


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
async def test_the_edge_can_read_the_examples_of_its_operations(one: Operation) -> None:
    if one.takes is not None:
        msgspec.json.decode(msgspec.json.encode(one.body), type=one.takes)
    if one.answers is not Answer:
        msgspec.json.decode(msgspec.json.encode(one.example), type=one.answers)


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
async def test_each_example_of_the_edge_is_of_its_schema(document: dict[str, Any], one: Operation) -> None:
    told = document["paths"][one.path][one.method.lower()]
    for part in (told.get("requestBody"), told["responses"][str(one.status)]):
        if part is not None:
            content = part["content"]["application/json"]
            schema = {**content["schema"], "components": document["components"]}
            jsonschema.Draft202012Validator(schema).validate(content["example"])
