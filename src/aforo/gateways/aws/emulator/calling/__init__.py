"""The request path: calls of a stage, let in or not by authorizer, API key and usage plan, and the backend behind it.

A stage is called at `/proxy/<api id>/<stage>/…` with an API key in `x-api-key`. What is deployed counts, not what
stands. Modelled: Lambda authorizers (their uploaded code runs, see `functions`), `apiKeyRequired`, disabled keys, a
plan's quota for each key, gateway responses, access logs and what subscription filters make of them. Left out:
throttles, resource policies, IAM, Cognito and JWT (a method that asks for those refuses everybody), an HTTP API's
answer to CORS preflight, and the minutes that AWS takes to spread a change.
"""

import re
from collections import Counter
from collections.abc import Iterable
from uuid import uuid4

from aforo.gateways.aws.emulator.calling.authorizers import Authorizers, Verdict
from aforo.gateways.aws.emulator.calling.functions import Functions
from aforo.gateways.aws.emulator.calling.keys import UsedUp
from aforo.gateways.aws.emulator.calling.logs import AccessLogs
from aforo.gateways.aws.emulator.calling.replies import filled, refused
from aforo.gateways.aws.emulator.calling.request import Request, narrowest, pattern
from aforo.gateways.aws.emulator.moto_backend import MotoBackend
from aforo.gateways.aws.emulator.region import Record, Region
from aforo.gateways.aws.emulator.wire import Answer, Call, answer_of
from aforo.kit.clock import Clock

PREFIX = "/proxy/"
_HTTP_STATUS = {"ACCESS_DENIED": (403, "Forbidden"), "UNAUTHORIZED": (401, "Unauthorized")}


class RequestPath:
    """`backend_calls` counts by `apiId/stage` what has passed."""

    def __init__(self, moto: MotoBackend, clock: Clock) -> None:
        self.backend_calls: Counter[str] = Counter()
        self.functions = Functions(moto)
        self.logs = AccessLogs(self.functions, clock)
        self._authorizers = Authorizers(self.functions)
        self._used = UsedUp()

    async def answer(self, regions: Iterable[Region], call: Call) -> Answer:
        """The backend's answer, which tells what it was sent, or API Gateway's refusal."""
        self.logs.deliver_due()
        api_id, stage_name, *rest = [*call.segments[1:], "", ""][:2] + call.segments[3:]
        path = "/" + "/".join(rest)
        ids = (str(uuid4()), uuid4().hex[:12] + "=")
        for region in regions:
            if (api := region.kind("restapis").get(api_id)) and (stage := api["stages"].get(stage_name)):
                deployed = api["deployments"][stage["deploymentId"]]["snapshot"]
                return await self._rest(Request(region, api, stage, deployed, call, path, ids))
            if (api := region.kind("httpapis").get(api_id)) and (stage := api["stages"].get(stage_name)):
                deployment = api["deployments"].get(stage.get("DeploymentId", ""))
                if deployment:
                    return await self._http(Request(region, api, stage, deployment["snapshot"], call, path, ids))
        return answer_of(403, {"message": "Forbidden"})

    async def _rest(self, request: Request) -> Answer:
        request.begin()
        answer = await self._rest_answer(request)
        settings = request.stage.get("accessLogSettings") or {}
        await self._log(request, answer, settings.get("destinationArn"), settings.get("format"))
        return answer

    async def _rest_answer(self, request: Request) -> Answer:
        found = _method(request)
        if found is None:
            return _refusal(request, Verdict("MISSING_AUTHENTICATION_TOKEN"))
        resource, method = found
        request.context["resourcePath"] = resource
        kind = method.get("authorizationType", "NONE")
        verdict = Verdict(None)
        if kind == "CUSTOM":
            authorizer = request.deployed["authorizers"][method["authorizerId"]]
            verdict = await self._authorizers.of_rest(request, authorizer, resource)
        elif kind != "NONE":
            verdict = Verdict("MISSING_AUTHENTICATION_TOKEN" if kind == "AWS_IAM" else "UNAUTHORIZED")
        if verdict.kind is None and method.get("apiKeyRequired"):
            verdict = self._by_key(request, verdict.usage_key)
        return _refusal(request, verdict) if verdict.kind else self._backend(request)

    def _by_key(self, request: Request, usage_key: str | None) -> Verdict:
        from_authorizer = request.deployed["about"].get("apiKeySource") == "AUTHORIZER"
        value = usage_key if from_authorizer else request.call.headers.get("x-api-key")
        opened = self._used.key(request.region, request.api_id, request.stage_name, value or "")
        if opened is None:
            return Verdict("INVALID_API_KEY")
        key, plan = opened
        request.context["identity"]["apiKeyId"] = key["id"]
        return Verdict(None if self._used.takes(request.region, key, plan) else "QUOTA_EXCEEDED")

    async def _http(self, request: Request) -> Answer:
        request.begin()
        answer = await self._http_answer(request)
        settings = request.stage.get("AccessLogSettings") or {}
        await self._log(request, answer, settings.get("DestinationArn"), settings.get("Format"))
        return answer

    async def _http_answer(self, request: Request) -> Answer:
        route = _route(request)
        if route is None:
            return answer_of(404, {"message": "Not Found"})
        request.context["routeKey"] = route["RouteKey"]
        verdict = Verdict(None)
        if route["AuthorizationType"] == "CUSTOM":
            authorizer = request.deployed["authorizers"][route["AuthorizerId"]]
            verdict = await self._authorizers.of_http(request, authorizer, route["RouteKey"])
        elif route["AuthorizationType"] != "NONE":
            verdict = Verdict("UNAUTHORIZED")
        if verdict.kind is None:
            return self._backend(request)
        request.context["error"] = {"responseType": verdict.kind}
        status, words = _HTTP_STATUS.get(verdict.kind, (500, "Internal Server Error"))
        return answer_of(status, {"message": words})

    def _backend(self, request: Request) -> Answer:
        self.backend_calls[f"{request.api_id}/{request.stage_name}"] += 1
        return answer_of(200, {"stage": request.stage_name, "path": request.path})

    async def _log(self, request: Request, answer: Answer, destination: str | None, form: str | None) -> None:
        if destination and form:
            request.context.update(status=answer.status, responseLength=len(answer.body), responseLatency=1)
            await self.logs.write(destination, filled(form, request.context, missing="-"))


def _refusal(request: Request, verdict: Verdict) -> Answer:
    return refused(request.deployed, verdict.kind or "", request.context, request.call.headers, verdict.words)


def _method(request: Request) -> tuple[str, Record] | None:
    """Of the resource that fits with the fewest variables: its path, and the method."""
    resources = request.deployed["resources"].values()
    fitting = [one for one in resources if re.fullmatch(pattern(one["path"]), request.path)]
    for resource in sorted(fitting, key=lambda one: narrowest(str(one["path"]))):
        methods: dict[str, Record] = resource["methods"]
        if found := methods.get(request.call.method) or methods.get("ANY"):
            return str(resource["path"]), found
    return None


def _route(request: Request) -> Record | None:
    """The narrowest path first, a method's own route before ANY, and $default last."""
    routes = {str(one["RouteKey"]): one for one in request.deployed["routes"].values()}
    fitting = [
        (*narrowest(path), method == "ANY", key)
        for key in routes
        for method, _, path in (key.partition(" "),)
        if path and method in {"ANY", request.call.method} and re.fullmatch(pattern(path), request.path)
    ]
    found: Record | None = routes[min(fitting)[3]] if fitting else routes.get("$default")
    return found
