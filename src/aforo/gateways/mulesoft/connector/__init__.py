"""MuleSoft Anypoint as a gateway of Aforo: reads API instances as products, and puts recorded ones back."""

from collections.abc import AsyncIterator, Sequence

from aforo.gateway_sdk.contract import (
    Check,
    Connection,
    Discovery,
    Document,
    Gateway,
    Product,
    Progress,
    Step,
    StepDone,
)
from aforo.gateways.mulesoft.client import Anypoint
from aforo.gateways.mulesoft.connector import checking, reading
from aforo.gateways.mulesoft.connector.discovery import discover
from aforo.gateways.mulesoft.connector.restore import Restore


class AnypointGateway:
    """One environment of one organization."""

    def __init__(self, anypoint: Anypoint) -> None:
        self._anypoint = anypoint

    async def check(self) -> AsyncIterator[Check]:
        async for line in checking.check(self._anypoint):
            yield line

    async def ping(self) -> None:
        """GET /me: one small object, whatever the environment holds."""
        await self._anypoint.me()

    async def discover(self, progress: Progress) -> Discovery:
        return await discover(self._anypoint, progress)

    async def read(self, product: Product) -> Product | None:
        return await reading.read(self._anypoint, product)

    async def apply(self, recorded: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        await Restore(self._anypoint, recorded, live).carry_out(steps, done)

    def export(self, products: Sequence[Product]) -> Document | None:
        """None: Anypoint has no file that its own tools apply to an instance with its policies and tiers."""
        del products
        return None

    async def aclose(self) -> None:
        await self._anypoint.aclose()


def connect(connection: Connection) -> Gateway:
    """The connector for one way to sign in. Makes no call; values that cannot work show at the first one."""
    return AnypointGateway(Anypoint(connection))
