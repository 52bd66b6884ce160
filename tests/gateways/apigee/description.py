"""The vendor's description as a judge: every request and every answer that passes is compared with it."""

import json
import re
from collections import Counter
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator

from aforo.gateway_sdk.emulator import AsgiApp, Receive, Scope, Send, answer, read_body
from tests.shared_facts import shared

_FILE: Final = "specs/apigee/apigee.v1.derived.openapi.json"
_ORGANIZATION: Final = "/v1/organizations/{organizationsId}"


@cache
def is_at_hand() -> bool:
    """Whether the description lies beside this checkout; without it calls pass unjudged, and its own tests skip."""
    try:
        return shared(_FILE).exists()
    except pytest.skip.Exception:
        return False


@cache
def description() -> dict[str, Any]:
    """With schemas that allow no member that they do not name: Google's servers refuse those as well."""
    told: dict[str, Any] = json.loads(shared(_FILE).read_text())
    for schema in told["components"]["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
    return told


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Paths with the fewest variables first, so that a literal part goes before one that may be anything."""
    paths = sorted(description()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path.replace(":", "\\:"))), path) for path in paths]


def template_of(path: str) -> str:
    """The described path that this one is; an unmatched path fails."""
    for pattern, template in _templates():
        if pattern.fullmatch(path):
            return template
    raise AssertionError(f"{path} is not described")


def below(template: str) -> str:
    """A path below the organization, its variables without names."""
    return re.sub(r"\{\w+\}", "{}", template.removeprefix(_ORGANIZATION).lstrip("/"))


@cache
def _validator(reference: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": reference, "components": description()["components"]})


def fits(schema: dict[str, Any], value: Any) -> None:
    """Raises for a value that the schema does not allow."""
    if "$ref" in schema:
        _validator(schema["$ref"]).validate(value)


class Described:
    """Around an emulator: fails on anything that the description does not know. `seen` counts what it has judged."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.seen: Counter[tuple[str, str, int]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        parts: list[bytes] = []
        status = 0

        async def again() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def keep(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            parts.append(message.get("body", b""))
            await send(message)

        if scope["path"] == "/token" or scope["path"].startswith("/proxy/") or not is_at_hand():
            await self._app(scope, again, send)
            return
        raw = (scope.get("raw_path") or scope["path"].encode()).decode().partition("?")[0]
        template = template_of(raw)
        operation = description()["paths"][template].get(scope["method"].lower())
        assert operation, f"{scope['method']} {template} is not described"
        await self._app(scope, again, keep)
        self.seen[scope["method"], below(template), status // 100] += 1
        _judge_answer(operation, status, b"".join(parts))
        if status < 300:  # what the emulator refuses may well be wrong on purpose
            _judge_request(operation, template, scope, body)


def _judge_request(operation: dict[str, Any], template: str, scope: Scope, body: bytes) -> None:
    parameters = [*operation.get("parameters", []), *description()["paths"][template].get("parameters", [])]
    known = {one["name"]: one.get("schema", {}) for one in parameters if one["in"] == "query"}
    for name, value in parse_qsl(scope["query_string"].decode()):
        assert name in known, f"{name} is no parameter of {template}"
        kind = known[name].get("type")
        assert kind != "integer" or value.isdigit(), f"{name} is to be a number"
        assert kind != "boolean" or value in ("true", "false"), f"{name} is to be true or false"
    media = dict(scope["headers"]).get(b"content-type", b"").decode().partition(";")[0]
    content = operation.get("requestBody", {}).get("content", {})
    if media == "application/json":
        assert media in content, f"{template} takes no JSON"
        fits(content[media]["schema"], json.loads(body))
    elif media and content:
        assert media in content, f"{template} takes no {media}"


def _judge_answer(operation: dict[str, Any], status: int, body: bytes) -> None:
    if status == 204:
        assert "204 No Content" in operation["description"] or "action" in str(operation["parameters"])
        assert body == b""
        return
    told = operation["responses"]["200" if status < 300 else "default"]["content"]
    if "application/json" in told:
        fits(told["application/json"]["schema"], json.loads(body))


async def html(scope: Scope, receive: Receive, send: Send) -> None:
    """Something that is no Apigee."""
    del scope, receive
    await answer(send, 200, b"<html>hello</html>", {"content-type": "text/html"})
