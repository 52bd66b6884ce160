"""Plans at Apigee: an API product of its own for each plan and product, and a drafted rate plan for each of these."""

from collections.abc import Sequence

from aforo.gateway_sdk.contract import Connection, Product, Step, StepDone
from aforo.gateway_sdk.manifest import EntityKind
from aforo.gateway_sdk.pricing import Carried, Offer, Pricing
from aforo.gateways.apigee.client import Client, open_client
from aforo.gateways.apigee.mapping import Row, is_monetized
from aforo.gateways.apigee.mapping.marks import MONETIZED, PLAN, attribute, is_marked, plan_product
from aforo.gateways.apigee.pricing import carrying, limits
from aforo.gateways.apigee.pricing.writing import Writer

__all__ = ["connect"]

_KINDS = (
    EntityKind(carrying.PRODUCT, "API product of the plan"),
    EntityKind(carrying.RATE_PLAN, "Rate plan", foreign_is_drift=True),
)
_BLOCKS = (
    "The rate plans are written as drafts, which bill and block nobody. Publishing one at Apigee makes its "
    "monetization check block every developer of this API product who has not bought a subscription there, and Apigee "
    "then bills beside Aforo."
)


def connect(connection: Connection) -> Pricing:
    """Makes no call; values that cannot work show at the first one."""
    return ApigeePricing(open_client(connection))


class ApigeePricing:
    """Fulfils `gateway_sdk.pricing.Pricing`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def kinds(self) -> tuple[EntityKind, ...]:
        return _KINDS

    async def carry(self, offer: Offer) -> Carried:
        quota, left_out = limits.quota(offer.limits), [*limits.left_out(offer.limits)]
        rows = []
        for product in offer.products:
            base = await self._client.find("apiproducts", product.native_id)
            if base is None or not carrying.has_room(base):
                left_out.append(f"{product.name}: {_GONE if base is None else _FULL}")
                continue
            if carrying.has_own_quotas(base):
                left_out.append(
                    f"{product.name}: its operations have quotas of their own, which come before the plan's"
                )
            rows.append(carrying.copied(base, offer, quota))
        monetized = is_monetized((await self._client.organization())[0])
        plans = [{**carrying.draft(offer), "apiproduct": row["name"], "name": "draft"} for row in rows]
        wanted = carrying.plan(f"plan:{offer.key}", offer.name, rows, plans if monetized else [])
        return Carried(wanted, tuple(left_out), (_BLOCKS,) if monetized and rows else ())

    async def read(self, wanted: Product) -> Product | None:
        rows = await self._rows(wanted.ref.removeprefix("plan:"))
        if not rows:
            return None
        plans: list[Row] = []
        if is_monetized((await self._client.organization())[0]):
            for row in rows:
                listing = await self._client.rate_plans(row["name"])
                if listing.fault:
                    raise listing.fault
                plans += listing.rows
        return carrying.plan(wanted.ref, wanted.name, rows, plans)

    async def _rows(self, plan: str) -> list[Row]:
        """API products of the plan, whatever the plan sells now."""
        listing = await self._client.products(attributename=PLAN, attributevalue=plan)
        if listing.fault:
            raise listing.fault
        return [row for row in listing.rows if is_marked(row) and row["name"].startswith(plan_product(plan, ""))]

    async def apply(self, wanted: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        del live  # every step reads afresh
        writer = Writer(self._client, wanted.ref.removeprefix("plan:"))
        for step in steps:
            await writer.carry_out(step)
            done(step)

    async def tag(self, product: Product, *, monetized: bool) -> None:
        """An attribute by itself, so that nothing else of the product is written."""
        path = ("apiproducts", product.native_id, "attributes", MONETIZED)
        row = await self._client.get("apiproducts", product.native_id)
        if monetized and attribute(row, MONETIZED) != "true":
            await self._client.post(path, {"name": MONETIZED, "value": "true"})
        elif not monetized and attribute(row, MONETIZED) is not None:
            await self._client.delete(*path)

    async def aclose(self) -> None:
        await self._client.aclose()


_GONE = "Apigee has no such API product"
_FULL = "with Aforo's marks its copy would have more than Apigee's 18 attributes"
