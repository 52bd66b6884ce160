"""Plans at Azure: a product of the plan's own with its limits, and the tag on what is sold."""

from collections.abc import Sequence
from typing import Final

from aforo.gateway_sdk.contract import Action, Connection, Entity, Product, Step, StepDone
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound, PostconditionFailed
from aforo.gateway_sdk.manifest import EntityKind
from aforo.gateway_sdk.pricing import Carried, Offer, Pricing
from aforo.gateways.azure.client import Client, open_client
from aforo.gateways.azure.mapping import limits
from aforo.gateways.azure.mapping.merging import dropped
from aforo.gateways.azure.mapping.places import is_place, place, plan_of
from aforo.gateways.azure.mapping.policies import assembled
from aforo.gateways.azure.mapping.products import display_name
from aforo.gateways.azure.pricing.entities import API, POLICY, PRODUCT, carried, seen, whole
from aforo.gateways.azure.provisioner.places import foreign, parts

__all__ = ["connect"]

MONETIZED: Final = "aforo-monetized"


def connect(connection: Connection) -> Pricing:
    """Makes no call; values that cannot work show at the first one."""
    return AzurePricing(open_client(connection))


class AzurePricing:
    """Fulfils `gateway_sdk.pricing.Pricing`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def kinds(self) -> tuple[EntityKind, ...]:
        """APIs come last, so that nobody subscribes before the limits stand."""
        return (
            EntityKind(PRODUCT, "Product of the plan"),
            EntityKind(POLICY, "Policy of the plan", foreign_is_drift=True),
            EntityKind(API, "API in the plan", foreign_is_drift=True),
        )

    async def carry(self, offer: Offer) -> Carried:
        """Two calls for each product, to copy its APIs and its policy."""
        told = limits.policies(offer.limits)
        bare = Product(f"plan:{offer.key}", offer.plan_id, offer.name, str(offer.version), ())
        if not offer.products or not (told or len(offer.products) > 1):
            return Carried(bare, limits.left_out(offer.limits))
        try:
            read = await parts(self._client, offer.products)
            entities = carried(place(offer.key, offer.products, told), read, told)
        except GatewayNotFound:
            return Carried(bare, (*limits.left_out(offer.limits), "One of its products is no longer at Azure."))
        return Carried(whole(bare, entities), (*limits.left_out(offer.limits), *dropped(read, told)))

    async def read(self, wanted: Product) -> Product | None:
        """The wanted product, and those of earlier versions of the plan that nobody subscribes to any more."""
        names = {one.key for one in wanted.entities if one.kind == PRODUCT}
        plan = wanted.ref.removeprefix("plan:")
        found: list[Entity] = []
        for row in await self._client.rows("products"):
            if row["name"] in names:
                found += await self._whole(str(row["name"]))
            elif is_place(row) and plan_of(row) == plan and await self._is_empty(str(row["name"])):
                found += seen(row, None, ())
        return whole(wanted, found) if found else None

    async def apply(self, wanted: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        """Every step looks first whether the product is still ours."""
        del live
        for step in steps:
            await self._carry_out(step, wanted)
            done(step)

    async def tag(self, product: Product, *, monetized: bool) -> None:
        """Tags are the service's: ours is made where it is missing, and linked to the product."""
        link = ("products", product.native_id, "tags")
        name = await self._tag(make=monetized)
        if name is None:
            return
        linked = any(row["name"] == name for row in await self._client.rows(*link))
        if monetized and not linked:
            await self._client.put((*link, name), None)
        elif linked and not monetized:
            await self._client.delete((*link, name))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _whole(self, name: str) -> tuple[Entity, ...]:
        found = await self._client.find("products", name)
        if found is None:
            return ()
        policy = await self._client.policy("products", name)
        apis = await self._client.rows("products", name, "apis")
        return seen(found.row, str(policy.properties.get("value") or "") if policy else None, apis)

    async def _is_empty(self, name: str) -> bool:
        return not await self._client.rows("products", name, "subscriptions")

    async def _tag(self, *, make: bool) -> str | None:
        """Its id: no two tags may bear one name, so somebody's own of this name is used as it is."""
        rows = await self._client.rows("tags")
        found = next((str(row["name"]) for row in rows if display_name(row) == MONETIZED), None)
        if found is None and make:
            await self._client.put(("tags", MONETIZED), {"displayName": MONETIZED})
            return MONETIZED
        return found

    async def _carry_out(self, step: Step, wanted: Product) -> None:
        entity = step.target or step.live
        if entity is None:
            raise AssertionError(f"{step.title} is about nothing")
        name = _product_of(entity)
        found = await self._client.find("products", name)
        if found and not is_place(found.row):
            raise foreign(name)
        if step.kind == PRODUCT:
            await self._product(step, name)
        elif found is None and step.action is Action.DELETE:
            return
        elif step.kind == POLICY:
            await self._policy(step, name)
        else:
            await self._api(step, name, is_wanted=wanted.entity(PRODUCT, name) is None or step.live in wanted.entities)
        if step.target and not _holds(step.target, await self._whole(name)):
            raise PostconditionFailed(
                f"{step.kind} {step.key} of {wanted.name} does not show what was written.",
                next_step="Look who else writes to it.",
            )

    async def _product(self, step: Step, name: str) -> None:
        path = ("products", name)
        found = await self._client.find(*path)
        if step.target:
            await self._client.put(path, dict(step.target.fields), found.etag if found else None)
        elif found:
            if not await self._is_empty(name):
                raise _taken(name)
            await self._client.delete(path, found.etag)

    async def _policy(self, step: Step, name: str) -> None:
        path = ("products", name, "policies", "policy")
        found = await self._client.policy("products", name)
        if step.target:
            body = {"format": "rawxml", "value": assembled(step.target.fields)}
            await self._client.put(path, body, found.etag if found else None)
        elif found:
            await self._refuse_if_taken(name)
            await self._client.delete(path, found.etag)

    async def _api(self, step: Step, name: str, *, is_wanted: bool) -> None:
        """An API that the plan does not sell goes from under its subscribers; one that it sells does not."""
        path = ("products", name, "apis", step.key)
        if step.target:
            await self._client.put(path, None)
            return
        if is_wanted:
            await self._refuse_if_taken(name)
        await self._client.delete(path)

    async def _refuse_if_taken(self, name: str) -> None:
        """A policy goes with its product, and limits do not go from under those who are on it."""
        if not await self._is_empty(name):
            raise _taken(name)


def _product_of(entity: Entity) -> str:
    return str(entity.fields["product"]) if entity.kind == API else entity.native_id


def _holds(wanted: Entity, found: Sequence[Entity]) -> bool:
    return any((one.kind, one.key, one.wished()) == (wanted.kind, wanted.key, wanted.wished()) for one in found)


def _taken(name: str) -> GatewayError:
    return GatewayError(
        f"Subscriptions stand on the Azure product {name}, so it is not taken back.",
        next_step="Cancel or move the subscriptions on it first.",
    )
