"""Kong with a server: the Admin API, or Konnect's control plane."""

from collections.abc import AsyncIterator, Sequence

from aforo.gateway_sdk.contract import Check, Discovery, Document, Product, Progress, Step, StepDone
from aforo.gateway_sdk.errors import GatewayChanged, GatewayUnavailable
from aforo.gateways.kong import declarative
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.connector import checking, reading
from aforo.gateways.kong.connector.schemas import Schemas
from aforo.gateways.kong.connector.writing import Writer
from aforo.kit.clock import Clock


class OnlineKong:
    """Fulfils `gateway_sdk.contract.Gateway` with calls."""

    def __init__(self, client: Client, sign_in: str, clock: Clock) -> None:
        self._client = client
        self._sign_in = sign_in
        self._clock = clock
        self._schemas = Schemas(client)
        self._is_dbless: bool | None = None
        self._hash_read: str | None = None

    def check(self) -> AsyncIterator[Check]:
        return checking.check(self._client, self._sign_in, self._clock.now())

    async def ping(self) -> None:
        if self._client.is_konnect:
            await self._client.info()
            return
        database = (await self._client.status()).get("database")
        if isinstance(database, dict) and database.get("reachable") is False:
            raise GatewayUnavailable(
                "Kong answers, but does not reach its database.", next_step="Look at Kong's database."
            )

    async def discover(self, progress: Progress) -> Discovery:
        return await reading.discover(self._client, self._schemas, progress)

    async def read(self, product: Product) -> Product | None:
        if await self._runs_from_a_file():
            self._hash_read = await self._client.config_hash()
        return await reading.read(self._client, self._schemas, product)

    async def apply(self, recorded: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        if not steps:
            return
        if await self._runs_from_a_file():
            await self._apply_whole(recorded, live, steps)
            for step in steps:
                done(step)
            return
        writer = Writer(self._client, self._schemas, recorded, live)
        for step in steps:
            await writer.carry_out(step)
            done(step)

    def export(self, products: Sequence[Product]) -> Document | None:
        return declarative.export(products)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _runs_from_a_file(self) -> bool:
        if self._is_dbless is None:
            told = {} if self._client.is_konnect else (await self._client.info())[0]
            self._is_dbless = checking.database(told) == "off"
        return self._is_dbless

    async def _apply_whole(self, recorded: Product, live: Product | None, steps: Sequence[Step]) -> None:
        """DB-less Kong takes its configuration as one document, so all steps take effect at once or none does.

        It takes no condition, so its hash is asked before and after ours is made ready: what somebody else loads since
        the product was read is noticed, but for the moment between the last question and the POST.
        """
        before = self._hash_read or await self._client.config_hash()
        document = declarative.parse(await self._client.config())
        declarative.carry_out(document, recorded, live, steps)
        if before != await self._client.config_hash():
            raise GatewayChanged(
                "Another configuration was loaded into Kong since this product was read. Nothing was written.",
                status=412,
                next_step="Compare the product again, then restore what still differs.",
            )
        await self._client.load_config(document.text())
        self._hash_read = None
