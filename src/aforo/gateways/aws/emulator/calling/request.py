"""A consumer's call as API Gateway sees it, and the event that it makes of it for an authorizer. Pure.

Source: API Gateway's developer guide, "Input to a Lambda authorizer" for REST and for HTTP APIs.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aforo.gateways.aws.emulator.calling.replies import Context
from aforo.gateways.aws.emulator.region import Record, Region
from aforo.gateways.aws.emulator.wire import Call


@dataclass
class Request:
    """`path` is within the stage; `context` is what `$context` variables read, and grows on the way."""

    region: Region
    api: Record
    stage: Record
    deployed: Record
    call: Call
    path: str
    ids: tuple[str, str]
    context: Context = field(default_factory=dict)

    @property
    def api_id(self) -> str:
        about = self.api["about"]
        return str(about.get("id") or about["ApiId"])

    @property
    def stage_name(self) -> str:
        return str(self.stage.get("stageName") or self.stage["StageName"])

    @property
    def variables(self) -> dict[str, str]:
        found: dict[str, str] = self.stage.get("variables") or self.stage.get("StageVariables") or {}
        return found

    @property
    def query(self) -> dict[str, str]:
        return dict(self.call.arguments)

    @property
    def method_arn(self) -> str:
        return f"{self._arn}/{self.stage_name}/{self.call.method}/{self.path.lstrip('/')}"

    def authorizer_arn(self, authorizer_id: str) -> str:
        """Where a call of an authorizer's function comes from."""
        return f"{self._arn}/authorizers/{authorizer_id}"

    @property
    def _arn(self) -> str:
        return f"arn:aws:execute-api:{self.region.name}:{self.region.account_id}:{self.api_id}"

    def begin(self) -> None:
        """The variables that are known before anything is decided."""
        self.context.update(
            requestId=self.call.headers.get("x-amzn-requestid", self.ids[0]), extendedRequestId=self.ids[1],
            apiId=self.api_id, stage=self.stage_name, httpMethod=self.call.method, protocol="HTTP/1.1",
            path=f"/{self.stage_name}{self.path}", requestTimeEpoch=int(self.region.clock.now().timestamp() * 1000),
            accountId=self.region.account_id, identity={"sourceIp": "127.0.0.1"}, authorizer={},
        )  # fmt: skip

    def event_v1(self, resource: str) -> dict[str, Any]:
        """Of a REST API, and of an HTTP API with payload format 1.0."""
        headers, query = dict(self.call.headers), self.query
        return {
            "type": "REQUEST",
            "methodArn": self.method_arn,
            "resource": resource,
            "path": self.path,
            "httpMethod": self.call.method,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
            "pathParameters": variables(resource, self.path),
            "stageVariables": self.variables,
            "requestContext": {
                "accountId": self.region.account_id,
                "apiId": self.api_id,
                "stage": self.stage_name,
                "requestId": self.context["requestId"],
                "extendedRequestId": self.context["extendedRequestId"],
                "httpMethod": self.call.method,
                "resourcePath": resource,
                "path": self.context["path"],
                "identity": {"sourceIp": "127.0.0.1", "apiKey": headers.get("x-api-key")},
            },
        }

    def event_v2(self, route_key: str, sources: list[str]) -> dict[str, Any]:
        """Of an HTTP API with payload format 2.0."""
        raw = self.path if self.stage_name == "$default" else f"/{self.stage_name}{self.path}"
        return {
            "version": "2.0",
            "type": "REQUEST",
            "routeArn": self.method_arn,
            "identitySource": sources or None,
            "routeKey": route_key,
            "rawPath": raw,
            "rawQueryString": self.call.query,
            "headers": dict(self.call.headers),
            "queryStringParameters": self.query,
            "pathParameters": variables(route_key.rpartition(" ")[2], self.path),
            "stageVariables": self.variables,
            "requestContext": {
                "accountId": self.region.account_id,
                "apiId": self.api_id,
                "stage": self.stage_name,
                "requestId": self.context["requestId"],
                "routeKey": route_key,
                "http": {"method": self.call.method, "path": raw, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            },
        }


def pattern(path: str) -> str:
    """A resource's or route's path as a regular expression."""
    pieces = re.split(r"(\{[^}]+\})", path)
    return "".join(
        f"({'.+' if piece.endswith('+}') else '[^/]+'})" if piece.startswith("{") else re.escape(piece)
        for piece in pieces
    )


def narrowest(path: str) -> tuple[int, int]:
    """Sorts the paths that fit: fewest greedy variables first, then fewest variables."""
    return path.count("+}"), path.count("{")


def variables(template: str, path: str) -> dict[str, str]:
    found = re.fullmatch(pattern(template), path)
    names = [name.strip("{}+") for name in re.findall(r"\{[^}]+\}", template)]
    return dict(zip(names, map(unquote, found.groups()), strict=True)) if found else {}
