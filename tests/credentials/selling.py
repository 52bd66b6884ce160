"""A running Aforo whose emulated gateways are provisioned, and a plan to subscribe to."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from aforo.credentials import NotProvisionable
from aforo.gateway_sdk.budget import Budget
from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import BreakerOpen
from aforo.gateway_sdk.provision import Provisioner
from aforo.gateway_sdk.registry import gateways
from aforo.gateway_sdk.transport import OpenGate, Transport
from aforo.integrations import Integration
from aforo.kit.clock import HandClock
from tests.customers.shop import customer, plan
from tests.live import Aforo, Emulated, aforo


@dataclass
class Selling:
    """`open_breakers`: seconds to the probe, by integration. `opened`: (integration, urgent) of every attempt."""

    running: Aforo
    clock: HandClock
    open_breakers: dict[str, float] = field(default_factory=dict)
    opened: list[tuple[str, bool]] = field(default_factory=list)

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        return await self.running.call(method, f"/api/v1{path}", body, status)

    async def work(self) -> None:
        """Let the worker do whatever is due."""
        await self.running.rooms.credentials.driver.run_due()

    async def subscribe(self, product_ids: Sequence[str], key: str = "pro", **members: Any) -> dict[str, Any]:
        """A new customer on a new plan of these products."""
        sold = await plan(self.running, key=key, productIds=list(product_ids), quotas=[], rateLimits=[])
        buyer = await customer(self.running, f"Buyer of {key}")
        wanted = {"customerId": buyer["id"], "planId": sold["id"], **members}
        made: dict[str, Any] = await self.call("POST", "/subscriptions", wanted, 201)
        return made

    async def issue(self, subscription: dict[str, Any], **members: Any) -> dict[str, Any]:
        made: dict[str, Any] = await self.call("POST", f"/subscriptions/{subscription['id']}/credentials", members, 201)
        return made

    async def gateways_of(self, subscription: dict[str, Any]) -> dict[str, str]:
        """Observed, by integration."""
        now = await self.call("GET", f"/subscriptions/{subscription['id']}")
        return {one["integrationId"]: one["observed"] for one in now["gateways"]}


@contextlib.asynccontextmanager
async def selling(folder: Path, clock: HandClock | None = None) -> AsyncIterator[Selling]:
    """The real app; its provisioners come straight from the registry, over the emulators' sockets."""
    clock = clock or HandClock()
    async with aforo(folder, clock) as running:
        shop = Selling(running, clock)
        room = running.rooms.credentials
        room.driver._provisioners = room.adoption._provisioners = room.orphans._provisioners = _provisioners(shop)
        yield shop


def _provisioners(shop: Selling) -> Any:
    @contextlib.asynccontextmanager
    async def provisioners(tenant_id: str, integration_id: str, urgent: bool) -> AsyncIterator[Provisioner]:
        shop.opened.append((integration_id, urgent))
        integration = await shop.running.rooms.integrations.get(tenant_id, integration_id)
        if wait := shop.open_breakers.get(integration_id):
            raise BreakerOpen("Held back.", retry_after_seconds=wait)
        provisioner = _open(integration, shop.clock)
        try:
            yield provisioner
        finally:
            await provisioner.aclose()

    return provisioners


def _open(integration: Integration, clock: HandClock) -> Provisioner:
    entry = gateways()[integration.gateway]
    if not entry.has("provisioner"):
        raise NotProvisionable(f"{entry.manifest.name} cannot be provisioned yet.")
    transport = Transport(
        httpx2.AsyncClient(trust_env=False), gateway_name="GW", budget=Budget((), clock), gate=OpenGate()
    )
    return entry.provisioner(
        Connection(integration.id, integration.sign_in, integration.settings, transport, clock, _forget)
    )


async def _forget(name: str, value: str) -> None:
    raise AssertionError(f"nothing was to be remembered, but {name} was ({len(value)} characters)")


def opens(gateway: Emulated, secret: str, path: str = "/v2/payments") -> int:
    """The status of a consumer's call to Kong with this key."""
    return httpx2.get(f"{gateway.url}/proxy{path}", headers={"apikey": secret}, trust_env=False).status_code


def secret_of(issued: dict[str, Any], integration_id: str | None = None) -> str:
    """The secret in an answer, of one gateway or of all."""
    found = [one["secret"] for one in issued["secrets"] if one["integrationId"] == integration_id]
    assert len(found) == 1, issued["secrets"]
    return str(found[0])
