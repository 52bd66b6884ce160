"""The Azure product that a seat's subscription opens: the customer's own, or one of Aforo's with the same APIs."""

from collections.abc import Sequence

from aforo.gateway_sdk.errors import GatewayError, GatewayRejected
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Seat
from aforo.gateways.azure.client import Client
from aforo.gateways.azure.mapping.limits import policies
from aforo.gateways.azure.mapping.merging import Part, merged
from aforo.gateways.azure.mapping.places import Place, is_kept, is_place, place
from aforo.gateways.azure.mapping.policies import sections
from aforo.gateways.azure.mapping.products import api_name
from aforo.gateways.azure.provisioner.holding import opens


async def parts(client: Client, products: Sequence[ScopedProduct]) -> list[Part]:
    """What the customer's products do now. Raises GatewayNotFound for one that is gone."""
    found = []
    for one in products:
        rows = await client.rows("products", one.native_id, "apis")
        policy = await client.policy("products", one.native_id)
        text = str(policy.properties.get("value") or "") if policy else None
        found.append(Part(one.name, sorted(api_name(row) for row in rows), text))
    return found


class Places:
    """Finds, makes, and clears away."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def have(self, seat: Seat) -> str:
        """The product's name: the plan's own if it is there, the customer's if it is alone, else one made now."""
        wanted = place(seat.plan, seat.scope, policies(seat.limits))
        if await self._is_complete(wanted.name, seat.scope):
            return wanted.name
        if len(seat.scope) == 1:
            return seat.scope[0].native_id
        bundle = place(seat.plan, seat.scope, {})
        await self._have_bundle(bundle, seat.scope)
        return bundle.name

    async def leave(self, name: str) -> None:
        """Delete a place of ours that no plan's price keeps and nobody subscribes to any more."""
        found = await self._client.find("products", name)
        if found is None or not is_place(found.row) or is_kept(found.row):
            return
        if await self._client.rows("products", name, "subscriptions"):
            return
        try:
            await self._client.delete(("products", name), found.etag)
        except GatewayRejected as fault:
            if fault.status != 400:  # 400: somebody has subscribed since
                raise

    async def _is_complete(self, name: str, scope: Sequence[ScopedProduct]) -> bool:
        """Whether the sync of the plan's price has brought it whole: its APIs come last."""
        found = await self._client.find("products", name)
        if found and not is_place(found.row):
            raise foreign(name)
        if found is None or not is_kept(found.row):
            return False
        return len(await opens(self._client, ("products", name), scope)) == len(scope)

    async def _have_bundle(self, wanted: Place, scope: Sequence[ScopedProduct]) -> None:
        """Its APIs and its policy before its first subscription, so that no key opens more than it should."""
        told = await parts(self._client, scope)
        policy = merged(told, {})
        path = ("products", wanted.name)
        found = await self._client.find(*path)
        if found is None:
            await self._client.put(path, wanted.fields(kept=False))
        elif not is_place(found.row):
            raise foreign(wanted.name)
        await self._have_policy(path, policy)
        await have_apis(self._client, wanted.name, {api for one in told for api in one.apis})

    async def _have_policy(self, path: tuple[str, str], wanted: str | None) -> None:
        there = await self._client.policy(*path)
        at = (*path, "policies", "policy")
        if wanted is None:
            if there:
                await self._client.delete(at, there.etag)
        elif there is None or sections(str(there.properties.get("value") or "")) != sections(wanted):
            await self._client.put(at, {"format": "rawxml", "value": wanted}, there.etag if there else None)


async def have_apis(client: Client, name: str, wanted: set[str]) -> None:
    """Exactly these APIs in a product of ours."""
    there = {api_name(row) for row in await client.rows("products", name, "apis")}
    for api in sorted(there - wanted):
        await client.delete(("products", name, "apis", api))
    for api in sorted(wanted - there):
        await client.put(("products", name, "apis", api), None)


def foreign(name: str) -> GatewayError:
    return GatewayError(
        f"The Azure product {name} is not as Aforo made it: its description no longer says whose it is.",
        next_step="Delete it or put its description back, then try again.",
    )
