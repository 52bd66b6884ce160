"""Plans at AWS API Gateway: usage plans for REST APIs, and the tag on what is sold."""

from collections.abc import Sequence

from aforo.gateway_sdk.contract import Action, Connection, Product, Step, StepDone
from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateway_sdk.manifest import EntityKind
from aforo.gateway_sdk.pricing import Carried, Offer, Pricing, ScopedProduct
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.connector.reading import exported
from aforo.gateways.aws.mapping.products import Where
from aforo.gateways.aws.pricing.entities import USAGE_PLAN, carried, patches, seen, shape_of
from aforo.gateways.aws.pricing.tagging import Tags
from aforo.gateways.aws.pricing.unasked import without_key
from aforo.gateways.aws.provisioner import limits
from aforo.gateways.aws.provisioner.names import KEPT, Row, is_kept, plan_of, stage_of
from aforo.gateways.aws.provisioner.plans import UsagePlans

__all__ = ["connect"]


def connect(connection: Connection) -> Pricing:
    """Makes no call. Raises Invalid for a malformed region, role or endpoint."""
    return AwsPricing(Aws(connection))


class AwsPricing:
    """Fulfils `gateway_sdk.pricing.Pricing`."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._plans = UsagePlans(aws)

    @property
    def kinds(self) -> tuple[EntityKind, ...]:
        return (EntityKind(USAGE_PLAN, "Usage plan"),)

    async def carry(self, offer: Offer) -> Carried:
        """One export for each REST stage, to see where it asks for no key."""
        left_out = limits.left_out(offer.limits)
        for product in offer.products:
            left_out += await self._unlimited(product)
        return Carried(carried(offer), tuple(left_out))

    async def read(self, wanted: Product) -> Product | None:
        """The wanted usage plan, and those that earlier versions of the plan left without any key."""
        names = {one.key for one in wanted.entities}
        found = []
        for row in sorted(await self._of(wanted), key=lambda row: str(row["id"])):
            if row.get("name") in names:
                names.discard(str(row.get("name")))
                found.append(seen(row))
            elif is_kept(row) and await self._plans.is_empty(row):
                found.append(seen(row))
        if not found:
            return None
        return Product(wanted.ref, wanted.native_id, wanted.name, wanted.version, tuple(found))

    async def apply(self, wanted: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        """Looks for the plan again before each step, since a seat may have made or emptied it meanwhile."""
        del live
        for step in steps:
            await self._carry_out(wanted, step)
            done(step)

    async def tag(self, product: Product, *, monetized: bool) -> None:
        await Tags(self._aws, Where.parse(product.native_id)).set(monetized=monetized)

    async def aclose(self) -> None:
        await self._aws.aclose()

    async def _of(self, wanted: Product) -> list[Row]:
        return [row for row in await self._plans.every() if plan_of(row) == _key(wanted)]

    async def _carry_out(self, wanted: Product, step: Step) -> None:
        async with self._plans.turn(_key(wanted)):
            rows = await self._of(wanted)
            if step.action is Action.DELETE and step.live:
                await self._remove(next((row for row in rows if row["id"] == step.live.native_id), None), step)
            elif step.target:
                shape = shape_of(step.target, _key(wanted))
                row = min((row for row in rows if shape.is_made_in(row)), key=lambda row: str(row["id"]), default=None)
                await self._have(row, wanted, step)

    async def _have(self, row: Row | None, wanted: Product, step: Step) -> None:
        if not step.target:
            return
        if row is None:
            await self._plans.create(shape_of(step.target, _key(wanted)), {KEPT: "true"})
            return
        await self._plans.patch(row, patches(row, step.target))
        if not is_kept(row):
            arn = self._aws.arn("usageplans", str(row["id"]))
            await self._aws.call("apigateway", "TagResource", {"resourceArn": arn, "tags": {KEPT: "true"}})
        found = [seen(one) for one in await self._of(wanted) if one["id"] == row["id"]]
        if not found or found[0].fields != step.target.fields:
            raise PostconditionFailed(
                f"Usage plan {step.key} does not show what was written.", next_step="Look who else writes to it."
            )

    async def _remove(self, row: Row | None, step: Step) -> None:
        """Not while keys are in it: their calls would be refused."""
        if row is None:
            return
        if not await self._plans.is_empty(row):
            raise GatewayError(
                f"Keys are in usage plan {step.key}, so it is not removed.",
                next_step="Cancel or move the subscriptions on it first.",
            )
        await self._plans.remove_if_empty(row)

    async def _unlimited(self, product: ScopedProduct) -> list[str]:
        if stage_of(product.native_id) is None:
            return [f"{product.name}: AWS has no usage plans for HTTP APIs"]
        open_ones = without_key(await exported(self._aws, Where.parse(product.native_id)))
        if not open_ones:
            return []
        some = ", ".join(open_ones[:3]) + (f" and {len(open_ones) - 3} more" if len(open_ones) > 3 else "")
        return [f"{product.name}: {some} ask for no API key, so no usage plan limits their callers"]


def _key(wanted: Product) -> str:
    return wanted.ref.removeprefix("plan:")
