"""What all of the room's services work on."""

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from aforo.enforcement.counters import Counters
from aforo.enforcement.errors import NotReady
from aforo.enforcement.leases import Leases
from aforo.enforcement.ledger import Keeper
from aforo.enforcement.margins import MarginBook
from aforo.enforcement.meters import Meters
from aforo.enforcement.model import Log, Tenant
from aforo.enforcement.reservations import Reservations
from aforo.enforcement.state import Snapshot
from aforo.kit.clock import Clock


@dataclass(slots=True)
class Parts:
    """One process's state. `snapshot` is replaced whole; everything else is touched by the event loop only."""

    clock: Clock
    counters: Counters
    leases: Leases
    reservations: Reservations
    meters: Meters
    book: MarginBook
    keeper: Keeper
    made_ms: int
    snapshot: Snapshot | None = None
    key: bytes = b""
    serials: Iterator[int] = field(default_factory=lambda: itertools.count(secrets.randbits(62)))

    def now_ms(self) -> int:
        return self.clock.epoch_ms()

    def tenant(self, tenant_id: str) -> Tenant:
        """One without anything when it is not there yet. Raises NotReady before the first snapshot."""
        if self.snapshot is None:
            raise NotReady("The grants are not loaded yet.", next_step="Use the plan's fail mode, and ask again.")
        return self.snapshot.tenants.get(tenant_id) or Tenant(tenant_id)


@dataclass(frozen=True, slots=True)
class Who:
    """Whose key asks: the tenant, live or test, and the one customer that it may ask about, if it is bound to one."""

    tenant_id: str
    log: Log
    customer_only: str | None = None
