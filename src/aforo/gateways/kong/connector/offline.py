"""Kong without a server: the text of a kong.yml, which the operator applies with decK or loads into DB-less nodes."""

from collections.abc import AsyncIterator, Sequence

from aforo.gateway_sdk.contract import (
    Check,
    Connection,
    Discovery,
    Document,
    Product,
    Progress,
    Step,
    StepDone,
    Verdict,
)
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.kong import declarative
from aforo.gateways.kong.connector.checking import failed
from aforo.gateways.kong.mapping import Canon, notes, products

_READABLE = "kong.yml can be read"


class KongFile:
    """Fulfils `gateway_sdk.contract.Gateway` on a text. No schema is at hand, so every value in it is a wish."""

    def __init__(self, connection: Connection) -> None:
        self._text = connection.settings.get("document", "")
        self._remember = connection.remember
        self._transport = connection.transport

    async def check(self) -> AsyncIterator[Check]:
        try:
            document = declarative.parse(self._text)
        except GatewayError as fault:
            yield failed(_READABLE, fault)
            return
        found = document.tables()
        yield Check(_READABLE, Verdict.OK, f"{len(found.services)} services, {len(found.routes)} routes")
        yield Check(
            "May write",
            Verdict.LIMITED,
            "a restore changes the stored text, which stays sealed; export the product and apply that with decK",
        )

    async def ping(self) -> None:
        declarative.parse(self._text)

    async def discover(self, progress: Progress) -> Discovery:
        tables = declarative.parse(self._text).tables()
        found = products(tables, Canon({}))
        progress(len(found), len(found), "services")
        return Discovery(found, (), notes(tables))

    async def read(self, product: Product) -> Product | None:
        tables = declarative.parse(self._text).tables()
        found = products(tables, Canon({}))
        by_id = (one for one in found if one.native_id == product.native_id)
        by_ref = (one for one in found if one.ref == product.ref)
        there = next(by_id, None) or next(by_ref, None)
        if there is None:
            return None
        tables.keep_upstream(there.native_id, product)
        return next(one for one in products(tables, Canon({})) if one.native_id == there.native_id)

    async def apply(self, recorded: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        if not steps:
            return
        document = declarative.parse(self._text)
        declarative.carry_out(document, recorded, live, steps)
        text = document.text()
        await self._remember("document", text)
        self._text = text
        for step in steps:
            done(step)

    def export(self, products: Sequence[Product]) -> Document | None:
        return declarative.export(products)

    async def aclose(self) -> None:
        await self._transport.aclose()
