"""The gateway's schemas, asked once for each connector."""

import asyncio
from collections.abc import Iterable

from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.mapping import UNKNOWN, Canon, Row, Schema, entity_schema, plugin_schema

_COLLECTIONS = {
    "service": "services",
    "route": "routes",
    "upstream": "upstreams",
    "target": "targets",
    "plugins": "plugins",
}


class Schemas:
    """What one gateway fills in by itself, by kind and by `plugin:<name>`. Learnt when first needed, then kept."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, Schema] = {}

    async def learn(self, kinds: Iterable[str], plugins: Iterable[str]) -> dict[str, GatewayError]:
        """Ask for what is not yet known; tells what could not be had. A 404 is an answer: there is no schema."""
        names = sorted(set(plugins))
        wanted = [*kinds, "plugins"] if names else list(kinds)
        faults = await self._ask_all([] if self._client.is_konnect else wanted)
        return faults | await self._ask_all([f"plugin:{name}" for name in names])

    def canon(self) -> Canon:
        return Canon(self._known)

    def schema(self, kind: str, row: Row) -> Schema:
        return self._known.get(f"plugin:{row.get('name')}" if kind == "plugin" else kind, UNKNOWN)

    @property
    def has_consumer_groups(self) -> bool | None:
        """Whether this edition has consumer groups; None while that is not known."""
        plugins = self._known.get("plugins", UNKNOWN)
        return "consumer_group" in plugins.members if plugins.known else None

    async def _ask_all(self, wanted: list[str]) -> dict[str, GatewayError]:
        missing = [name for name in wanted if name not in self._known]
        faults = await asyncio.gather(*(self._ask(name) for name in missing))
        return {name: fault for name, fault in zip(missing, faults, strict=True) if fault}

    async def _ask(self, name: str) -> GatewayError | None:
        kind, _, plugin = name.partition(":")
        path = ("schemas", "plugins", plugin) if plugin else ("schemas", _COLLECTIONS[kind])
        try:
            told = await self._client.find(*path)
        except GatewayError as fault:
            return fault
        if plugin:
            self._known[name] = plugin_schema(told or {}, self._known.get("plugins", UNKNOWN))
        else:
            self._known[name] = entity_schema(told) if told else UNKNOWN
        return None
