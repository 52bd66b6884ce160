"""Joins Apigee's client and mapping to fulfil the contract of a gateway."""

import asyncio
from collections import defaultdict
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
from aforo.gateways.apigee.client import open_client
from aforo.gateways.apigee.connector import checking
from aforo.gateways.apigee.connector.reading import Reader
from aforo.gateways.apigee.connector.writing import Writer


class ApigeeGateway:
    """One Apigee organization."""

    def __init__(self, connection: Connection) -> None:
        self._client = open_client(connection)
        self._reader = Reader(self._client)
        self._sign_in = connection.sign_in
        self._environments = checking.named(connection.settings.get("environments", ""))
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def check(self) -> AsyncIterator[Check]:
        return checking.check(self._client, self._sign_in, self._environments)

    async def ping(self) -> None:
        """The organization: one small object, whatever it holds."""
        await self._client.organization()

    async def discover(self, progress: Progress) -> Discovery:
        return await self._reader.discover(progress)

    async def read(self, product: Product) -> Product | None:
        return await self._reader.read(product.native_id)

    async def apply(self, recorded: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        """One restore of a product at a time: Apigee has no optimistic concurrency and warns of near writes."""
        async with self._one_at_a_time[recorded.native_id]:
            await Writer(self._client, recorded, live).carry_out(steps, done)

    def export(self, products: Sequence[Product]) -> Document | None:
        """None: Apigee has no file of its own for API products."""
        del products
        return None

    async def aclose(self) -> None:
        await self._client.aclose()


def connect(connection: Connection) -> Gateway:
    """Make a connector; makes no call. Values that cannot work show at the first one."""
    return ApigeeGateway(connection)
