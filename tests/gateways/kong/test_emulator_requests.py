"""Consumers' calls through the Kong emulator, beyond what was recorded."""

from typing import Any

import httpx2

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.kong.emulator import KongEmulator, create
from aforo.kit.clock import HandClock


def calling(app: KongEmulator) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://kong")


class Shop:
    """One product behind key-auth, with one consumer and a clock to move."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.client = calling(create(StateFile(), now=lambda: self.clock.now().timestamp()))

    async def open(self, **key_auth: Any) -> None:
        await self.client.put("/services/orders", json={"url": "http://orders.internal/api"})
        await self.client.put("/services/orders/routes/r", json={"paths": ["/orders"]})
        await self.client.post("/services/orders/plugins", json={"name": "key-auth", "config": key_auth})
        await self.client.put("/consumers/acme", json={"custom_id": "sub-1"})
        await self.client.post("/consumers/acme/key-auth", json={"key": "made-up"})

    async def call(self, path: str = "/orders", key: str = "made-up") -> httpx2.Response:
        return await self.client.get(f"/proxy{path}", headers={"apikey": key})

    async def plug(self, path: str, name: str, **config: Any) -> str:
        made = await self.client.post(f"{path}/plugins", json={"name": name, "config": config})
        return str(made.json()["id"])


async def test_suspending_a_consumer_stops_its_calls_and_resuming_lets_them_through() -> None:
    shop = Shop()
    await shop.open()
    plugin = await shop.plug("/consumers/acme", "request-termination", status_code=403, message="suspended")
    assert ((await shop.call()).status_code, (await shop.call()).json()) == (403, {"message": "suspended"})
    await shop.client.delete(f"/plugins/{plugin}")
    assert (await shop.call()).status_code == 200


async def test_both_keys_work_during_a_rotation_and_the_old_one_ends_with_its_ttl() -> None:
    shop = Shop()
    await shop.open()
    await shop.client.post("/consumers/acme/key-auth", json={"key": "new"})
    await shop.client.patch("/consumers/acme/key-auth/made-up", json={"ttl": 60})
    assert [(await shop.call(key=key)).status_code for key in ("made-up", "new")] == [200, 200]
    shop.clock.forward(seconds=60)
    assert [(await shop.call(key=key)).status_code for key in ("made-up", "new")] == [401, 200]


async def test_a_limit_on_the_consumer_wins_over_the_one_on_the_service_and_begins_anew_each_minute() -> None:
    shop = Shop()
    await shop.open()
    await shop.plug("/services/orders", "rate-limiting", minute=100, policy="local")
    await shop.plug("/consumers/acme", "rate-limiting", minute=1, policy="local")
    first, second = await shop.call(), await shop.call()
    assert (first.status_code, first.headers["ratelimit-remaining"]) == (200, "0")
    assert (second.status_code, second.headers["retry-after"]) == (429, "60")
    shop.clock.forward(seconds=60)
    assert (await shop.call()).status_code == 200


async def test_hidden_credentials_do_not_reach_the_upstream() -> None:
    shop = Shop()
    await shop.open(hide_credentials=True)
    sent = (await shop.call()).json()["headers"]
    assert "apikey" not in sent
    assert sent["x-consumer-custom-id"] == "sub-1"
    in_query = await shop.client.get("/proxy/orders?apikey=made-up&page=2")
    assert in_query.json()["uri"] == "/api?page=2"


async def test_an_anonymous_consumer_is_let_through_under_its_own_name() -> None:
    shop = Shop()
    await shop.open(anonymous="guest")
    await shop.client.put("/consumers/guest", json={})
    sent = (await shop.call(key="wrong")).json()["headers"]
    assert (sent["x-consumer-username"], sent["x-anonymous-consumer"]) == ("guest", "true")


async def test_the_more_telling_route_is_taken() -> None:
    shop = Shop()
    await shop.client.put("/services/s", json={"url": "http://s.internal/"})
    routes: dict[str, dict[str, Any]] = {
        "any": {"paths": ["/a"]},
        "longer": {"paths": ["/a/b"]},
        "regex": {"paths": [r"~/a/\d+$"]},
        "host": {"paths": ["/a"], "hosts": ["*.example.com"]},
    }
    for name, route in routes.items():
        await shop.client.put(f"/services/s/routes/{name}", json=route)
        await shop.plug(f"/routes/{name}", "request-termination", message=name)
    calls = {"/a/x": "any", "/a/b/c": "longer", "/a/7": "regex"}
    for path, route_name in calls.items():
        assert (await shop.call(path)).json()["message"] == route_name
    at_host = await shop.client.get("/proxy/a/b", headers={"host": "www.example.com"})
    assert at_host.json()["message"] == "host"
