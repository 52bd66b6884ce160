"""What pages watch: for each kind of part, a value of one tenant that differs when such a part may have to change.

Always the tenant's own rows: a mark that another tenant's traffic moves would tell of that traffic.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from aforo.usage import UsageLog
from aforo.usage.dead_letters import DeadLetters

if TYPE_CHECKING:
    from aforo.app.wiring import Rooms

Look = Callable[[str], Awaitable[object]]
"""Given a tenant, the value."""
USAGE: Final = "usage"
GATEWAYS: Final = "gateways"
DRIFT: Final = "drift"
ALERTS: Final = "alerts"
REFUSALS: Final = "refusals"
LETTERS: Final = "letters"


def sources(rooms: "Rooms") -> Mapping[str, Look]:
    """By the word that stands in `data-live-on`."""
    usage = UsageLog(rooms.settings.data_dir)
    letters = DeadLetters(rooms.settings.data_dir / "deadletters.db")
    marks: dict[str, tuple[object, object]] = {}

    async def used(tenant_id: str) -> object:
        mark, known = usage.mark(), marks.get(tenant_id)
        if known is None or known[0] != mark:
            known = marks[tenant_id] = (mark, await asyncio.to_thread(usage.events, tenant_id))
        return known[1], rooms.margin.earnings.outlasted(tenant_id)

    async def gateways(tenant_id: str) -> object:
        every = await rooms.integrations.all(tenant_id)
        return [(one.id, one.name, one.vitals.health, rooms.integrations.probe_at(one)) for one in every]

    return {
        USAGE: used,
        GATEWAYS: gateways,
        DRIFT: rooms.catalog.counts,
        ALERTS: rooms.alerts.alerts.open_count,
        REFUSALS: rooms.desk.newest_refusal,
        LETTERS: lambda tenant_id: asyncio.to_thread(letters.by_code, tenant_id),
    }
