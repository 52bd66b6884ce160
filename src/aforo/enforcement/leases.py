"""Leases in memory."""

import collections
from dataclasses import dataclass
from typing import Final

from aforo.enforcement.counters import Counter
from aforo.enforcement.model import Log
from aforo.enforcement.rules import lease as rule
from aforo.enforcement.rules.lease import LeaseState
from aforo.kit.errors import Overloaded

_MOST: Final = 200_000


@dataclass(slots=True, eq=False)
class Lease:
    """Units that a node holds. `counters` are those that it moved: (id, HARD or not). `ends_ms`: its period's end.

    `unit_cost` a nano-unit is held on `cost_counter` while its event has not come; in memory only: after a crash
    the cost of units leased before it counts when their events come.
    """

    id: str
    log: Log
    tenant_id: str
    subscription_id: str
    metric: str
    product: str
    node_id: str
    epoch: str
    granted_ms: int
    expires_ms: int
    ends_ms: int
    state: LeaseState
    counters: tuple[tuple[int, bool], ...] = ()
    unit_cost: int = 0
    cost_counter: Counter | None = None


class Leases:
    """All leases whose period is not over, by id; those that live, also by subscription and metric."""

    def __init__(self) -> None:
        self._by_id: dict[str, Lease] = {}
        self._live: dict[tuple[str, str], set[Lease]] = {}
        self._nodes: dict[tuple[str, str], collections.Counter[str]] = {}
        self.dirty: set[Lease] = set()

    def __len__(self) -> int:
        return len(self._by_id)

    def refuse_when_full(self) -> None:
        if len(self._by_id) >= _MOST:
            raise Overloaded("Too many leases are open.", next_step="Settle leases that are over, and try again.")

    def add(self, lease: Lease) -> None:
        self._by_id[lease.id] = lease
        if not lease.state.expired and not lease.state.final:
            key = (lease.subscription_id, lease.metric)
            self._live.setdefault(key, set()).add(lease)
            self._nodes.setdefault(key, collections.Counter())[lease.node_id] += 1

    def remove(self, lease: Lease) -> None:
        self._by_id.pop(lease.id, None)
        self.dirty.discard(lease)
        self.over(lease)

    def get(self, tenant_id: str, lease_id: str) -> Lease | None:
        found = self._by_id.get(lease_id)
        return found if found is not None and found.tenant_id == tenant_id else None

    def over(self, lease: Lease) -> None:
        """It lives no more: expired, or settled for good."""
        key = (lease.subscription_id, lease.metric)
        live = self._live.get(key)
        if live is None or lease not in live:
            return
        live.discard(lease)
        nodes = self._nodes[key]
        nodes[lease.node_id] -= 1
        if not nodes[lease.node_id]:
            del nodes[lease.node_id]
        if not live:
            del self._live[key], self._nodes[key]

    def live_nodes(self, subscription_id: str, metric: str) -> int:
        """How many nodes hold a lease that lives."""
        return len(self._nodes.get((subscription_id, metric), ()))

    def expired(self, now_ms: int) -> list[Lease]:
        return [lease for live in self._live.values() for lease in live if lease.expires_ms <= now_ms]

    def stranded(self, now_ms: int) -> int:
        """HARD units of leases that are over and were never settled for good, in periods that are not."""
        return sum(
            rule.stranded(lease.state)
            for lease in self._by_id.values()
            if lease.ends_ms > now_ms and any(hard for _, hard in lease.counters)
        )

    def drop_ended(self, before_ms: int) -> None:
        for lease in [one for one in self._by_id.values() if one.ends_ms < before_ms]:
            self.remove(lease)
