"""Plans at Kong: the coarse limits that Kong keeps by itself, and the tag on what is sold."""

from collections.abc import Sequence
from typing import Final

from aforo.gateway_sdk.contract import Action, Connection, Entity, Product, Step, StepDone
from aforo.gateway_sdk.errors import GatewayError, PostconditionFailed
from aforo.gateway_sdk.manifest import EntityKind
from aforo.gateway_sdk.pricing import Carried, Offer, Pricing
from aforo.gateways.kong.address import address
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.mapping import MONETIZED, Row, reference
from aforo.gateways.kong.pricing.entities import GROUP, LIMITING, MEMBER, PLUGIN, body, carried, seen
from aforo.gateways.kong.provisioner import limits
from aforo.gateways.kong.provisioner.names import Names, PlanNames, subscription_of

__all__ = ["connect"]

_NOT_SENT: Final = frozenset({"id", "created_at", "updated_at"})


def connect(connection: Connection) -> Pricing:
    """Makes no call; values that cannot work show at the first one."""
    where = address(connection) if connection.sign_in != "declarative" else _no_server()
    return KongPricing(Client(connection.transport, where))


def _no_server() -> GatewayError:
    return GatewayError(
        "A kong.yml has no server that could hold a plan.",
        next_step="Connect the Admin API or Konnect to sync plans to this gateway.",
    )


class KongPricing:
    """Fulfils `gateway_sdk.pricing.Pricing`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def kinds(self) -> tuple[EntityKind, ...]:
        return (
            EntityKind(GROUP, "Consumer group"),
            EntityKind(PLUGIN, "Rate limit"),
            EntityKind(MEMBER, "Member"),
        )

    async def carry(self, offer: Offer) -> Carried:
        grouped = await self._has_groups()
        seated = {subscription_of(row) for row in await self._client.rows("consumers") if _is_seat(row)}
        here = [one for one in offer.subscription_ids if one in seated]
        absent = [one for one in offer.subscription_ids if one not in seated]
        left_out = [why for limit in offer.limits if (why := limits.why_not(limit))]
        left_out += [f"{one}: it has no consumer of Aforo's at Kong" for one in absent]
        wanted = carried(offer, here, grouped=grouped)
        dangers = [] if grouped or not wanted.entities else await self._overruled(offer)
        return Carried(wanted, tuple(left_out), tuple(dangers))

    async def read(self, wanted: Product) -> Product | None:
        rows = [(one, await self._row(one)) for one in wanted.entities]
        found = tuple(_seen(one, row) for one, row in rows if row)
        if not found:
            return None
        return Product(wanted.ref, wanted.native_id, wanted.name, wanted.version, found)

    async def apply(self, wanted: Product, live: Product | None, steps: Sequence[Step], done: StepDone) -> None:
        del live  # what a step changes stands in the step
        plan = PlanNames(wanted.ref.removeprefix("plan:"))
        for step in steps:
            if step.live and not step.live.owned:
                raise GatewayError(
                    f"{step.kind} {step.key} at Kong does not carry Aforo's mark, so it is left alone.",
                    next_step="Delete it at Kong, or leave this plan out.",
                )
            if step.action is Action.DELETE and step.live:
                await self._delete(step.live)
            elif step.target:
                await self._put(step.target, plan)
            done(step)

    async def tag(self, product: Product, *, monetized: bool) -> None:
        service = await self._client.get("services", product.native_id)
        others = [tag for tag in service.get("tags") or () if tag != MONETIZED]
        tags = [*others, MONETIZED] if monetized else others
        if tags == (service.get("tags") or []):
            return
        if self._client.is_konnect:
            whole = {name: value for name, value in service.items() if name not in _NOT_SENT and value is not None}
            await self._client.put(("services", service["id"]), {**whole, "tags": tags})
        else:
            await self._client.patch(("services", service["id"]), {"tags": tags})
        if set((await self._client.get("services", service["id"])).get("tags") or ()) != set(tags):
            raise PostconditionFailed(
                f"The tags of service {product.name} are not what was written.", next_step="Look who else writes them."
            )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _has_groups(self) -> bool:
        """Kong OSS has none: the path is not there."""
        return await self._client.find("consumer_groups") is not None

    async def _row(self, wanted: Entity) -> Row | None:
        if wanted.kind == MEMBER:
            group = str(wanted.fields["group"])
            if await self._client.find(f"{GROUP}s", group) is None:
                return None
            members = await self._client.find(f"{GROUP}s", group, "consumers") or {}
            rows = members.get("consumers") or members.get("data") or []
            return next((row for row in rows if row["id"] == wanted.native_id), None)
        return await self._client.find(f"{wanted.kind}s", wanted.native_id)

    async def _put(self, target: Entity, plan: PlanNames) -> None:
        if target.kind == MEMBER:
            path = (f"{GROUP}s", plan.group, "consumers")
            if await self._row(target) is None:
                await self._client.post(path, {"consumer": target.fields["consumer"]})
            return
        consumer = target.fields.get("consumer")
        tags = plan.tags if not consumer else Names(target.key.partition(":")[2]).tags
        await self._client.put((f"{target.kind}s", target.native_id), body(target, tags))

    async def _delete(self, live: Entity) -> None:
        if live.kind == MEMBER:
            await self._client.delete(f"{GROUP}s", str(live.fields["group"]), "consumers", live.native_id)
        else:
            await self._client.delete(f"{live.kind}s", live.native_id)

    async def _overruled(self, offer: Offer) -> list[str]:
        """Kong lets the plugin of one name that is scoped most closely work, and no other."""
        found = []
        for product in offer.products:
            plugins = await self._client.rows("services", product.native_id, "plugins")
            if any(row.get("name") == LIMITING and not reference(row, "consumer") for row in plugins):
                found.append(
                    f"The rate-limiting plugin of service {product.name} no longer works for this plan's consumers, "
                    "since Kong prefers the consumer's own."
                )
        return found


def _is_seat(row: Row) -> bool:
    owner = subscription_of(row)
    return owner is not None and row["id"] == Names(owner).consumer


def _seen(wanted: Entity, row: Row) -> Entity:
    """A membership has no tags of its own: it is ours since its group is."""
    return wanted if wanted.kind == MEMBER else seen(wanted, row)
