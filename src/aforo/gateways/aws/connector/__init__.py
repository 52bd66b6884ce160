"""AWS API Gateway as a gateway of Aforo: reads stages as products, and puts recorded ones back."""

import asyncio
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
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.checks import checks
from aforo.gateways.aws.connector.discovery import discover
from aforo.gateways.aws.connector.reading import read
from aforo.gateways.aws.connector.restore import Restore


class AwsGateway:
    """One AWS account and region."""

    def __init__(self, connection: Connection) -> None:
        self._clock = connection.clock
        self._aws = Aws(connection)
        self._one_restore = asyncio.Lock()

    async def check(self) -> AsyncIterator[Check]:
        async for line in checks(self._aws, self._clock):
            yield line

    async def ping(self) -> None:
        """GET /account: one small object, whatever the region holds."""
        await self._aws.call("apigateway", "GetAccount")

    async def discover(self, progress: Progress) -> Discovery:
        return await discover(self._aws, progress)

    async def read(self, product: Product) -> Product | None:
        return await read(self._aws, product)

    async def apply(self, recorded: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        """One restore at a time, since AWS has no optimistic concurrency and PutRestApi replaces the whole API."""
        async with self._one_restore:
            await Restore(self._aws, self._clock, recorded, live).carry_out(steps, done)

    def export(self, products: Sequence[Product]) -> Document | None:
        """None: there is no file that AWS's own tools apply to a stage with its plans."""
        del products
        return None

    async def aclose(self) -> None:
        await self._aws.aclose()


def connect(connection: Connection) -> Gateway:
    """Make a connector; makes no call yet. Raises Invalid for a malformed region, role or endpoint."""
    return AwsGateway(connection)
