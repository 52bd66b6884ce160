"""The request path: a proxy that verifies keys, the flow hooks around it as bundles, and the backend behind it.

A proxy is called at `/proxy/<its name>/…` in the environment in which it is deployed. It has one policy of its own,
VerifyAPIKey, with the key as the header `x-apikey`, a bearer token or the query parameter `apikey`; `open_proxies` are
without it. The backend tells what it was sent. An answer of 4xx or 5xx from it puts the call into the error state, as
Apigee documents for targets that do not name them as successes.
"""

import json
import uuid
from collections import Counter
from typing import Any, Final

from .answers import Answer, Refused
from .bundles import DeployedBundles
from .consumers import Consumers, KeyRefused, Opened
from .requests import Request
from .runtime.faults import Fault
from .runtime.hooks import Hooks
from .runtime.machine import Background, Call, Machine
from .runtime.messages import Message, Variables
from .runtime.policies import policies
from .runtime.surroundings import Surroundings
from .stats import Stats
from .store import Store

REGION: Final = "europe-west1"


class Proxying:
    """`backend_calls` counts by proxy what has passed, `backend_last` is what it got, `traces` executed steps by call.

    `backend_status` lets a proxy's backend answer with another status.
    """

    def __init__(self, store: Store, organization: str, stats: Stats) -> None:
        self._store = store
        self._stats = stats
        self._organization = organization
        self.consumers = Consumers(store)
        self.backend_calls: Counter[str] = Counter()
        self.backend_last: dict[str, Message] = {}
        self.backend_status: dict[str, int] = {}
        self.open_proxies: set[str] = set()
        self.traces: list[list[str]] = []
        self._background = Background()
        self._around = Surroundings(store, self.consumers, store.now)
        self.bundles = DeployedBundles(store)
        self._machine = Machine(policies(self._around, self._background), self.bundles.find)
        self.bundles.refuse = self._machine.refuse_unknown
        self._hooks = Hooks(self._machine, lambda environment, point: store.get("flowhooks", f"{environment}/{point}"))

    async def answer(self, request: Request, proxy: str, rest: list[str]) -> Answer:
        """What the caller gets; raises the refusal for a proxy that is not deployed."""
        environments = [row["environment"] for row in self._store.rows("proxy-deployments") if row["apiProxy"] == proxy]
        if not environments:
            raise _refused(404, "messaging.adaptors.http.flow.ApplicationNotFound", "Unable to identify proxy")
        call = self._call(request, environments[0], proxy, "/" + "/".join(rest))
        self.traces.append(call.trace)
        try:
            return _told(await self._through(call))
        except Fault as fault:
            return _told(fault.message)
        finally:
            self._stats.count(call.environment, *_named(call))

    async def settled(self) -> None:
        """Wait for whatever policies sent without waiting."""
        await self._background.settled()

    async def aclose(self) -> None:
        await self.settled()
        await self._around.aclose()

    async def _through(self, call: Call) -> Message:
        await self._hooks.run("PreProxyFlowHook", call)
        app, product = self._own_policy(call)
        await self._hooks.run("PreTargetFlowHook", call)
        response = self._backend(call, app, product)
        call.flow.messages["response"] = response
        call.flow.current = "response"
        if (response.status or 0) >= 400:
            raise Fault("messaging.adaptors.http.flow.ErrorResponseCode", "Error response", message=response)
        await self._hooks.run("PostTargetFlowHook", call)
        await self._hooks.run("PostProxyFlowHook", call)
        return response

    def _own_policy(self, call: Call) -> tuple[str | None, str | None]:
        if call.proxy in self.open_proxies:
            return None, None
        try:
            found = self.consumers.verify(_presented(call.flow), _opened(call))
        except KeyRefused as refused:
            raise Fault(refused.code, refused.words, refused.status) from None
        call.flow.set("apiproduct.name", found.product["name"])
        call.flow.set("developer.app.name", found.app["name"])
        return str(found.app["appId"]), str(found.product["name"])

    def _backend(self, call: Call, app: str | None, product: str | None) -> Message:
        call.flow.set("target.sent.start.timestamp", self._now_ms())
        self.backend_calls[call.proxy] += 1
        self.backend_last[call.proxy] = call.flow.messages["request"]
        told = {"proxy": call.proxy, "path": call.path, "app": app, "apiproduct": product}
        content = json.dumps({name: value for name, value in told.items() if value is not None})
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content.encode()))}
        call.flow.set("target.received.end.timestamp", self._now_ms())
        return Message(status=self.backend_status.get(call.proxy, 200), headers=headers, content=content)

    def _call(self, request: Request, environment: str, proxy: str, path: str) -> Call:
        message = Message(
            request.method, path, dict(request.headers), dict(request.query), request.body.decode("utf-8", "replace")
        )
        told: dict[str, Any] = {
            "messageid": str(uuid.uuid4()),
            "organization.name": self._organization,
            "environment.name": environment,
            "apiproxy.name": proxy,
            "apiproxy.revision": "1",
            "proxy.basepath": f"/{proxy}",
            "proxy.pathsuffix": path,
            "system.region.name": REGION,
            "client.received.start.timestamp": self._now_ms(),
        }
        flow = Variables(message, told, {"system.timestamp": self._now_ms})
        return Call(self._organization, environment, proxy, flow, path, request.method)

    def _now_ms(self) -> int:
        return int(self._store.now() * 1000)


def _presented(flow: Variables) -> str:
    bearer = flow.get("request.header.authorization") or ""
    secret = bearer[7:] if bearer.lower().startswith("bearer ") else ""
    found = flow.get("request.header.x-apikey") or secret or flow.get("request.queryparam.apikey")
    if not found:
        words = "Failed to resolve API Key variable request.header.x-apikey"
        raise KeyRefused(401, "steps.oauth.v2.FailedToResolveAPIKey", words)
    return str(found)


def _opened(call: Call) -> Opened:
    return Opened(call.environment, call.proxy, call.path, call.verb)


def _named(call: Call) -> tuple[str | None, str | None]:
    """The product and the app that some policy has verified; analytics count a refused call as well."""
    product, app = call.flow.get("apiproduct.name"), call.flow.get("developer.app.name")
    return (str(product) if product else None), (str(app) if app else None)


def _told(message: Message) -> Answer:
    headers = {name: value for name, value in message.headers.items() if name.lower() != "content-length"}
    return Answer(message.status or 200, raw=message.content.encode(), headers=headers)


def _refused(status: int, code: str, words: str) -> Refused:
    return Refused(Answer(status, {"fault": {"faultstring": words, "detail": {"errorcode": code}}}))
