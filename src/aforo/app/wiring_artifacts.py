"""What the artifacts room is given of the others, in plain calls."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aforo.accounts import Caller
from aforo.artifacts import Denials, Outside, Place, Switches
from aforo.artifacts.service.parts import ProductsAt
from aforo.credentials import CredentialsRoom
from aforo.enforcement.desk import EnforcementDesk
from aforo.gateway_sdk.artifact import Artifact
from aforo.integrations import Integrations
from aforo.integrations.routes import Leaves
from aforo.kit.errors import Conflict
from aforo.usage import EventLog, EventQuery

if TYPE_CHECKING:
    from aforo.app.wiring import Rooms

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StillAtGateway(Conflict):
    """Something that was to leave the gateway has not left it."""

    code = "still_at_gateway"


def outside(integrations: Integrations, products: ProductsAt, desk: EnforcementDesk, log: EventLog) -> Outside:
    """Gateways, the catalog's products, enforcement's switches, and what became of a canary."""

    @asynccontextmanager
    async def opens(tenant_id: str, integration_id: str) -> AsyncIterator[Artifact]:
        async with integrations.artifact(tenant_id, integration_id, urgent=True) as artifact:
            yield artifact

    async def place(tenant_id: str, integration_id: str) -> Place:
        one = await integrations.get(tenant_id, integration_id)
        return Place(one.name, one.emulated, integrations.manifest(one).bounds)

    async def observed(tenant_id: str, since: datetime) -> Sequence[Denials]:
        return [Denials(*row) for row in await desk.observed(tenant_id, since)]

    async def events(tenant_id: str, customer_id: str, since: datetime) -> int:
        who = Caller(tenant_id, tenant_id, "verification", frozenset())
        query = EventQuery(customer_id=customer_id, from_ns=_ns(since), limit=10)
        return len((await asyncio.to_thread(log.page, who, query)).data)

    switches = Switches(desk.mode, desk.set_mode, observed, desk.poke)
    return Outside(opens, place, products, switches, desk.refused, events)


def leaves(rooms: "Rooms") -> Leaves:
    """Takes from a gateway all that works there: the artifact first, then every credential."""

    async def leave(tenant_id: str, integration_id: str, actor_id: str) -> None:
        await rooms.artifacts.artifacts.detach(tenant_id, integration_id, actor_id, _untold)
        await _revoked(rooms.credentials, tenant_id, integration_id)

    return leave


async def _revoked(room: CredentialsRoom, tenant_id: str, integration_id: str) -> None:
    left = []
    for one in await room.credentials.at(tenant_id, integration_id):
        place = (await room.credentials.revoke(tenant_id, one.id)).place(integration_id)
        if place is not None and place.observed != "GONE":
            left.append(one.id)
    if left:
        raise StillAtGateway(
            f"Revoked, but the gateway has not let go of {', '.join(left[:20])} yet. The integration is still there.",
            next_step="Wait until it has, and repeat; or repeat with force=orphan.",
        )


def _untold(done: int, about: int | None, what: str) -> None:
    del done, about, what


def _ns(moment: datetime) -> int:
    gap = moment - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000_000 + gap.microseconds * 1_000
