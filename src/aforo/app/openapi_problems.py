"""What every operation of the OpenAPI document can answer besides success: problems, and who is let in."""

from typing import Any, Final

_WORDS: Final = {
    400: "The request cannot be read",
    401: "No API key or session, or one that is not valid",
    403: "Not with this key or role",
    404: "Not there, or another tenant's",
    409: "It has changed, or its state does not allow this; or the first request with this Idempotency-Key still runs",
    412: "Somebody changed it at the gateway in the meantime",
    413: "The body is too large",
    415: "Not a media type or content encoding that is taken",
    422: "Readable, but not acceptable: `errors` names each member",
    502: "The gateway did not do it",
    503: "Not now: the same request may be sent again after `Retry-After` seconds",
}
_CALLS_A_GATEWAY: Final = frozenset({"integrations", "products", "drift", "subscriptions", "schedules"})
_TEXT: Final = {"type": "string"}
_PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable and meant for programs, `detail` is meant for people.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": _TEXT,
        "instance": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": _TEXT, "detail": _TEXT},
            },
        },
        "steps": {"type": "array", "items": {"type": "object"}},
    },
}
_KEYS: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "aforoKey": {"type": "apiKey", "in": "header", "name": "X-Aforo-Key"},
}
_MADE_BY_FASTAPI: Final = ("HTTPValidationError", "ValidationError")


def add_problems(document: dict[str, Any]) -> None:
    """Name the problems of every operation that needs a key, and the ways to send one."""
    components = document["components"]
    for name in _MADE_BY_FASTAPI:
        components["schemas"].pop(name, None)
    components["schemas"]["Problem"] = _PROBLEM
    components["responses"] = {f"Problem{status}": _response(status) for status in _WORDS}
    components["securitySchemes"] = _KEYS
    for path, operations in document["paths"].items():
        if path.startswith(("/api/", "/v1/")):
            for method, operation in operations.items():
                _add_to(operation, method, "{" in path)


def _add_to(operation: dict[str, Any], method: str, names_a_thing: bool) -> None:
    operation["security"] = [{name: []} for name in _KEYS]
    operation["responses"].pop("422", None)
    for status in sorted(_statuses(operation, method, names_a_thing)):
        operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})


def _statuses(operation: dict[str, Any], method: str, names_a_thing: bool) -> set[int]:
    found = {401, 403, 503}
    if names_a_thing:
        found |= {404, 422}
    if operation.get("parameters"):
        found |= {404, 422}
    if method != "get":
        found |= {409, 413, 422}
    if "requestBody" in operation:
        found |= {400, 404, 413, 422}
    tags = frozenset(operation.get("tags", ()))
    if tags & _CALLS_A_GATEWAY:
        found |= {409, 412, 502}
    if "edge" in tags or "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
        found |= {415}
    return found


def _response(status: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "description": _WORDS[status],
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status == 503:
        made["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    return made
