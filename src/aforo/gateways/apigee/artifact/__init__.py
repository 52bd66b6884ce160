"""What runs in Apigee: the shared flow `aforo-metering`, on two flow hooks of an environment."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from aforo.gateway_sdk.artifact import (
    Artifact,
    ArtifactStatus,
    Canary,
    Phase,
    PlannedStep,
    Receipt,
    Rollout,
    Wiring,
)
from aforo.gateway_sdk.contract import Check, Connection, Progress
from aforo.gateway_sdk.errors import GatewayNotFound
from aforo.gateways.apigee.artifact import bundle, settings
from aforo.gateways.apigee.artifact.bundle import FLOW, wrapper_name
from aforo.gateways.apigee.artifact.flows import Flows
from aforo.gateways.apigee.artifact.hooks import HOOKS, FlowHooks
from aforo.gateways.apigee.artifact.settings import CACHE_SECONDS, ConfigMap
from aforo.gateways.apigee.artifact.verifying import Verifying
from aforo.gateways.apigee.client import Client, open_client
from aforo.kit.clock import Clock

__all__ = ["connect"]

_PRICE: Final = (
    "Flow hooks, key value maps, JavaScript and callouts make every proxy of the environment count as Extensible, "
    "which Google prices higher than Standard on pay-as-you-go."
)
_EVERY_PROXY: Final = "every call of every proxy in this environment passes through it from now on"


def connect(connection: Connection) -> Artifact:
    """Makes no call; values that cannot work show at the first one."""
    return ApigeeArtifact(open_client(connection), connection)


class ApigeeArtifact:
    """Fulfils `gateway_sdk.artifact.Artifact`. Targets are environments."""

    def __init__(self, client: Client, connection: Connection) -> None:
        self._client = client
        self._clock: Clock = connection.clock
        self._flows = Flows(client, connection.clock)
        self._hooks = FlowHooks(client, self._flows)
        self._verifying = Verifying(client, self._flows, self._hooks, connection.transport)

    @property
    def version(self) -> str:
        return bundle.version()

    async def preview(self, wiring: Wiring) -> Rollout:
        steps: list[PlannedStep] = []
        hits: list[str] = []
        latest = await self._flows.latest(FLOW)
        same = latest is not None and bundle.is_same(latest[1], bundle.metering())
        steps.append(PlannedStep("keep" if same else "update" if latest else "create", f"Shared flow {FLOW}"))
        for environment in await self._environments(wiring):
            there = await ConfigMap(self._client, environment).is_there()
            what = f"Key value map {settings.MAP} in {environment}, encrypted, with three entries"
            steps.append(PlannedStep("update" if there else "create", what))
            steps += [await self._planned(environment, hook) for hook in reversed(HOOKS)]
            told = await self._client.search("environments", environment, "deployments")
            hits += [f"{environment}/{row['apiProxy']}" for row in told.get("deployments") or ()]
        notes = [_PRICE, f"Settings that change later take effect within {CACHE_SECONDS} s."]
        if wiring.ingest_url.startswith("http:"):
            notes.append("The address is plain http: the key and the events travel unencrypted. Use https.")
        return Rollout(self.version, tuple(steps), tuple(sorted(hits)), notes=tuple(notes))

    async def deploy(self, wiring: Wiring, progress: Progress) -> Receipt:
        """Where the hooks already name our flow, the new revision waits for `attach`."""
        environments = await self._environments(wiring)
        told = settings.entries(wiring, await settings.proxies_of(self._client, wiring))
        revision, is_new = await self._flows.imported(FLOW, bundle.metering())
        made = [f"shared flow {FLOW}, revision {revision}"] if is_new else []
        for number, environment in enumerate(environments):
            progress(number, len(environments), "environments")
            await ConfigMap(self._client, environment).fill(told)
            made.append(f"{environment}: key value map {settings.MAP}")
            if not await self._is_attached(environment):
                await self._flows.deploy(environment, FLOW, revision)
        progress(len(environments), len(environments), "environments")
        return Receipt(self.version, tuple(made), {"revision": revision, "environments": list(environments)})

    async def attach(self, wiring: Wiring, receipt: Receipt, progress: Progress) -> Receipt:
        """The hook after the proxies first, so that no call is asked about and then not metered."""
        environments = await self._environments(wiring)
        revision = str(receipt.before.get("revision") or (await self._flows.imported(FLOW, bundle.metering()))[0])
        kept: dict[str, Any] = dict(_hooks_before(receipt))
        attached = []
        for number, environment in enumerate(environments):
            progress(number, len(environments), "environments")
            await self._flows.deploy(environment, FLOW, revision)
            for hook in HOOKS:
                before, _ = await self._hooks.attach(environment, hook)
                kept.setdefault(f"{environment}/{hook}", before)
                attached.append(f"{environment}/{hook}")
        progress(len(environments), len(environments), "environments")
        before_all = {**receipt.before, "revision": revision, "hooks": kept}
        return Receipt(self.version, receipt.made, before_all, tuple(attached))

    async def detach(self, wiring: Wiring, receipt: Receipt) -> None:
        """The hooks back as they were, then everything of ours away; a hook that others have changed since stays."""
        before = _hooks_before(receipt)
        environments = await self._environments(wiring)
        wrappers = [(one, wrapper_name(one, hook)) for one in environments for hook in HOOKS]
        for environment in environments:
            for hook in reversed(HOOKS):
                await self._hooks.give_back(environment, hook, before.get(f"{environment}/{hook}"))
        for environment, name in [*wrappers, *((one, FLOW) for one in environments)]:
            await self._flows.undeploy(environment, name)
        for name in [*(name for _, name in wrappers), FLOW]:
            await self._flows.remove_unused(name)
        for environment in environments:
            await ConfigMap(self._client, environment).drop()

    async def verify(self, wiring: Wiring, receipt: Receipt, canary: Canary | None) -> AsyncIterator[Check]:
        async for line in self._verifying.lines(wiring, receipt, canary, self._environments):
            yield line

    async def status(self, wiring: Wiring, receipt: Receipt | None) -> ArtifactStatus:
        """ATTACHED needs every hook of every environment, the revision deployed, and our files in it."""
        del receipt
        environments = await self._environments(wiring)
        latest = await self._flows.latest(FLOW)
        deployed = [await self._flows.deployed(one, FLOW) for one in environments]
        faults, attached = [], []
        for environment in environments:
            for hook in HOOKS:
                found = await self._hooks.read(environment, hook)
                if self._hooks.is_as_wanted(environment, hook, found):
                    attached.append(f"{environment}/{hook}")
                else:
                    faults.append(f"{hook} of {environment} names {found.get('sharedFlow') or 'nothing'}")
        told = bundle.version_in(latest[1]) if latest else None
        if latest is None or not any(deployed):
            return ArtifactStatus(Phase.DIFFERS if attached else Phase.ABSENT, told, tuple(attached))
        if not bundle.is_same(latest[1], bundle.metering()):
            faults.append(f"the newest revision of {FLOW} is not what Aforo {self.version} installs")
        if any(one != latest[0] for one in deployed):
            faults.append(f"revision {latest[0]} of {FLOW} is not deployed everywhere")
        if not attached:
            is_whole = len(faults) == len(environments) * len(HOOKS)
            return ArtifactStatus(Phase.DEPLOYED if is_whole else Phase.DIFFERS, told, (), "; ".join(faults))
        return ArtifactStatus(Phase.DIFFERS if faults else Phase.ATTACHED, told, tuple(attached), "; ".join(faults))

    async def set_mode(self, wiring: Wiring, targets: Sequence[str]) -> None:
        """In force within `CACHE_SECONDS`, as long as the shared flow keeps what it read."""
        told = settings.entries(wiring, await settings.proxies_of(self._client, wiring))
        for environment in targets or await self._environments(wiring):
            await ConfigMap(self._client, environment).fill(told)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _environments(self, wiring: Wiring) -> tuple[str, ...]:
        """Those that the operator names, else all; raises for one that is not there."""
        told, _ = await self._client.organization()
        there = sorted(str(name) for name in told.get("environments") or ())
        unknown = sorted(set(wiring.targets) - set(there))
        if unknown:
            raise GatewayNotFound(
                f"There is no environment {', '.join(unknown)} in this organization.",
                status=404,
                next_step=f"Name some of {', '.join(there) or 'none'}.",
            )
        return tuple(wiring.targets) or tuple(there)

    async def _is_attached(self, environment: str) -> bool:
        found = [await self._hooks.read(environment, hook) for hook in HOOKS]
        return any(self._hooks.is_ours(environment, hook, one) for hook, one in zip(HOOKS, found, strict=True))

    async def _planned(self, environment: str, hook: str) -> PlannedStep:
        found = await self._hooks.read(environment, hook)
        what = f"{hook} of {environment}"
        if not found:
            return PlannedStep("create", what, f"calls {FLOW}", _EVERY_PROXY)
        if self._hooks.is_ours(environment, hook, found):
            return PlannedStep("keep", what, f"calls {found['sharedFlow']}")
        theirs = found["sharedFlow"]
        detail = f"calls {wrapper_name(environment, hook)}, which calls {theirs} and then {FLOW}"
        return PlannedStep("wrap", what, detail, f"{theirs} is attached there now; it goes on running, called by ours")


def _hooks_before(receipt: Receipt) -> dict[str, Any]:
    told = receipt.before.get("hooks")
    return told if isinstance(told, dict) else {}
