"""Carries out the steps of a plan, and moves the plan's subscribers onto its API products and off them again."""

from collections.abc import Iterable

from aforo.gateway_sdk.contract import Action, Step
from aforo.gateway_sdk.errors import GatewayNotFound, GatewayRejected, PostconditionFailed
from aforo.gateways.apigee.client import Client
from aforo.gateways.apigee.mapping import Row, new_rate_plan, overlaid, rate_plan
from aforo.gateways.apigee.mapping.marks import PLAN, attribute, is_marked, plan_product, product_of, subscription_of
from aforo.gateways.apigee.pricing import carrying
from aforo.kit.jsontree import JsonObject, at, leaves, put, same


class Writer:
    """Writes one plan. Each step reads what stands there now, so that doing it again does nothing more."""

    def __init__(self, client: Client, plan: str) -> None:
        self._client = client
        self._plan = plan

    async def carry_out(self, step: Step) -> None:
        name = plan_product(self._plan, step.key.partition(" #")[0] if step.kind == carrying.RATE_PLAN else step.key)
        if step.kind == carrying.RATE_PLAN:
            await self._rate_plan(step, name)
        elif step.action is Action.DELETE:
            await self._delete(name)
        elif step.target:
            await self._write(step, step.target.fields, name)

    async def _write(self, step: Step, target: JsonObject, name: str) -> None:
        """The version is written last, so that a product whose subscribers have not moved yet reads as unfinished."""
        fresh = await self._fresh(name)
        changed = dict(leaves(target)) if step.action is Action.CREATE else step.changed
        if fresh is None and step.action is Action.UPDATE:
            raise _gone(name)
        if fresh is None:
            fresh = await self._client.post(("apiproducts",), carrying.body(name, carrying.unfinished(target)))
        await self._move(product_of(name), name)
        told = carrying.fields(fresh)
        for pointer, value in changed.items():
            put(told, pointer, value)
        if told == carrying.fields(fresh):
            return
        shown = carrying.fields(await self._client.put(("apiproducts", name), carrying.body(name, told)))
        if missing := [pointer for pointer, value in changed.items() if not same(at(shown, pointer), value)]:
            raise PostconditionFailed(
                f"Apigee accepted the API product {name}, but its answer does not show {', '.join(missing)}.",
                next_step="Look at the plan's difference again; Apigee may not let these values be set.",
            )

    async def _delete(self, name: str) -> None:
        if await self._fresh(name) is None:
            return
        await self._move(name, product_of(name))
        strangers = [app["name"] for app in await self._apps(name) if any(_refs(app, name))]
        if strangers:
            raise GatewayRejected(
                f"The API product {name} is used by apps that Aforo did not put there: {', '.join(strangers[:5])}. "
                "Deleting it would lock them out.",
                status=409,
                next_step="Give those apps another API product first.",
            )
        await self._client.delete("apiproducts", name)

    async def _fresh(self, name: str) -> Row | None:
        row = await self._client.find("apiproducts", name)
        if row and not (is_marked(row) and attribute(row, PLAN) == self._plan):
            raise GatewayRejected(
                f"The API product {name} does not carry Aforo's mark. Nothing was changed.",
                status=409,
                next_step="Delete it at Apigee if nobody needs it.",
            )
        return row

    async def _rate_plan(self, step: Step, product: str) -> None:
        path = ("apiproducts", product, "rateplans")
        if await self._fresh(product) is None:
            if step.action is Action.DELETE:
                return
            raise _gone(product)
        if step.action is Action.DELETE and step.live:
            await self._client.delete(*path, step.live.native_id)
        elif step.action is Action.UPDATE and step.live:
            fresh = await self._client.get(*path, step.live.native_id)
            told = overlaid(carrying.RATE_PLAN, fresh, step.changed)
            told.pop("name", None)
            await self._client.put((*path, step.live.native_id), told)
        elif step.target:
            listing = await self._client.rate_plans(product)
            if listing.fault:
                raise listing.fault
            if not any(rate_plan(row, step.key).wished() == step.target.wished() for row in listing.rows):
                await self._client.post(path, new_rate_plan(step.target, product))

    async def _move(self, source: str, target: str) -> None:
        """Every key of the plan's subscribers that opens `source` opens `target` instead, never neither of them.

        Apps that were adopted carry no plan and are left as they are.
        """
        for app in await self._apps(source):
            if subscription_of(app) is None or attribute(app, PLAN) != self._plan:
                continue
            for email in await self._client.developers_of(app["name"]):
                for key in app["credentials"]:
                    path = ("developers", email, "apps", app["name"], "keys", key["consumerKey"])
                    await self._move_key(path, key, source, target)

    async def _move_key(self, path: tuple[str, ...], key: Row, source: str, target: str) -> None:
        refs = {ref["apiproduct"]: ref.get("status") for ref in key.get("apiProducts") or ()}
        if source not in refs:
            return
        if target not in refs:
            told = {"apiProducts": [target], "attributes": key.get("attributes") or []}
            answer = await self._client.post(path, told)
            refs = {ref["apiproduct"]: ref.get("status") for ref in answer.get("apiProducts") or ()}
        if refs.get(target) != "approved" and refs.get(source) == "approved":
            await self._client.act((*path, "apiproducts", target), "approve")
        await self._client.delete(*path, "apiproducts", source)

    async def _apps(self, product: str) -> list[Row]:
        listing = await self._client.apps(apiProduct=product)
        if listing.fault:
            raise listing.fault
        return list(listing.rows)


def _refs(app: Row, product: str) -> Iterable[Row]:
    for key in app["credentials"]:
        yield from (ref for ref in key.get("apiProducts") or () if ref["apiproduct"] == product)


def _gone(name: str) -> GatewayNotFound:
    return GatewayNotFound(
        f"The API product {name} is no longer there. Nothing was written.",
        status=404,
        next_step="Look at the difference again: applying the plan can make it anew.",
    )
