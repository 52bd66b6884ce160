"""Azure API Management as a gateway of Aforo: reads products, and puts recorded ones back."""

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
from aforo.gateways.azure.client import Client, open_client
from aforo.gateways.azure.connector import checking
from aforo.gateways.azure.connector.discovery import discover
from aforo.gateways.azure.connector.reading import read
from aforo.gateways.azure.connector.restore import Restore


class AzureGateway:
    """One API Management service."""

    def __init__(self, client: Client, sign_in: str) -> None:
        self._client = client
        self._sign_in = sign_in
        self._one_restore = asyncio.Lock()

    def check(self) -> AsyncIterator[Check]:
        return checking.check(self._client, self._sign_in)

    async def ping(self) -> None:
        """GET of the service: one small object, whatever it holds."""
        await self._client.service()

    async def discover(self, progress: Progress) -> Discovery:
        return await discover(self._client, progress)

    async def read(self, product: Product) -> Product | None:
        return await read(self._client, product)

    async def apply(self, recorded: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        """One restore at a time: Azure refuses a second operation on an API while one is under way."""
        async with self._one_restore:
            restore = Restore(self._client, recorded, live)
            for step in steps:
                await restore.carry_out(step)
                done(step)

    def export(self, products: Sequence[Product]) -> Document | None:
        """None: there is no file that Azure's own tools apply to a product with its APIs alone."""
        del products
        return None

    async def aclose(self) -> None:
        await self._client.aclose()


def connect(connection: Connection) -> Gateway:
    """Make a connector; makes no call. Values that cannot work show at the first one."""
    return AzureGateway(open_client(connection), connection.sign_in)
