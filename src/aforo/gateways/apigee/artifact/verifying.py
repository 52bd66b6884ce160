"""Reads the installation back and sends the canary's two calls, and says in words what usually goes wrong."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aforo.gateway_sdk.artifact import Canary, Receipt, Wiring
from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.transport import Answer, Transport
from aforo.gateways.apigee.artifact import bundle
from aforo.gateways.apigee.artifact.bundle import FLOW
from aforo.gateways.apigee.artifact.flows import Flows
from aforo.gateways.apigee.artifact.hooks import CONTINUES, HOOKS, FlowHooks
from aforo.gateways.apigee.artifact.settings import KEY, MAP, URL, ConfigMap
from aforo.gateways.apigee.client import Client

_ANY: Final = frozenset(range(200, 600))
_REASONS: Final = {
    "unreachable": (
        "Apigee could not reach Aforo: egress is blocked, or the address is wrong",
        (
            "Let the environment's instances reach the ingest address on its port (NAT address, firewall, Private "
            "Service Connect), and check that its certificate is a public one."
        ),
    ),
    "answered_401": ("Aforo does not accept the key in the map: it has expired or was revoked", "Deploy again."),
    "answered_403": ("The key in the map lacks a scope, or its network is not allowed", "Deploy again."),
    "not_configured": (f"The map {MAP} of this environment is empty", "Deploy to this environment."),
    "excluded": ("The canary's address is excluded from checks", "Name an address that is not excluded."),
    "not_for_sale": ("The API product that the key opened is not for sale", "Name an address of an imported product."),
    "no_key": ("Apigee did not find a valid key in the call", "Check where the key is looked for."),
}
Environments = Callable[[Wiring], Awaitable[tuple[str, ...]]]


class Verifying:
    def __init__(self, client: Client, flows: Flows, hooks: FlowHooks, transport: Transport) -> None:
        self._client = client
        self._flows = flows
        self._hooks = hooks
        self._transport = transport

    async def lines(
        self, wiring: Wiring, receipt: Receipt, canary: Canary | None, environments: Environments
    ) -> AsyncIterator[Check]:
        """Never raises."""
        del receipt
        try:
            chosen = await environments(wiring)
        except GatewayError as fault:
            yield _failed("Environments", fault)
            return
        for environment in chosen:
            for look in (self._map, self._flow, self._attached):
                try:
                    found = await look(wiring, environment, chosen)
                except GatewayError as fault:
                    found = [_failed(f"Environment {environment}", fault)]
                for line in found:
                    yield line
        if canary is not None:
            async for line in self._canary(wiring, canary):
                yield line

    async def _map(self, wiring: Wiring, environment: str, chosen: tuple[str, ...]) -> list[Check]:
        del chosen
        title, store = f"Key value map {MAP} in {environment}", ConfigMap(self._client, environment)
        if not await store.is_there():
            elsewhere = await self._elsewhere(environment)
            detail = f"there is none; there is one in {elsewhere}, which proxies here do not read" if elsewhere else ""
            return [Check(title, Verdict.FAILED, detail or "there is none", f"Deploy to {environment}.")]
        lacking = [name for name in (KEY, URL) if not await store.value(name)]
        if lacking:
            return [Check(title, Verdict.FAILED, f"it lacks {' and '.join(lacking)}", f"Deploy to {environment}.")]
        if not hmac.compare_digest((await store.value(KEY) or "").encode(), wiring.api_key.encode()):
            return [Check(title, Verdict.FAILED, "it holds another key than Aforo made for it", "Deploy again.")]
        if await store.value(URL) != wiring.ingest_url:
            return [Check(title, Verdict.FAILED, "it names another ingest address", "Deploy again.")]
        return [Check(title, Verdict.OK, "key and address are as Aforo wrote them")]

    async def _elsewhere(self, environment: str) -> str:
        """Where else a map of this name is."""
        told, _ = await self._client.organization()
        for other in told.get("environments") or ():
            if other != environment and await ConfigMap(self._client, str(other)).is_there():
                return str(other)
        return "the organization's scope" if await self._client.find("keyvaluemaps", MAP) else ""

    async def _flow(self, wiring: Wiring, environment: str, chosen: tuple[str, ...]) -> list[Check]:
        del wiring, chosen
        title = f"Shared flow {FLOW} in {environment}"
        revision = await self._flows.deployed(environment, FLOW)
        if revision is None:
            return [Check(title, Verdict.FAILED, "it is not deployed", f"Deploy to {environment}.")]
        state, why = await self._flows.state(environment, FLOW, revision)
        if state != "READY":
            return [Check(title, Verdict.FAILED, f"revision {revision} is {state}. {why}".strip(), "Deploy again.")]
        files = bundle.unzipped(await self._client.flow_bundle(FLOW, revision))
        if not bundle.is_same(files, bundle.metering()):
            detail = f"revision {revision} is not what Aforo {bundle.version()} installs"
            return [Check(title, Verdict.FAILED, detail, "Somebody has edited it, or it is older: deploy again.")]
        return [Check(title, Verdict.OK, f"revision {revision} is READY and as Aforo wrote it")]

    async def _attached(self, wiring: Wiring, environment: str, chosen: tuple[str, ...]) -> list[Check]:
        del wiring, chosen
        return [await self._hook(environment, hook) for hook in reversed(HOOKS)]

    async def _hook(self, environment: str, hook: str) -> Check:
        title, found = f"{hook} of {environment}", await self._hooks.read(environment, hook)
        if self._hooks.is_as_wanted(environment, hook, found):
            return Check(title, Verdict.OK, f"calls {found['sharedFlow']}")
        if self._hooks.is_ours(environment, hook, found):
            wanted = str(CONTINUES[hook]).lower()
            return Check(title, Verdict.FAILED, f"its continueOnError is not {wanted}", "Attach again.")
        if found:
            detail = f"it is taken by {found['sharedFlow']}"
            return Check(title, Verdict.FAILED, detail, "Attach again: Aforo wraps it, and it goes on running.")
        return Check(title, Verdict.FAILED, "nothing is attached", "Attach.")

    async def _canary(self, wiring: Wiring, canary: Canary) -> AsyncIterator[Check]:
        """The key passes once, and is refused from the second call on."""
        try:
            first = await self._call(wiring, canary)
            yield _passed(first, canary)
            if first.status < 400:
                yield _refused(await self._call(wiring, canary))
        except GatewayError as fault:
            yield _failed("Canary's call", fault)

    async def _call(self, wiring: Wiring, canary: Canary) -> Answer:
        """The proof lets the shared flow tell why it let the call through; it is of no use for anything else."""
        proof = hashlib.sha256(f"verify:{wiring.api_key}".encode()).hexdigest()
        headers = {"Authorization": f"Bearer {canary.key}", "X-Aforo-Verify": proof}
        return await self._transport.call("GET", canary.url, operation="canary", headers=headers, accept=_ANY)


def _passed(answer: Answer, canary: Canary) -> Check:
    title = "A call within the quota passes"
    if answer.status >= 400:
        return Check(title, Verdict.FAILED, f"it was answered {answer.status}", "Check the canary's address and key.")
    reason = answer.headers.get("x-aforo-reason", "")
    plan = answer.headers.get("x-aforo-plan")
    if plan == canary.plan and "x-aforo-remaining" in answer.headers:
        return Check(title, Verdict.OK, f"with X-Aforo-Plan {plan} and X-Aforo-Remaining", took_ms=answer.took_ms)
    if not canary.expects_headers and not reason:
        return Check(title, Verdict.OK, f"answered {answer.status}", took_ms=answer.took_ms)
    if reason in _REASONS:
        return Check(title, Verdict.FAILED, *_REASONS[reason])
    if not reason:
        detail = "it passed without the shared flow: the address is served by another environment, or the hook is new"
        return Check(title, Verdict.FAILED, detail, "Name an address of this environment, or wait a minute.")
    return Check(title, Verdict.FAILED, f"Aforo's answer was {reason}", "Check the canary's subscription.")


def _refused(answer: Answer) -> Check:
    title = "A call beyond the quota is refused at the gateway"
    if answer.status == 429:
        return Check(title, Verdict.OK, "with 429, before the backend", took_ms=answer.took_ms)
    detail = f"it was answered {answer.status}: the product or the artifact observes, or enforcement is paused"
    return Check(title, Verdict.LIMITED, detail, "Switch the product to enforce, then verify again.")


def _failed(name: str, fault: GatewayError) -> Check:
    return Check(name, Verdict.FAILED, fault.detail, fault.next_step, fault.code)
