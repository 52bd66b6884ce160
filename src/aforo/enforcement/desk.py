"""What operators do and look up: switch products, pause, read denials, have a decision explained. Runs in the api."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from aforo.enforcement.errors import NoDecision
from aforo.enforcement.ledger_reading import read_ledger
from aforo.enforcement.levels import Level, QuotaNow, levels
from aforo.enforcement.rules.decide import STATUS, Reason
from aforo.enforcement.sql import SwitchStore
from aforo.enforcement.token import Decision, verify

QuotasOf = Callable[[str, str], Awaitable[Sequence[QuotaNow]]]
"""Given a tenant and a subscription: the quotas of its plan in their present periods. Raises NotFound. Comes from the
customers room."""
RefusesUnknown = Callable[[str, str], Awaitable[object]]
"""Given a tenant and a product's id; raises NotFound where there is no such product. Comes from the catalog."""
_POKE_SECONDS: Final = 1.0
KEPT: Final = timedelta(days=8)
"""How long decisions are kept."""
_RULES: Final = {
    Reason.OK: "Nothing stood against the call.",
    Reason.NO_SUBSCRIPTION: "No subscription that is active belongs to this caller.",
    Reason.SUBSCRIPTION_SUSPENDED: "The subscription, or the credential, is suspended.",
    Reason.CREDENTIAL_REVOKED: "The credential has been revoked.",
    Reason.PRODUCT_NOT_IN_PLAN: "The plan does not sell this product.",
    Reason.FEATURE_NOT_IN_PLAN: "The plan does not hold this feature.",
    Reason.RATE_LIMITED: "More units came than the plan's rate limit lets through.",
    Reason.QUOTA_EXCEEDED: "A HARD quota of the plan is used up.",
    Reason.SPEND_CAP: "The period would cost more than the plan's spend cap.",
    Reason.MARGIN_BLOCKED: "The margin is below the floor of L3.",
    Reason.MARGIN_THROTTLED: "The margin is below the floor of L2, and this call is not in the share let through.",
}


class Seen(NamedTuple):
    """A decision that was kept."""

    number: int
    at_ms: int
    customer_id: str
    product: str
    metric: str
    reason: str
    enforced: bool
    units: str
    token: str


class Observed(NamedTuple):
    """Refusals of one caller, product and reason that were only observed. No customer: nobody known."""

    customer_id: str
    product: str
    reason: str
    calls: int
    last_ms: int


class Refusals(NamedTuple):
    """Live calls decided against, of one customer, product and reason in one step of time. `enforced` is false where
    they passed all the same: their product observes, or their margin guard does."""

    step: int
    customer_id: str
    product: str
    reason: str
    enforced: bool
    calls: int


