"""The connector onto our emulator, and a way to change things at it behind the connector's back."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from aforo.catalog.rules.restore import plan_restore
from aforo.gateway_sdk.contract import Gateway, Product
from aforo.gateway_sdk.emulator import Receive, Scope, Send, StateFile, read_body
from aforo.gateways.kong.emulator import create
from aforo.gateways.kong.manifest import MANIFEST
from tests.gateways.kong.kong_parts import ADMIN, kong

ROUTE = "5f0f2f66-0000-4000-8000-000000000003"
PLUGIN = "5f0f2f66-0000-4000-8000-000000000004"
UPSTREAM = "5f0f2f66-0000-4000-8000-000000000005"


class EmulatedKong:
    """One emulated node; `writes` are the connector's, as (method, path, body).

    `after_config` is called once the connector has been told the whole configuration of a node without a database.
    """

    def __init__(self, **options: Any) -> None:
        self.app = create(StateFile(), **options)
        self.writes: list[tuple[str, str, Any]] = []
        self.after_config: Callable[[], Awaitable[None]] | None = None
        self.gateway = kong(self)
        self._operator = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url=ADMIN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await read_body(receive)
        if scope["method"] != "GET":
            self.writes.append((scope["method"], scope["path"], json.loads(raw) if raw else None))

        async def again() -> Any:
            return {"type": "http.request", "body": raw, "more_body": False}

        await self.app(scope, again, send)
        if (scope["method"], scope["path"]) == ("GET", "/config") and self.after_config:
            await self.after_config()

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """The operator's own call, which must succeed; its JSON."""
        answer = await self._operator.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def fill(self) -> None:
        """Product `orders` with all that a product can have, and product `billing` beside it."""
        await self.ask("PUT", f"/upstreams/{UPSTREAM}", {"name": "orders.internal"})
        await self.ask("POST", "/upstreams/orders.internal/targets", {"target": "10.0.0.1:80"})
        await self.ask("PUT", "/services/orders", {"host": "orders.internal"})
        await self.ask("PUT", "/services/billing", {"host": "10.9.9.9"})
        await self.ask("PUT", f"/services/orders/routes/{ROUTE}", {"name": "orders-r", "paths": ["/orders"]})
        await self.ask("PUT", f"/services/orders/plugins/{PLUGIN}", {"name": "rate-limiting", "config": {"minute": 5}})

    async def restore(self, recorded: Product, live: Product | None) -> list[str]:
        """Plan, apply, and tell which steps were reported."""
        return await restored(self.gateway, recorded, live)


async def restored(gateway: Gateway, recorded: Product, live: Product | None) -> list[str]:
    done: list[str] = []
    steps = plan_restore(recorded, live, MANIFEST.kinds).steps
    await gateway.apply(recorded, live, steps, lambda step: done.append(step.title))
    return done
