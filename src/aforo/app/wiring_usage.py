"""What the usage room is given of the others to read gateways' own figures and hold them beside the events."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path

from aforo.accounts import Accounts
from aforo.artifacts import ArtifactsRoom
from aforo.customers import CustomersRoom
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.usage import UsagePull
from aforo.integrations import Integrations
from aforo.kit.clock import Clock
from aforo.kit.db import Database
from aforo.kit.errors import NotFound
from aforo.usage.commands import EdgeLink
from aforo.usage.keeping import Keeping, RetentionStore
from aforo.usage.pulled import Place, PulledStore, Pulling, Reconciling


def open_keeping(db: Database, data_dir: Path, accounts: Accounts, customers: CustomersRoom, clock: Clock) -> Keeping:
    """Retention and erasure; events may name a customer by its id or by what the tenant calls it."""

    async def names(tenant_id: str, told: str) -> list[str]:
        found, _ = await customers.customers.page(tenant_id, external_id=told, limit=1)
        with suppress(NotFound):
            found = found or [await customers.customers.one(tenant_id, told)]
        return sorted({told, *(name for one in found for name in (one.id, one.external_id) if name)})

    return Keeping(RetentionStore(db), EdgeLink(data_dir), names, accounts.note, clock)


def pulled(
    data_dir: Path,
    integrations: Integrations,
    products: Callable[[str, str], Awaitable[Sequence[ScopedProduct]]],
    artifacts: ArtifactsRoom,
    clock: Clock,
) -> tuple[Pulling, Reconciling]:
    """The readers of figures, and those who compare them, over one store."""

    async def place(tenant_id: str, integration_id: str) -> Place:
        one = await integrations.get(tenant_id, integration_id)
        manifest = integrations.manifest(one)
        best_effort = manifest.bounds is not None and manifest.bounds.delivery == "best_effort"
        return Place(one.name, manifest.name, manifest.usage, manifest.keyless, best_effort)

    @asynccontextmanager
    async def opens(tenant_id: str, integration_id: str) -> AsyncIterator[UsagePull]:
        async with integrations.usage(tenant_id, integration_id) as opened:
            yield opened

    async def attached_at(tenant_id: str, integration_id: str) -> datetime | None:
        return await artifacts.artifacts.attached_at(tenant_id, integration_id)

    store = PulledStore(data_dir / "pulled.db")
    pulling = Pulling(store, place, opens, clock)
    integrations.listeners.on_change.append(pulling.changed)
    return pulling, Reconciling(store, data_dir, place, products, attached_at, clock)
