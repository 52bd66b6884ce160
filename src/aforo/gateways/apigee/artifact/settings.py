"""The key value map `aforo-config` of an environment: what the shared flow reads, and who made which entry."""

import json
from collections.abc import Mapping
from typing import Any, Final

from aforo.gateway_sdk.artifact import FailMode, Wiring
from aforo.gateways.apigee.client import Client
from aforo.gateways.apigee.mapping import Row
from aforo.kit.errors import Invalid

MAP: Final = "aforo-config"
KEY: Final = "aforo_api_key"
URL: Final = "aforo_ingest_url"
SETTINGS: Final = "aforo_settings"
_MADE: Final = "aforo_made"
_WHOLE: Final = "*"
_MOST_UNITS: Final = 100_000
CACHE_SECONDS: Final = 60
"""As long as the shared flow keeps an entry before it reads it again."""


def entries(wiring: Wiring, proxies: Mapping[str, str]) -> dict[str, str]:
    """`proxies`: the product that a call of each proxy is for, where the caller shows no valid key."""
    metrics = wiring.metrics
    settings: dict[str, Any] = {
        "integration": wiring.integration_id,
        "mode": "enforce" if wiring.enforce else "observe",
        "fail": "closed" if wiring.fail_mode is FailMode.CLOSED else "open",
        "key_from": list(wiring.key_from),
        "excluded": list(wiring.excluded),
        "products": sorted(product.native_id for product in wiring.products),
        "proxies": dict(sorted(proxies.items())),
        "metrics": {one.native_id: metrics[one.id] for one in wiring.products if one.id in metrics},
        "lease_units": _lease_units(wiring),
        "oauth": [name.strip() for name in wiring.options.get("oauth_proxies", "").split(",") if name.strip()],
    }
    return {KEY: wiring.api_key, URL: wiring.ingest_url, SETTINGS: json.dumps(settings, sort_keys=True)}


def _lease_units(wiring: Wiring) -> int:
    """Units that a key takes in advance where no HARD quota holds; 0 asks about every call."""
    told = wiring.options.get("lease_units", "100").strip()
    if not told.isdecimal() or int(told) > _MOST_UNITS:
        raise Invalid(
            f"lease_units has to be a whole number from 0 to {_MOST_UNITS}.", next_step="Leave it out for 100."
        )
    return int(told)


async def proxies_of(client: Client, wiring: Wiring) -> dict[str, str]:
    """Proxies that belong to one product for sale alone. A product that names no proxy opens all of them."""
    owners: dict[str, set[str]] = {}
    for product in wiring.products:
        row = await client.find("apiproducts", product.native_id)
        for proxy in _named(row or {}):
            owners.setdefault(proxy, set()).add(product.native_id)
    return {proxy: min(names) for proxy, names in owners.items() if len(names) == 1}


def _named(product: Row) -> set[str]:
    configs = (product.get("operationGroup") or {}).get("operationConfigs") or ()
    return {str(config["apiSource"]) for config in configs if config.get("apiSource")} | set(
        product.get("proxies") or ()
    )


class ConfigMap:
    """The map of one environment."""

    def __init__(self, client: Client, environment: str) -> None:
        self._client = client
        self._path = ("environments", environment, "keyvaluemaps", MAP)

    async def is_there(self) -> bool:
        return await self._client.find(*self._path) is not None

    async def value(self, name: str) -> str | None:
        row = await self._client.find(*self._path, "entries", name)
        return None if row is None else str(row.get("value") or "")

    async def fill(self, told: Mapping[str, str]) -> None:
        """Create what is missing, replace what differs; what was created is noted in the map itself, and first."""
        if not await self.is_there():
            await self._client.post(self._path[:-1], {"name": MAP, "encrypted": True})
            await self._set(_MADE, _WHOLE)
        known = {name: await self.value(name) for name in told}
        lacking = [name for name, value in known.items() if value is None]
        made = await self._made()
        if lacking and _WHOLE not in made and not made.issuperset(lacking):
            await self._set(_MADE, ",".join(sorted(made | set(lacking))))
        for name, value in told.items():
            if known[name] != value:
                await self._set(name, value)

    async def drop(self) -> None:
        """What `fill` has created: the map, or its entries in a map that was there before."""
        made = await self._made()
        if _WHOLE in made:
            await self._client.delete(*self._path)
            return
        for name in sorted(made) + [_MADE] * bool(made):
            await self._client.delete(*self._path, "entries", name)

    async def _made(self) -> set[str]:
        return set((await self.value(_MADE) or "").split(",")) - {""}

    async def _set(self, name: str, value: str) -> None:
        row = {"name": name, "value": value}
        if await self.value(name) is None:
            await self._client.post((*self._path, "entries"), row)
        else:
            await self._client.put((*self._path, "entries", name), row)