class EnforcementDesk:
    """The api's side of the room. `ledger.db` is the edge's and is only read here."""

    def __init__(self, store: SwitchStore, data_dir: Path, product: RefusesUnknown, quotas: QuotasOf) -> None:
        self._store = store
        self._ledger = data_dir / "ledger.db"
        self._data_dir = data_dir
        self._product = product
        self._quotas = quotas

    async def mode(self, tenant_id: str, product_id: str) -> str:
        """`observe` or `enforce`. Raises NotFound."""
        await self._product(tenant_id, product_id)
        return await self._store.mode(tenant_id, product_id)

    async def set_mode(self, tenant_id: str, product_id: str, mode: str) -> str:
        """Gives the mode that it had before. Raises NotFound."""
        before = await self.mode(tenant_id, product_id)
        if before != mode:
            await self._store.set_mode(tenant_id, product_id, mode)
            await self.poke()
        return before

    async def paused_since(self, tenant_id: str) -> str | None:
        return await self._store.paused_since(tenant_id)

    async def pause(self, tenant_id: str, actor_id: str) -> bool:
        """Every answer becomes `observe`, at nodes with a lease within the lease's life. Whether it was not before."""
        changed = await self._store.pause(tenant_id, actor_id)
        await self.poke()
        return changed

    async def resume(self, tenant_id: str) -> bool:
        changed = await self._store.resume(tenant_id)
        await self.poke()
        return changed

    async def decision(self, tenant_id: str, token: str) -> tuple[Decision, dict[str, Any]]:
        """What a decision's id says, and what has become of it. Raises NoDecision."""
        decision = verify(token, tenant_id, await self._store.decision_key())
        if decision is None:
            raise NoDecision("There is no such decision.", next_step="Send the decisionId as it was given.")
        return decision, await asyncio.to_thread(self._explained, decision)

    async def decisions(
        self, tenant_id: str, *, test: bool, denied: bool | None, before: int | None, limit: int
    ) -> list[Seen]:
        """Newest first: denials, also those that were only observed, and a sample of allowed calls."""
        query = """
            SELECT number, at_ms, customer_id, product, metric, reason, enforced, units, token FROM decisions
            WHERE tenant_id = ? AND log = ? AND number < ? AND (? IS NULL OR (reason <> 'ok') = ?)
            ORDER BY number DESC LIMIT ?
        """
        log = "test" if test else "live"
        values = (tenant_id, log, before or 2**62, denied, denied, limit)
        return [Seen(*row) for row in await asyncio.to_thread(self._rows, query, values)]

    async def levels(self, tenant_id: str, subscription_id: str, *, test: bool = False) -> list[Level]:
        """How far each quota of the subscription is used now; behind the edge by at most its next commit."""
        quotas = await self._quotas(tenant_id, subscription_id)
        query = """
            SELECT metric, every, anchor_day, time_zone, starts_ms, given, settled, stranded FROM counters
            WHERE tenant_id = ? AND log = ? AND subscription_id = ?
        """
        values = (tenant_id, "test" if test else "live", subscription_id)
        return levels(quotas, await asyncio.to_thread(self._rows, query, values))

    async def observed(self, tenant_id: str, since: datetime) -> list[Observed]:
        """Live calls that were let through and would have been refused had their product been enforced, most first.

        A margin guard that observes would still let its own through.
        """
        query = """
            SELECT customer_id, product, reason, count(*), max(at_ms) FROM decisions
            WHERE tenant_id = ? AND log = 'live' AND at_ms >= ? AND reason <> 'ok' AND enforced = 0
            GROUP BY customer_id, product, reason ORDER BY count(*) DESC
        """
        return [Observed(*row) for row in await asyncio.to_thread(self._rows, query, (tenant_id, _ms(since)))]

    async def refusals(self, tenant_id: str, since: datetime, until: datetime, step_seconds: int) -> list[Refusals]:
        """What was decided against from one moment to another, counted by steps from `since` on."""
        query = """
            SELECT (at_ms - ?) / ? AS step, customer_id, product, reason, enforced, count(*) FROM decisions
            WHERE tenant_id = ? AND log = 'live' AND at_ms >= ? AND at_ms < ? AND reason <> 'ok'
            GROUP BY step, customer_id, product, reason, enforced
        """
        first = _ms(since)
        values = (first, step_seconds * 1_000, tenant_id, first, _ms(until))
        found = await asyncio.to_thread(self._rows, query, values)
        return [Refusals(at, who, what, why, bool(obeyed), calls) for at, who, what, why, obeyed, calls in found]

    async def newest_refusal(self, tenant_id: str) -> int:
        """The number of the newest live decision that was kept; it grows with each."""
        query = "SELECT max(number) FROM decisions WHERE tenant_id = ? AND log = 'live'"
        found = await asyncio.to_thread(self._rows, query, (tenant_id,))
        return int(found[0][0] or 0) if found else 0

    async def refused(self, tenant_id: str, customer_id: str, since: datetime) -> bool:
        """Whether a call of this customer was decided against, obeyed or not."""
        query = """
            SELECT 1 FROM decisions
            WHERE tenant_id = ? AND log = 'live' AND customer_id = ? AND at_ms >= ? AND reason <> 'ok' LIMIT 1
        """
        return bool(await asyncio.to_thread(self._rows, query, (tenant_id, customer_id, _ms(since))))

    def _explained(self, decision: Decision) -> dict[str, Any]:
        ids = json.dumps([number for number, _ in decision.counters])
        query = """
            SELECT id, metric, every, anchor_day, time_zone, starts_ms, ends_ms, given, settled, hard FROM counters
            WHERE id IN (SELECT value FROM json_each(?)) AND metric NOT LIKE char(0) || '%'
        """
        settled = self._rows("SELECT at_ms FROM settled WHERE serial = ?", (decision.serial,))
        return {"counters": self._rows(query, (ids,)), "settled": bool(settled), "rule": _RULES[decision.why]}

    def _rows(self, query: str, values: Any) -> list[Any]:
        return read_ledger(self._ledger, query, values)

    async def poke(self) -> None:
        """Let the edge look at once; without it, it looks within half a second."""
        await poke_edge(self._data_dir)


async def poke_edge(data_dir: Path) -> None:
    """Tell the edge of this data folder that records have changed. One that does not run, or is busy, is left alone."""
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(_POKE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(data_dir / "edge.sock")
            writer.write(b"changed\n")
            await reader.readline()
            writer.close()


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def status_of(reason: Reason) -> int:
    return STATUS[reason]
