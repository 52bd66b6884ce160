"""What the usage room is given of the others to read gateways' own figures and hold them beside the events."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from aforo.artifacts import ArtifactsRoom
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.usage import UsagePull
from aforo.integrations import Integrations
from aforo.kit.clock import Clock
from aforo.usage.pulled import Place, PulledStore, Pulling, Reconciling


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
