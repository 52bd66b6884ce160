"""The OpenAPI document: what FastAPI tells of the api, the edge's raw routes, and an example for every operation."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import FastAPI

from aforo.app.edge.operations import OPERATIONS, Operation
from aforo.app.examples import EXAMPLES
from aforo.app.openapi_problems import add_problems
from aforo.usage import Answer

_NAMES: Final[dict[type[msgspec.Struct], str]] = {Answer: "IngestAnswer"}


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
    types = {one.answers for one in OPERATIONS} | {one.takes for one in OPERATIONS if one.takes is not None}
    ordered = sorted(types, key=lambda one: one.__name__)
    (_, components) = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    for kind, name in _NAMES.items():
        components[name] = components.pop(kind.__name__)
    document["components"]["schemas"] |= components
    for one in OPERATIONS:
        document["paths"].setdefault(one.path, {})[one.method.lower()] = _operation(one)


def _operation(one: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "tags": ["edge"],
        "summary": one.summary,
        "description": "Served by the edge's origin; this one passes it on.",
        "operationId": one.method.lower() + re.sub(r"[^a-zA-Z0-9]+", "_", one.path).rstrip("_"),
        "responses": {str(one.status): {"description": "Done", "content": _content(one.answers, one.example)}},
    }
    inside = [(name, "path") for name in re.findall(r"{(\w+)}", one.path)]
    if inside or one.parameters:
        made["parameters"] = [_parameter(*each) for each in (*inside, *one.parameters)]
    if one.takes is not None:
        made["requestBody"] = {"required": True, "content": _content(one.takes, one.body)}
    if one.path.startswith("/internal/"):
        made["responses"] |= {str(code): {"$ref": f"#/components/responses/Problem{code}"} for code in (404, 422, 503)}
    return made


def _content(kind: type[msgspec.Struct], example: Any) -> dict[str, Any]:
    name = _NAMES.get(kind, kind.__name__)
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": example}}


def _parameter(name: str, place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}
