"""A tenant with something to sell: a connected gateway with imported products, and the wishes for plans of them."""

from typing import Any

from tests.live import Aforo, Emulated

PRO: dict[str, Any] = {
    "key": "pro",
    "name": "Pro",
    "currency": "EUR",
    "quotas": [
        {
            "metric": "api_calls",
            "units": "100000",
            "period": "month",
            "anchorDay": 1,
            "timeZone": "Europe/Berlin",
            "mode": "HARD",
        }
    ],
    "rateLimits": [{"metric": "api_calls", "perSeconds": 60, "units": "600", "burst": "100"}],
    "features": {"bulk": True},
    "rateCard": [
        {
            "metric": "api_calls",
            "model": "graduated",
            "tiers": [{"upTo": "10000", "unitPrice": "0.001"}, {"upTo": None, "unitPrice": "0.0008"}],
        }
    ],
    "spendCap": None,
    "failMode": {"kind": "open_up_to", "units": "500"},
}
"""The plan of the wire contract, without products."""


async def stocked(running: Aforo, gateway: Emulated, name: str = "gw") -> tuple[str, list[str]]:
    """Connect a gateway and import all; the integration's id and its products' ids."""
    integration_id = await running.connect(gateway, name)
    return integration_id, [product["id"] for product in await running.import_all(integration_id)]


async def plan(running: Aforo, **members: Any) -> dict[str, Any]:
    """A published plan: PRO with these members."""
    draft = await running.call("POST", "/api/v1/plans", PRO | members, 201)
    published: dict[str, Any] = await running.call("POST", f"/api/v1/plans/{draft['id']}/publish")
    return published


async def customer(running: Aforo, name: str = "Acme", **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = await running.call("POST", "/api/v1/customers", {"name": name, **members}, 201)
    return made


async def subscribe(running: Aforo, customer_id: str, plan_id: str, **members: Any) -> dict[str, Any]:
    wanted = {"customerId": customer_id, "planId": plan_id, **members}
    made: dict[str, Any] = await running.call("POST", "/api/v1/subscriptions", wanted, 201)
    return made


def faults(refused: dict[str, Any]) -> dict[str, str]:
    """What a 422 says, by pointer."""
    return {fault["pointer"]: fault["detail"] for fault in refused["errors"]}
