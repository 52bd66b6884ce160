"""Proof that an installed artifact works: read back, and with a canary's two calls that Aforo follows to their end."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from aforo.artifacts.errors import NotDeployed
from aforo.artifacts.model import Installed, Intent, Mode, Verification
from aforo.artifacts.rules import canary as rules
from aforo.artifacts.rules.wiring import check_without
from aforo.artifacts.service.canary import Canaries, Prepared
from aforo.artifacts.service.parts import Parts
from aforo.gateway_sdk.artifact import Canary, Phase
from aforo.gateway_sdk.contract import Check, Progress, Verdict
from aforo.kit.errors import AforoError

EventsOf = Callable[[str, str, datetime], Awaitable[int]]
"""Given a tenant, a customer and a moment: how many events of it have come since."""

PATIENCE_SECONDS: Final = 5.0
"""How long the passed call may take to become an event."""
_LOOK_SECONDS: Final = 0.25
_LEDGER_SECONDS: Final = 2.0
"""How long a decision may take to be written."""
_EDGE_LOOKS_SECONDS: Final = 1.0
"""The edge reads the records every 500 ms: a canary that is older than this is known to it."""


class Verifying:
    """Runs the gateway's own checks, then Aforo's."""

    def __init__(self, parts: Parts, canaries: Canaries, events: EventsOf) -> None:
        self._parts = parts
        self._canaries = canaries
        self._events = events

    async def verify(
        self, tenant_id: str, integration_id: str, actor_id: str, progress: Progress, url: str | None = None
    ) -> Verification:
        """Kept with the record. Without `url` nothing is called but the gateway's management API.

        The canary is taken away afterwards; what a crash left of one, the next verification takes away.
        """
        parts = self._parts
        url = rules.address(url) if url else None
        async with parts.turn(integration_id):
            one = await parts.store.one(tenant_id, integration_id)
            if one is None or one.wiring is None or one.receipt is None or one.unfinished is Intent.DETACH:
                await parts.places(tenant_id, integration_id)
                raise NotDeployed("There is no artifact here to verify.", next_step="Deploy it first.")
            at = parts.clock.now()
            checks, left = await self._checks(one, url, progress)
            told = Verification(at, actor_id, url, tuple(checks), left)
            await parts.keep(replace(one, verification=told), one.changed_by)
            return told

    async def _checks(self, one: Installed, url: str | None, progress: Progress) -> tuple[list[Check], str | None]:
        if url is None or one.phase is not Phase.ATTACHED:
            return [*await self._read_back(one, None, progress), _uncalled(one)], None
        try:
            prepared = await self._canaries.prepare(one.tenant_id, one.integration_id)
        except AforoError as fault:
            failed = Check("Canary", Verdict.FAILED, fault.detail, fault.next_step, fault.code)
            return [*await self._read_back(one, None, progress), failed], None
        left = None
        try:
            checks = await self._called(one, url, prepared, progress)
        finally:
            left = await self._canaries.take_away(prepared)
        return checks, left

    async def _called(self, one: Installed, url: str, prepared: Prepared, progress: Progress) -> list[Check]:
        parts = self._parts
        if prepared.secret is None:
            why = prepared.reason or "the gateway has not told of it yet"
            failed = Check("Canary's key at the gateway", Verdict.FAILED, why, "Look at the integration's health, then "
                           "verify again.")  # fmt: skip
            return [*await self._read_back(one, None, progress), failed]
        await parts.switches.told()
        await parts.clock.sleep(_EDGE_LOOKS_SECONDS)
        since = parts.clock.now()
        canary = Canary(url, prepared.secret, prepared.customer_id, prepared.plan)
        checks = await self._read_back(one, canary, progress)
        return [*checks, await self._event(one, prepared, since), await self._refusal(one, prepared, since)]

    async def _read_back(self, one: Installed, canary: Canary | None, progress: Progress) -> list[Check]:
        """The gateway's own checks. No secret leaves in them."""
        if one.wiring is None or one.receipt is None:
            return []
        secrets = [one.wiring.api_key, *([canary.key] if canary else ())]
        checks: list[Check] = []
        async with self._parts.opens(one.tenant_id, one.integration_id) as artifact:
            async for check in artifact.verify(one.wiring, one.receipt, canary):
                checks.append(check_without(secrets, check))
                progress(len(checks), None, "checks")
        return checks

    async def _event(self, one: Installed, prepared: Prepared, since: datetime) -> Check:
        name = "The call became an event"

        async def arrived() -> bool:
            return await self._events(one.tenant_id, prepared.customer_id, since) > 0

        took = await self._until(arrived, PATIENCE_SECONDS)
        if took is not None:
            return Check(name, Verdict.OK, f"after {took:.1f} s", took_ms=took * 1000)
        return Check(
            name,
            Verdict.FAILED,
            f"No event of the canary arrived at {self._parts.ingest_url} within {PATIENCE_SECONDS:.0f} s.",
            "Look whether the gateway may reach that address, and whether its key for Aforo still works.",
            "event_missing",
        )

    async def _refusal(self, one: Installed, prepared: Prepared, since: datetime) -> Check:
        """What Aforo decided of the second call, whether or not the gateway obeyed."""
        name = "Aforo decided to refuse the second call"

        async def denied() -> bool:
            return await self._canaries.was_refused(prepared, since)

        if await self._until(denied, _LEDGER_SECONDS) is not None:
            obeyed = one.mode is Mode.ENFORCE
            how = "and the artifact enforces" if obeyed else "only observed: this artifact refuses nobody yet"
            return Check(name, Verdict.OK, how)
        return Check(
            name,
            Verdict.LIMITED,
            "No such decision is in the ledger; an artifact that counts leased units itself may have refused alone.",
        )

    async def _until(self, holds: Callable[[], Awaitable[bool]], seconds: float) -> float | None:
        """Look again and again: the seconds it took, or None when they ran out."""
        clock = self._parts.clock
        begun = clock.monotonic()
        while not await holds():
            if clock.monotonic() - begun >= seconds:
                return None
            await clock.sleep(_LOOK_SECONDS)
        return clock.monotonic() - begun


def _uncalled(one: Installed) -> Check:
    if one.phase is not Phase.ATTACHED:
        return Check("Canary", Verdict.LIMITED, "No call was made: nothing is attached yet.", "Attach, then verify.")
    return Check(
        "Canary",
        Verdict.LIMITED,
        "No call was made: this proves what is installed, not that it works.",
        "Name an address of the gateway to have two calls made through it.",
    )
