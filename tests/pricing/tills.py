"""A tenant that sells one plan at one emulated gateway, and what it asks of the pricing room."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.customers.shop import customer, plan, stocked, subscribe
from tests.live import Aforo, Emulated, aforo, emulated


@dataclass
class Till:
    """`sold` is the published plan, `subscription` the one that is on it."""

    running: Aforo
    gateway: Emulated
    integration_id: str
    product_ids: list[str]
    sold: dict[str, Any]
    subscription: dict[str, Any]

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        return await self.running.call(method, f"/api/v1{path}", body, status)

    async def preview(self) -> Any:
        return await self.call("POST", f"/integrations/{self.integration_id}/pricing/preview")

    async def sync(
        self, preview: Any, select: Sequence[str] | None = None, *, confirm: bool = True, status: int = 200
    ) -> Any:
        """Of all rows that would write something, or of those selected."""
        chosen = [*wanted(preview)] if select is None else [*select]
        body = {"planId": preview["planId"], "select": chosen, "confirm": chosen if confirm else []}
        return await self.call("POST", f"/integrations/{self.integration_id}/pricing/sync", body, status)

    async def standing(self) -> dict[str, str]:
        """By key."""
        state = await self.call("GET", f"/integrations/{self.integration_id}/pricing")
        return {row["key"]: row["standing"] for row in state["data"]}

    async def next_version(self, **changes: Any) -> Any:
        """Publish the plan's next version."""
        await self.call("POST", f"/plans/{self.sold['id']}/versions", changes, 201)
        return await self.call("POST", f"/plans/{self.sold['id']}/publish")

    def at_gateway(self, method: str, path: str, body: object = None) -> Any:
        """Somebody else's call at the gateway's own API."""
        answer = httpx2.request(method, self.gateway.url + path, json=body, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@contextlib.asynccontextmanager
async def till(folder: Path, gateway: str, **members: Any) -> AsyncIterator[Till]:
    """The real app before a gateway's emulator, with one plan of one product and one subscription."""
    with emulated(gateway) as at:
        async with aforo(folder) as running:
            integration_id, product_ids = await stocked(running, at)
            sold = await plan(running, productIds=product_ids[:1], **members)
            buyer = await customer(running)
            subscription = await subscribe(running, buyer["id"], sold["id"])
            yield Till(running, at, integration_id, product_ids, sold, subscription)


def wanted(preview: Any) -> list[str]:
    return [row["key"] for row in preview["changes"] if row["status"] != "UNCHANGED"]


def statuses(preview: Any) -> dict[str, str]:
    return {row["key"]: row["status"] for row in preview["changes"]}


def row_of(preview: Any, key: str = "plan:pro") -> Any:
    return next(row for row in preview["changes"] if row["key"] == key)
