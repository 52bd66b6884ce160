"""Plans at Anypoint: an SLA tier at each API instance, and the tag on what is sold."""

from collections.abc import Sequence
from typing import Final

from aforo.gateway_sdk.contract import Action, Connection, Entity, Product, Step, StepDone
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound, PostconditionFailed
from aforo.gateway_sdk.manifest import EntityKind
from aforo.gateway_sdk.pricing import Carried, Offer, Pricing, ScopedProduct
from aforo.gateways.mulesoft.client import Anypoint, Row
from aforo.gateways.mulesoft.connector.reading import instance
from aforo.gateways.mulesoft.mapping.limits import ENFORCING, why_not
from aforo.gateways.mulesoft.mapping.marks import MONETIZED, plan_of
from aforo.gateways.mulesoft.mapping.plans import body, carried, seen
from aforo.gateways.mulesoft.mapping.rules import TIER
from aforo.gateways.mulesoft.provisioner.holding import policies_at, tiers_of

__all__ = ["connect"]

_DEPRECATED: Final = "DEPRECATED"
_CONFLICT: Final = 409


def connect(connection: Connection) -> Pricing:
    """Makes no call; values that cannot work show at the first one."""
    return AnypointPricing(Anypoint(connection))


class AnypointPricing:
    """Fulfils `gateway_sdk.pricing.Pricing`."""

    def __init__(self, anypoint: Anypoint) -> None:
        self._anypoint = anypoint

    @property
    def kinds(self) -> tuple[EntityKind, ...]:
        return (EntityKind(TIER, "SLA tier"),)

    async def carry(self, offer: Offer) -> Carried:
        wanted = carried(offer)
        left_out = [why for limit in offer.limits if (why := why_not(limit))]
        dangers: list[str] = []
        for product in offer.products if wanted.entities else ():
            if ENFORCING not in await policies_at(self._anypoint, product.native_id):
                left_out.append(
                    f"{product.name}: no policy {ENFORCING} is switched on there, without which a tier limits nothing"
                )
            dangers += await self._dangers(wanted, product)
        return Carried(wanted, tuple(left_out), tuple(dangers))

    async def _dangers(self, wanted: Product, product: ScopedProduct) -> list[str]:
        target = wanted.entity(TIER, product.ref)
        rows = await tiers_of(self._anypoint, product.native_id)
        there = next((row for row in rows if target and row.get("name") == target.fields["name"]), None)
        users = int((there or {}).get("applicationCount") or 0)
        if there and target and users and seen(target, there).wished() != target.wished():
            many = f"{users} application{'' if users == 1 else 's'}"
            return [
                f"The tier {there['name']} of {product.name} changes for its {many} at once, on every plan version."
            ]
        if not any(row.get("status") == "ACTIVE" for row in rows):
            return [f"{product.name} has no SLA tier yet: whoever asks for access from now on must choose one."]
        return []

    async def read(self, wanted: Product) -> Product | None:
        rows = [(one, await self._row(one)) for one in wanted.entities]
        found = tuple(seen(one, row) for one, row in rows if row and row.get("status") != _DEPRECATED)
        return Product(wanted.ref, wanted.native_id, wanted.name, wanted.version, found) if found else None

    async def apply(self, wanted: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        del wanted, live  # what a step changes stands in the step
        for step in steps:
            entity = step.target or step.live
            if entity is None:
                continue
            row = await self._row(entity)
            if row and plan_of(row) is None:
                raise _not_ours(entity)
            if step.action is Action.DELETE:
                await self._take_back(entity, row)
            else:
                await self._put(entity, row)
            done(step)

    async def tag(self, product: Product, *, monetized: bool) -> None:
        if monetized is await self._is_tagged(product):
            return
        path = ("apis", product.native_id, "tags", MONETIZED)
        await (self._anypoint.put(path) if monetized else self._anypoint.delete(*path))
        if monetized is not await self._is_tagged(product):
            raise PostconditionFailed(
                f"The tags of {product.name} are not what was written.", next_step="Look who else writes them."
            )

    async def aclose(self) -> None:
        await self._anypoint.aclose()

    async def _is_tagged(self, product: Product) -> bool:
        api = await instance(self._anypoint, product.native_id)
        if api is None:
            raise GatewayNotFound(f"API instance {product.native_id} is gone.", status=404)
        return MONETIZED in (api.get("tags") or ())

    async def _row(self, entity: Entity) -> Row | None:
        """The tier of this name, which is unique at an instance; None where there is none, or no instance."""
        try:
            rows = await tiers_of(self._anypoint, str(entity.fields["api"]))
        except GatewayNotFound:
            return None
        return next((row for row in rows if row.get("name") == entity.fields["name"]), None)

    async def _put(self, target: Entity, row: Row | None) -> None:
        path = ("apis", str(target.fields["api"]), "tiers")
        if row is None:
            await self._anypoint.post(path, body(target))
        else:
            await self._anypoint.put((*path, str(row["id"])), body(target))

    async def _take_back(self, live: Entity, row: Row | None) -> None:
        """A tier that applications use cannot be deleted; deprecated, it takes no new ones."""
        if row is None:
            return
        path = ("apis", str(live.fields["api"]), "tiers", str(row["id"]))
        if not row.get("applicationCount") and await self._deleted(path):
            return
        kept: Row = {name: row[name] for name in ("name", "description", "autoApprove", "limits") if name in row}
        await self._anypoint.put(path, {**kept, "status": _DEPRECATED})

    async def _deleted(self, path: Sequence[str]) -> bool:
        """False where somebody waits for it, whom the count leaves out."""
        return await self._anypoint.delete(*path, accept=(404, _CONFLICT)) != _CONFLICT


def _not_ours(entity: Entity) -> GatewayError:
    return GatewayError(
        f"SLA tier {entity.fields['name']} of {entity.key} does not carry Aforo's mark, so it is left alone.",
        next_step="Rename or delete it in API Manager, or leave this plan out.",
    )
