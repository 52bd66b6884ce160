"""A small gateway that can run something, and the artifact for it: real enough to lose calls, hooks and its temper.

Services have one hook each, in which somebody else's may stand. Every write and read is one call; `doom` decides at
each what becomes of it.
"""

import copy
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import httpx2

from aforo.gateway_sdk.artifact import (
    ArtifactStatus,
    Canary,
    Phase,
    PlannedStep,
    Receipt,
    Rollout,
    Wiring,
)
from aforo.gateway_sdk.contract import Check, Document, Progress, Verdict
from aforo.gateway_sdk.errors import GatewayUnavailable

Value = TypeVar("Value")
OURS = "aforo"
Looks = Callable[[], Awaitable[None]]


class Crash(Exception):
    """The process ends here."""


@dataclass
class Doom:
    """Lets `left` boundaries pass and breaks at the next. `lost`: what is done there still takes effect.

    `for_good`: nothing works afterwards, as in a process that has ended.
    """

    left: int = 10_000
    fault: Callable[[], Exception] = lambda: Crash("here")
    lost: bool = False
    for_good: bool = False
    struck: bool = False

    def strikes(self) -> bool:
        if self.struck:
            return self.for_good
        self.left -= 1
        self.struck = self.left < 0
        return self.struck


@dataclass
class ToyGateway:
    """`services` are hooks by name; `settings` what the artifact was told; `aside` the hooks that it wrapped."""

    services: dict[str, str | None] = field(default_factory=lambda: {"pay": "somebody's", "search": None})
    flow: str | None = None
    settings: dict[str, Any] | None = None
    aside: dict[str, str | None] = field(default_factory=dict)
    doom: Doom = field(default_factory=Doom)
    edge: httpx2.AsyncClient | None = None
    edge_looks: Looks | None = None
    meters: bool = True
    forbidden: str = ""

    def state(self) -> Any:
        return copy.deepcopy((self.services, self.flow, self.settings, self.aside))

    async def call(self, what: str, effect: Callable[[], Value]) -> Value:
        if self.forbidden and self.forbidden in what:
            raise GatewayUnavailable(f"The toy says no to {what}.")
        strikes = self.doom.strikes()
        if strikes and not self.doom.lost:
            raise self.doom.fault()
        done = effect()
        if strikes:
            raise self.doom.fault()
        return done

    async def serve(self, key: str, product: str) -> tuple[int, dict[str, str]]:
        """One caller's request: the hook asks the edge, the backend runs, and the call is metered."""
        if OURS not in self.services.values() or self.settings is None or self.edge is None:
            return 200, {}
        if self.edge_looks is not None:
            await self.edge_looks()
        headers = {"Authorization": f"Bearer {self.settings['api_key']}"}
        native = {"integrationId": self.settings["integration"], "type": "key_sha256", "nativeId": _sha256(key)}
        asked = {"credential": native, "product": product, "metric": "api_calls", "units": 1}
        told = (await self.edge.post("/v1/check", json=asked, headers=headers)).json()
        if self.settings["enforce"] and not told["allowed"]:
            if self.edge_looks is not None:
                await self.edge_looks()
            return int(told["status"]), {}
        if self.meters:
            event = {
                "customerId": told["customerId"],
                "metricName": "api_calls",
                "quantity": 1,
                "occurredAt": self.settings["clock"](),
                "idempotencyKey": told["decisionId"],
                "decisionId": told["decisionId"],
            }
            content = json.dumps({"events": [event]}).encode()
            await self.edge.post("/v1/ingest", content=content, headers=headers)
        if self.edge_looks is not None:
            await self.edge_looks()
        return 200, told.get("headers", {})


