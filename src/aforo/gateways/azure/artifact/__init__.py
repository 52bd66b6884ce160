"""What runs inside API Management: three policy fragments and five named values, included in policies that exist."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal

from aforo.gateway_sdk.artifact import Artifact, ArtifactStatus, Phase, PlannedStep, Receipt, Rollout, Wiring
from aforo.gateway_sdk.artifact import Canary as CanaryCalls
from aforo.gateway_sdk.contract import Check, Connection, Progress, Verdict
from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateways.azure.artifact import places
from aforo.gateways.azure.artifact.installing import is_as_left, put_fragment, put_named_value, remove
from aforo.gateways.azure.artifact.names import VERSION, fragments, lease_units, named_values, switches
from aforo.gateways.azure.artifact.places import Place
from aforo.gateways.azure.artifact.verifying import canary_calls, installed
from aforo.gateways.azure.client import Client, open_client
from aforo.gateways.azure.mapping.including import FRAGMENTS
from aforo.kit.jsontree import JsonObject

_POLICIES: Final = "policies"


def connect(connection: Connection) -> Artifact:
    """Makes no call; values that cannot work show at the first one."""
    return AzureArtifact(open_client(connection))


class AzureArtifact:
    """Fulfils `gateway_sdk.artifact.Artifact`. Every write is under the ETag of what was just read."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def version(self) -> str:
        return VERSION

    async def preview(self, wiring: Wiring) -> Rollout:
        """Reads only."""
        apis, texts = await self._texts(wiring)
        steps = [
            PlannedStep(await self._action("namedValues", name), f"named value {name}") for name in named_values(wiring)
        ]
        steps += [PlannedStep(await self._action("policyFragments", name), f"policy fragment {name}") for name in texts]
        wanted = places.places(wiring, list(apis))
        steps += [await self._planned(place) for place in wanted]
        notes = (
            "A call of what is attached asks Aforo first, from the gateway, and waits 2 s at most.",
            "Where no HARD quota holds, one question may stand for many calls.",
            "Calls without a subscription key, CORS preflights and excluded paths pass without a question.",
        )
        return Rollout(VERSION, tuple(steps), tuple(one.target for one in wanted), notes=notes)

    async def deploy(self, wiring: Wiring, progress: Progress) -> Receipt:
        """Values first: a fragment that names a value which is not there is refused."""
        values, texts = named_values(wiring), await self._fragments(wiring)
        many = len(values) + len(texts)
        for done, (name, value) in enumerate(values.items()):
            progress(done, many, f"named value {name}")
            await put_named_value(self._client, name, value)
        for done, (name, text) in enumerate(texts.items(), len(values)):
            progress(done, many, f"policy fragment {name}")
            await put_fragment(self._client, wiring, name, text)
        progress(many, many, "policy fragments")
        return Receipt(VERSION, (*values, *texts))

    async def attach(self, wiring: Wiring, receipt: Receipt, progress: Progress) -> Receipt:
        """Outbound and on-error are there as soon as inbound is: a place's policy is written once."""
        before = dict(_kept(receipt))
        wanted = places.places(wiring, list(await places.apis_of(self._client, wiring)))
        for done, place in enumerate(wanted):
            progress(done, len(wanted), place.target)
            was = await places.attach(self._client, place)
            before.setdefault(place.target, was)
            if set(await places.attached(self._client, place)) != set(FRAGMENTS):
                raise PostconditionFailed(
                    f"The policy of {place.target} does not include what was put into it.",
                    next_step="Look who else writes to it.",
                )
        attached = dict.fromkeys((*receipt.attached, *(place.target for place in wanted)))
        return Receipt(VERSION, receipt.made, {_POLICIES: before}, tuple(attached))

    async def detach(self, wiring: Wiring, receipt: Receipt) -> None:
        """Out of every policy that Azure says includes it, of plans' own products as well; then it is deleted."""
        before = _kept(receipt)
        known = dict.fromkeys((*receipt.attached, *(one.target for one in await places.references(self._client))))
        for target in known:
            was_absent = target in before and before[target] is None
            await places.detach(self._client, Place(target), before.get(target), was_absent=was_absent)
        left = [one.target for one in await places.references(self._client)]
        if left:
            raise PostconditionFailed(
                f"Policies still include Aforo's fragments: {', '.join(left)}.", next_step="Look who else writes them."
            )
        texts = dict.fromkeys(FRAGMENTS.values(), "")
        await remove(self._client, wiring, texts, named_values(wiring))

    async def verify(self, wiring: Wiring, receipt: Receipt, canary: CanaryCalls | None) -> AsyncIterator[Check]:
        try:
            texts = await self._fragments(wiring)
        except GatewayError as fault:
            yield Check("Installation can be read", Verdict.FAILED, fault.detail, fault.next_step, fault.code)
            return
        async for line in installed(self._client, wiring, receipt, texts):
            yield line
        if canary:
            async for line in canary_calls(self._client, wiring, canary):
                yield line

    async def status(self, wiring: Wiring, receipt: Receipt | None) -> ArtifactStatus:
        found = {name: await self._client.find("policyFragments", name, format="rawxml") for name in FRAGMENTS.values()}
        there = {name: one for name, one in found.items() if one}
        if not there:
            return ArtifactStatus(Phase.ABSENT)
        texts = await self._fragments(wiring)
        other = [name for name, text in texts.items() if name not in there or not is_as_left(there[name], wiring, text)]
        targets = [one.target for one in await places.references(self._client)]
        if other:
            return ArtifactStatus(
                Phase.DIFFERS, None, tuple(targets), f"not as Aforo left it: {', '.join(sorted(other))}"
            )
        gone = [one for one in (receipt.attached if receipt else ()) if not await self._is_whole(one)]
        if gone:
            return ArtifactStatus(Phase.DIFFERS, VERSION, tuple(targets), f"no longer included in {', '.join(gone)}")
        return ArtifactStatus(Phase.ATTACHED if targets else Phase.DEPLOYED, VERSION, tuple(targets))

    async def set_mode(self, wiring: Wiring, targets: Sequence[str]) -> None:
        """Three named values; they hold for the whole service, whatever `targets` says."""
        del targets
        for name, value in switches(wiring).items():
            await put_named_value(self._client, name, value)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _fragments(self, wiring: Wiring) -> dict[str, str]:
        return (await self._texts(wiring))[1]

    async def _texts(self, wiring: Wiring) -> tuple[dict[str, str], dict[str, str]]:
        """The sold APIs, as `apis_of` tells them, and the fragments' texts."""
        apis = await places.apis_of(self._client, wiring)
        service, _ = await self._client.service()
        sku = service.get("sku")
        tier = str(sku.get("name") or "") if isinstance(sku, dict) else ""
        return apis, fragments(wiring, apis, lease_units(wiring, tier))

    async def _is_whole(self, target: str) -> bool:
        return set(await places.attached(self._client, Place(target))) == set(FRAGMENTS)

    async def _action(self, *path: str) -> Literal["create", "update"]:
        return "update" if await self._client.find(*path) else "create"

    async def _planned(self, place: Place) -> PlannedStep:
        found = await self._client.policy(*place.path)
        danger = "Every API of this service goes through it." if place.target == "global" else ""
        if set(await places.attached(self._client, place)) == set(FRAGMENTS):
            return PlannedStep("keep", f"policy of {place.target}")
        if found is None:
            return PlannedStep("create", f"policy of {place.target}", "base and the fragments", danger)
        return PlannedStep("wrap", f"policy of {place.target}", "the fragments go in; all else stays", danger)


def _kept(receipt: Receipt) -> JsonObject:
    told = receipt.before.get(_POLICIES)
    return told if isinstance(told, dict) else {}
