"""Enforcement at Anypoint without code: MuleSoft's own policies hold callers to contracts and SLA tiers.

Nothing of Aforo's runs there, so a call is neither checked at Aforo nor metered by the gateway. What Aforo decides
arrives as a tier, a revoked contract, or the policy's switch.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

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
from aforo.gateway_sdk.contract import Check, Connection, Progress, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.mulesoft.artifact import policies
from aforo.gateways.mulesoft.client import Anypoint
from aforo.gateways.mulesoft.mapping.limits import ENFORCING
from aforo.kit.jsontree import JsonObject

VERSION: Final = "1"
_POLICIES: Final = "policies"
_MADE: Final = "made"
_WAS_OFF: Final = "was_off"
_NOTES: Final = (
    "Limits are those of the SLA tiers, in windows of fixed length for each application; sync the plans' prices first.",
    "A revoked contract or another tier takes effect when the runtime asks Anypoint again: seconds to some minutes.",
    "Calls are not metered by the gateway: usage reaches Aforo only by what you send or upload.",
)


def connect(connection: Connection) -> Artifact:
    """Makes no call; values that cannot work show at the first one."""
    return AnypointArtifact(Anypoint(connection))


class AnypointArtifact:
    """Fulfils `gateway_sdk.artifact.Artifact`. Anypoint knows no ETags: what was written is read back."""

    def __init__(self, anypoint: Anypoint) -> None:
        self._anypoint = anypoint

    @property
    def version(self) -> str:
        return VERSION

    async def preview(self, wiring: Wiring) -> Rollout:
        chosen = policies.instances(wiring)
        steps = [await self._planned(api) for api in chosen]
        return Rollout(VERSION, tuple(steps), tuple(chosen), notes=_NOTES)

    async def deploy(self, wiring: Wiring, progress: Progress) -> Receipt:
        """Nothing is installed: the policies are MuleSoft's."""
        del wiring
        progress(1, 1, "nothing to install")
        return Receipt(VERSION, ())

    async def attach(self, wiring: Wiring, receipt: Receipt, progress: Progress) -> Receipt:
        """A policy that is there already is used as it is; one that is off is switched on while this enforces."""
        before: dict[str, str] = dict(_before(receipt))
        made, attached = dict.fromkeys(receipt.made), dict.fromkeys(receipt.attached)
        chosen = policies.instances(wiring)
        for done, api in enumerate(chosen):
            progress(done, len(chosen), f"instance {api}")
            found = await policies.there(self._anypoint, api)
            if found is None or found.is_begun:
                found = await policies.apply(self._anypoint, api, found, on=wiring.enforce)
                made[f"{api}:{found.native}"] = None
                before[f"{api}:{found.native}"] = _MADE
            elif not found.is_on and wiring.enforce:
                before.setdefault(f"{api}:{found.native}", _WAS_OFF)
                await policies.switch(self._anypoint, api, found.native, on=True)
            attached[api] = None
        told: JsonObject = {_POLICIES: dict(before)}
        return Receipt(VERSION, tuple(made), told, tuple(attached))

    async def detach(self, wiring: Wiring, receipt: Receipt) -> None:
        """What Aforo applied goes, what it switched on is switched off; a policy that somebody replaced stays."""
        del wiring
        for place, was in _before(receipt).items():
            api, _, native = place.partition(":")
            found = await policies.there(self._anypoint, api)
            if found is None or found.native != native:
                continue
            if was == _MADE:
                await self._anypoint.delete("apis", api, "policies", native)
            elif found.is_on:
                await policies.switch(self._anypoint, api, native, on=False)

    async def verify(self, wiring: Wiring, receipt: Receipt, canary: Canary | None) -> AsyncIterator[Check]:
        """The policies and tiers, read back. `canary.key` is `client_id:client_secret`."""
        try:
            for api in receipt.attached:
                yield await self._line(wiring, api)
        except GatewayError as fault:
            yield Check("Policies can be read", Verdict.FAILED, fault.detail, fault.next_step, fault.code)
            return
        if canary:
            words = "send its calls yourself: a gateway behind Anypoint is reached by addresses of your own"
            yield Check("Canary", Verdict.LIMITED, words, "One call must pass, those beyond its tier answer 429.")

    async def status(self, wiring: Wiring, receipt: Receipt | None) -> ArtifactStatus:
        del wiring
        if receipt is None or not receipt.attached:
            return ArtifactStatus(Phase.DEPLOYED if receipt else Phase.ABSENT, VERSION if receipt else None)
        there = {api: await policies.there(self._anypoint, api) for api in receipt.attached}
        gone = [api for api, found in there.items() if found is None]
        if gone:
            words = f"no policy asks for client ids any more at {', '.join(gone)}"
            return ArtifactStatus(Phase.DIFFERS, VERSION, tuple(set(there) - set(gone)), words)
        return ArtifactStatus(Phase.ATTACHED, VERSION, tuple(there))

    async def set_mode(self, wiring: Wiring, targets: Sequence[str]) -> None:
        """Switch the policies; to observe is to let everybody through unseen. `targets`: instances, or all sold."""
        for api in targets or policies.instances(wiring):
            found = await policies.there(self._anypoint, api)
            if found and found.is_on is not wiring.enforce:
                await policies.switch(self._anypoint, api, found.native, on=wiring.enforce)

    async def aclose(self) -> None:
        await self._anypoint.aclose()

    async def _planned(self, api: str) -> PlannedStep:
        found = await policies.there(self._anypoint, api)
        if found and found.is_on and not found.is_begun:
            return PlannedStep("keep", f"{found.asset} at instance {api}")
        danger = (
            "Callers without an approved contract, or without a tier where one is needed, are refused from then on."
        )
        if found:
            return PlannedStep("update", f"{found.asset} at instance {api}", "it is off, and is switched on", danger)
        asset = await policies.wanted(self._anypoint, api)
        return PlannedStep("create", f"{asset} at instance {api}", "MuleSoft's own policy", danger)

    async def _line(self, wiring: Wiring, api: str) -> Check:
        name = f"Instance {api}"
        found = await policies.there(self._anypoint, api)
        if found is None:
            step = "Attach again."
            return Check(name, Verdict.FAILED, "no policy asks for client ids", step, "artifact_differs")
        if found.is_on is not wiring.enforce:
            state = "on" if found.is_on else "off"
            return Check(name, Verdict.FAILED, f"{found.asset} is {state}", "Set the mode again.", "artifact_differs")
        if found.asset != ENFORCING:
            return Check(name, Verdict.LIMITED, f"{found.asset}: callers are known, and their calls are not limited")
        return Check(name, Verdict.OK, found.asset)


def _before(receipt: Receipt) -> dict[str, str]:
    told = receipt.before.get(_POLICIES)
    return {place: str(was) for place, was in told.items()} if isinstance(told, dict) else {}