class ToyArtifact:
    """Puts its settings and a flow there, then takes over hooks. `version` may be a later one than what stands.

    `forgetful`: detaching goes by the receipt alone, as a part that marks nothing would.
    """

    def __init__(
        self, gateway: ToyGateway, now: Callable[[], str], version: str = "1.0", *, forgetful: bool = False
    ) -> None:
        self._gateway = gateway
        self._now = now
        self._version = version
        self._forgetful = forgetful
        self.closed = False

    @property
    def version(self) -> str:
        return self._version

    async def preview(self, wiring: Wiring) -> Rollout:
        there = await self._gateway.call("read services", lambda: dict(self._gateway.services))
        steps = [PlannedStep("create", "flow aforo")]
        for name in self._targets(wiring):
            before = there[name]
            danger = f"{before} hook of {name} runs after ours" if before not in (None, OURS) else ""
            steps.append(PlannedStep("wrap" if danger else "create", f"hook of {name}", danger=danger))
        file = Document("aforo.toy", "text/plain", f"key = {wiring.api_key}\n")
        return Rollout(self._version, tuple(steps), tuple(self._targets(wiring)), (file,), ("A toy.",))

    async def deploy(self, wiring: Wiring, progress: Progress) -> Receipt:
        await self._gateway.call("put settings", lambda: self._put_settings(wiring))
        progress(1, 2, "objects")
        await self._gateway.call("put flow", self._put_flow)
        progress(2, 2, "objects")
        return Receipt(self._version, ("settings", "flow"))

    async def attach(self, wiring: Wiring, receipt: Receipt, progress: Progress) -> Receipt:
        await self._gateway.call("put settings", lambda: self._put_settings(wiring))
        before: dict[str, Any] = dict(receipt.before)
        targets = self._targets(wiring)
        for number, name in enumerate(targets):
            progress(number, len(targets), "services")
            standing = await self._gateway.call(f"read {name}", partial(self._gateway.services.get, name))
            if standing != OURS:
                await self._gateway.call(f"aside {name}", partial(self._put_aside, name))
                await self._gateway.call(f"hook {name}", partial(self._hook, name, OURS))
            if name not in before:
                before[name] = self._gateway.aside[name]
        return Receipt(self._version, receipt.made, before, tuple(targets))

    async def detach(self, wiring: Wiring, receipt: Receipt) -> None:
        del wiring
        gateway = self._gateway
        ours = [name for name, hook in gateway.services.items() if hook == OURS]
        for name in receipt.attached if self._forgetful else ours:
            if gateway.services[name] == OURS:
                before = receipt.before[name] if self._forgetful else gateway.aside[name]
                await gateway.call(f"unhook {name}", partial(self._hook, name, before))
        await gateway.call("drop aside", gateway.aside.clear)
        if "flow" in receipt.made or not self._forgetful:
            await gateway.call("drop flow", lambda: setattr(gateway, "flow", None))
        if "settings" in receipt.made or not self._forgetful:
            await gateway.call("drop settings", lambda: setattr(gateway, "settings", None))

    async def verify(self, wiring: Wiring, receipt: Receipt, canary: Canary | None) -> AsyncIterator[Check]:
        del receipt
        there = self._gateway.settings
        is_ours = there is not None and there["api_key"] == wiring.api_key
        yield Check("Settings", Verdict.OK if is_ours else Verdict.FAILED, f"key {wiring.api_key}")
        if canary is None:
            return
        product = wiring.products[0].id
        first, _ = await self._gateway.serve(canary.key, product)
        yield Check("First call passes", Verdict.OK if first == 200 else Verdict.FAILED, f"{first} with {canary.key}")
        second, _ = await self._gateway.serve(canary.key, product)
        wanted = 429 if wiring.enforce else 200
        yield Check("Second call", Verdict.OK if second == wanted else Verdict.FAILED, str(second))

    async def status(self, wiring: Wiring, receipt: Receipt | None) -> ArtifactStatus:
        del receipt
        gateway = self._gateway
        flow = await gateway.call("read flow", lambda: gateway.flow)
        hooked = tuple(name for name in self._targets(wiring) if gateway.services[name] == OURS)
        if flow is None:
            return ArtifactStatus(Phase.ABSENT)
        if gateway.settings is None or gateway.settings["api_key"] != wiring.api_key:
            return ArtifactStatus(Phase.DIFFERS, flow, hooked, "its settings are not ours")
        return ArtifactStatus(Phase.ATTACHED if hooked else Phase.DEPLOYED, flow, hooked)

    async def set_mode(self, wiring: Wiring, targets: Sequence[str]) -> None:
        del targets
        await self._gateway.call("put settings", lambda: self._put_settings(wiring))

    async def aclose(self) -> None:
        self.closed = True

    def _targets(self, wiring: Wiring) -> list[str]:
        return [*wiring.targets] or [*self._gateway.services]

    def _put_settings(self, wiring: Wiring) -> None:
        self._gateway.settings = {
            "api_key": wiring.api_key,
            "enforce": wiring.enforce,
            "integration": wiring.integration_id,
            "clock": self._now,
        }

    def _put_flow(self) -> None:
        self._gateway.flow = self._version

    def _put_aside(self, name: str) -> None:
        self._gateway.aside.setdefault(name, self._gateway.services[name])

    def _hook(self, name: str, hook: Any) -> None:
        self._gateway.services[name] = hook


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
