"""The OpenAPI document: what FastAPI tells of the api, the edge's raw routes, and an example for every operation."""

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import FastAPI

from aforo.app.edge.handlers import INGEST_PATHS
from aforo.app.examples import EVENT, EXAMPLES
from aforo.app.openapi_problems import add_problems
from aforo.usage import Answer


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """A replacement for `app.openapi` that adds the edge's routes, problems and examples; made once, then kept."""
    made = app.openapi
    kept: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not kept:
            kept.update(made())
            _add_edge(kept)
            add_problems(kept)
            for operations in kept["paths"].values():
                for operation in operations.values():
                    _add_examples(operation, kept["components"]["schemas"])
        return kept

    return document


def _add_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    parts = [operation.get("requestBody", {}), *operation["responses"].values()]
    for part in parts:
        for content in part.get("content", {}).values():
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            own = schemas.get(name, {}).get("examples")
            if "example" not in content and (name in EXAMPLES or own):
                content["example"] = EXAMPLES[name] if name in EXAMPLES else own[0]


def _add_edge(document: dict[str, Any]) -> None:
    (_, components) = msgspec.json.schema_components([Answer], ref_template="#/components/schemas/{name}")
    document["components"]["schemas"] |= {"IngestAnswer": components.pop("Answer"), **components}
    for path in sorted(INGEST_PATHS):
        document["paths"][path] = {"post": _ingest(path)}


def _ingest(path: str) -> dict[str, Any]:
    answer = {"schema": {"$ref": "#/components/schemas/IngestAnswer"}}
    example = {"accepted": 1, "duplicates": 0, "failed": 0, "errors": []}
    return {
        "tags": ["edge"],
        "summary": "Ingest usage events; 202 only once they are durable. Served by the edge's origin",
        "operationId": "ingest" + path.replace("/", "_"),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": {"events": [EVENT]}}},
        },
        "responses": {
            "202": {"description": "Durable", "content": {"application/json": answer | {"example": example}}}
        },
    }
