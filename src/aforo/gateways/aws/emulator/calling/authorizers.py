"""Lambda authorizers: who is asked, what is remembered for how long, and what an answer lets through.

An answer is remembered under the values of the identity sources, for the whole API: the policy is judged anew for each
method. Without a TTL or without identity sources nothing is remembered. Left out: Cognito, JWT and IAM, which refuse.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateways.aws.emulator.calling import policies
from aforo.gateways.aws.emulator.calling.functions import FunctionFailed, Functions
from aforo.gateways.aws.emulator.calling.policies import Judged, Malformed
from aforo.gateways.aws.emulator.calling.request import Request
from aforo.gateways.aws.emulator.region import Record

_FUNCTION: Final = re.compile(r".*:lambda:path/2015-03-31/functions/(?P<arn>.+)/invocations")
_EXPLICITLY: Final = " with an explicit deny"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind` is the gateway response that refuses the call; None lets it on. `words` where they are not the stock."""

    kind: str | None
    words: str | None = None
    usage_key: str | None = None


class Authorizers:
    """Asks the functions. An HTTP API's refusals bear the same names; its front has its own words for them."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._kept: dict[tuple[str, ...], tuple[float, Any]] = {}

    async def of_rest(self, request: Request, authorizer: Record, resource: str) -> Verdict:
        """A TOKEN or REQUEST authorizer of a REST API; its context goes into the request's."""
        if authorizer["type"] not in {"TOKEN", "REQUEST"}:
            return Verdict("UNAUTHORIZED")
        spelled = authorizer.get("identitySource") or ""
        if authorizer["type"] == "TOKEN":
            spelled = spelled or "method.request.header.Authorization"
        sources = [_rest_source(request, one.strip()) for one in spelled.split(",") if one.strip()]
        if not all(sources):
            return Verdict("UNAUTHORIZED")
        event = request.event_v1(resource)
        if authorizer["type"] == "TOKEN":
            wanted = authorizer.get("identityValidationExpression")
            if wanted and not re.fullmatch(wanted, sources[0]):
                return Verdict("UNAUTHORIZED")
            event = {"type": "TOKEN", "authorizationToken": sources[0], "methodArn": request.method_arn}
        ttl = authorizer["authorizerResultTtlInSeconds"]
        return await self._verdict(request, authorizer["id"], authorizer["authorizerUri"], event, sources, ttl)

    async def of_http(self, request: Request, authorizer: Record, route_key: str) -> Verdict:
        """A REQUEST authorizer of an HTTP API."""
        if authorizer["AuthorizerType"] != "REQUEST":
            return Verdict("UNAUTHORIZED")
        sources = [_http_source(request, one) for one in authorizer.get("IdentitySource") or []]
        if not all(sources):
            return Verdict("UNAUTHORIZED")
        is_new = authorizer.get("AuthorizerPayloadFormatVersion") == "2.0"
        event = request.event_v2(route_key, sources) if is_new else request.event_v1(route_key)
        ttl = authorizer.get("AuthorizerResultTtlInSeconds", 0)
        simple = is_new and bool(authorizer.get("EnableSimpleResponses"))
        uri, key = authorizer["AuthorizerUri"], authorizer["AuthorizerId"]
        return await self._verdict(request, key, uri, event, sources, ttl, simple=simple)

    async def _verdict(
        self, request: Request, authorizer_id: str, uri: str, event: Mapping[str, Any], sources: list[str], ttl: int,
        *, simple: bool = False,
    ) -> Verdict:  # fmt: skip
        found = _FUNCTION.fullmatch(uri)
        if found is None:
            return Verdict("AUTHORIZER_CONFIGURATION_ERROR")
        key = (request.api_id, request.stage_name, authorizer_id, *sources) if ttl and sources else None
        try:
            answer = self._remembered(request, key)
            if answer is None:
                at = request.authorizer_arn(authorizer_id)
                answer = await self._functions.invoke(found["arn"], event, by="apigateway.amazonaws.com", source_arn=at)
            verdict = _simple(request, answer) if simple else _by_policy(request, answer)
        except FunctionFailed as fault:
            if fault.told == "Unauthorized":
                return Verdict("UNAUTHORIZED")
            return Verdict("AUTHORIZER_FAILURE")
        except Malformed:
            return Verdict("AUTHORIZER_CONFIGURATION_ERROR")
        if key is not None:
            self._kept.setdefault(key, (request.region.clock.monotonic() + ttl, answer))
        return verdict

    def _remembered(self, request: Request, key: tuple[str, ...] | None) -> Any:
        if key is None or key not in self._kept:
            return None
        ends, answer = self._kept[key]
        if request.region.clock.monotonic() < ends:
            return answer
        del self._kept[key]
        return None


def _by_policy(request: Request, answer: object) -> Verdict:
    policy = policies.read(answer)
    request.context["authorizer"] = {**policy.context, "principalId": policy.principal}
    judged = policies.judge(policy, request.method_arn)
    if judged is Judged.ALLOWED:
        return Verdict(None, usage_key=policy.usage_key)
    extra = _EXPLICITLY if judged is Judged.EXPLICITLY_DENIED else ""
    return Verdict("ACCESS_DENIED", f"User is not authorized to access this resource{extra}")


def _simple(request: Request, answer: object) -> Verdict:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("isAuthorized"), bool):
        raise Malformed("isAuthorized is no boolean")
    request.context["authorizer"] = policies.context(answer.get("context"))
    return Verdict(None if answer["isAuthorized"] else "ACCESS_DENIED")


def _rest_source(request: Request, spelled: str) -> str:
    """`method.request.header.X`, `method.request.querystring.y`, `stageVariables.z` or `context.v`."""
    for prefix, values in (
        ("method.request.header.", request.call.headers),
        ("method.request.querystring.", request.query),
        ("stageVariables.", request.variables),
        ("context.", request.context),
    ):
        if spelled.startswith(prefix):
            name = spelled.removeprefix(prefix)
            return str(values.get(name.lower() if "header" in prefix else name) or "")
    return ""


def _http_source(request: Request, spelled: str) -> str:
    """`$request.header.X`, `$request.querystring.y`, `$context.v` or `$stageVariables.z`."""
    plain = spelled.removeprefix("$").replace("request.", "method.request.", 1)
    return _rest_source(request, plain)
