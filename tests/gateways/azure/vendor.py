"""Holds every exchange against the vendor's description: path, parameters, bodies and statuses, on both sides."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft4Validator

from aforo.gateway_sdk.emulator import AsgiApp, Receive, Scope, Send, read_body
from tests.shared_facts import shared

Json = dict[str, Any]
SERVICE = (
    "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
    "/providers/Microsoft.ApiManagement/service/{serviceName}"
)


@cache
def description() -> Json:
    """The vendor's description; skips the test where it is not beside the checkout."""
    found: Json = json.loads(shared("specs/azure/apim-2024-05-01.derived.openapi.json").read_text())
    return found


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    found = [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "/?", re.IGNORECASE), path)
             for path in description()["paths"]]  # fmt: skip
    return sorted(found, key=lambda one: one[1].count("{"))


def template_of(path: str) -> str | None:
    return next((template for pattern, template in _templates() if pattern.fullmatch(path)), None)


class Described:
    """An ASGI app around the emulator. `faults` is what broke the description; `seen` is (operation, status)."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.faults: list[str] = []
        self.seen: set[tuple[str, int]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        sent: list[Any] = []

        async def again() -> Json:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Any) -> None:
            sent.append(message)
            await send(message)

        await self._app(scope, again, keep)
        if scope["path"].startswith("/subscriptions/") and "Microsoft.Authorization" not in scope["path"]:
            answer = b"".join(message.get("body", b"") for message in sent[1:])
            where = f"{scope['method']} {scope['path']} → {sent[0]['status']}"
            faults = self._check(scope, body, sent[0]["status"], dict(sent[0]["headers"]), answer)
            self.faults += [f"{where}: {fault}" for fault in faults]

    def _check(
        self, scope: Scope, body: bytes, status: int, headers: Mapping[bytes, bytes], answer: bytes
    ) -> Iterator[str]:
        template = template_of(scope["path"])
        method = scope["method"].lower()
        if template is None or method not in description()["paths"][template]:
            yield "is not in the description"
            return
        operation = description()["paths"][template][method]
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        if template == f"{SERVICE}/apis/{{apiId}}" and method == "get" and "export" not in query:
            operation = _plain_get(operation)  # two operations share this path; the description kept only the export
        self.seen.add((f"{method} {template.removeprefix(SERVICE)}", status))
        if status < 400:
            yield from _request_faults(operation, query, dict(scope["headers"]), body)
        told = operation["responses"].get(str(status))
        if told is None and status < 400:
            yield "has a status that is not described"
        told = told or operation["responses"]["default"]
        if method != "head":
            yield from _answer_faults(told, headers, answer)


def _plain_get(operation: Json) -> Json:
    schema = {"schema": {"$ref": "#/components/schemas/ApiContract"}}
    answers = {"200": {"content": {"application/json": schema}, "headers": {"ETag": {}}}}
    parameters = [one for one in operation["parameters"] if one["name"] not in ("export", "format")]
    return {**operation, "parameters": parameters, "responses": {**operation["responses"], **answers}}


def _request_faults(operation: Json, query: Json, headers: Mapping[bytes, bytes], body: bytes) -> Iterator[str]:
    known = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
    for name in query.keys() - known:
        yield f"request: the parameter {name} is not described"
    for one in operation["parameters"]:
        if one["in"] == "query" and one.get("required") and one["name"] not in query:
            yield f"request: lacks {one['name']}"
        if one["in"] == "header" and one.get("required") and one["name"].lower().encode() not in headers:
            yield f"request: lacks the header {one['name']}"
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        yield from (f"request: {fault}" for fault in _schema_faults(schema, json.loads(body), request=True))
    elif body and json.loads(body):
        yield "request: has a body that is not described"


def _answer_faults(told: Json, headers: Mapping[bytes, bytes], answer: bytes) -> Iterator[str]:
    if "ETag" in told.get("headers", {}) and b"etag" not in headers:
        yield "answer: lacks the ETag"
    content = told.get("content", {}).get("application/json")
    if content and not answer:
        yield "answer: has no body"
    elif content:
        yield from (
            f"answer: {fault}" for fault in _schema_faults(content["schema"], json.loads(answer), request=False)
        )


def _schema_faults(schema: Json, value: Any, *, request: bool) -> Iterator[str]:
    whole = {**schema, "components": description()["components"]}
    for error in Draft4Validator(whole).iter_errors(value):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
    yield from _strangers(schema, value, "", request=request)


def _strangers(schema: Json, value: Any, pointer: str, *, request: bool) -> Iterator[str]:
    """Members that the description does not have, and in a request those that only the vendor writes."""
    while "$ref" in schema or "allOf" in schema:
        schema = _resolved(schema) if "$ref" in schema else schema["allOf"][0]
    if isinstance(value, list):
        for one in value:
            yield from _strangers(schema.get("items", {}), one, f"{pointer}/*", request=request)
    if not isinstance(value, dict) or "properties" not in schema:
        return
    for name, member in value.items():
        inner = schema["properties"].get(name)
        if inner is None:
            yield f"{pointer}/{name} is not described"
        elif request and inner.get("readOnly"):
            yield f"{pointer}/{name} is read-only"
        else:
            yield from _strangers(inner, member, f"{pointer}/{name}", request=request)


def _resolved(schema: Json) -> Json:
    found: Json = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found
