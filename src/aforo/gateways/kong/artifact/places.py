"""Where the plugin is attached: to everything, to a service, or to a route."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aforo.gateway_sdk.artifact import Wiring
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.kong.artifact.files import NAME
from aforo.gateways.kong.client import Client
from aforo.gateways.kong.mapping import ARTIFACT, Row, reference

GLOBAL: Final = "global"
_SPACE: Final = uuid.UUID("5b0f6f0a-2d1e-5a53-9c1f-7d1d0f6a9e12")


@dataclass(frozen=True, slots=True)
class Place:
    """`scope` is `global`, `service` or `route`; `word` is how people call it, such as `service:orders`."""

    scope: str
    native_id: str
    word: str

    def plugin_id(self, integration_id: str) -> str:
        return str(uuid.uuid5(_SPACE, f"{integration_id}/{self.scope}/{self.native_id}"))

    def holds(self, row: Row) -> bool:
        """Whether the row is a plugin of ours or a namesake at exactly this place."""
        scopes = {scope: reference(row, scope) for scope in ("service", "route", "consumer")}
        wanted = {self.scope: self.native_id} if self.scope != GLOBAL else {}
        return row.get("name") == NAME and {scope: one for scope, one in scopes.items() if one} == wanted


def tags(integration_id: str) -> list[str]:
    return ["aforo", f"{ARTIFACT}{integration_id}"]


def is_ours(row: Row, integration_id: str) -> bool:
    return row.get("name") == NAME and f"{ARTIFACT}{integration_id}" in (row.get("tags") or ())


async def places(client: Client, wiring: Wiring) -> list[Place]:
    """The targets as Kong knows them: `global`, `service:<name>`, `route:<name>`, a bare name being a service.

    No target: the services of all products. Raises GatewayError for one that is not there.
    """
    if not wiring.targets and not wiring.products:
        raise GatewayError(
            "There is nothing to attach to: no product of this gateway is in Aforo.",
            next_step="Import a product first, or name the target `global`.",
        )
    named = wiring.targets or tuple(f"service:{one.native_id}" for one in wiring.products)
    return [await _place(client, target) for target in dict.fromkeys(named)]


async def _place(client: Client, target: str) -> Place:
    if target == GLOBAL:
        return Place(GLOBAL, "", GLOBAL)
    scope, _, name = target.partition(":") if ":" in target else ("service", "", target)
    row = await client.find(f"{scope}s", name) if scope in ("service", "route") and name else None
    if row is None:
        raise GatewayError(
            f"There is no {target} at Kong.",
            next_step="Name targets as `global`, `service:<name or id>` or `route:<name or id>`.",
        )
    return Place(scope, row["id"], f"{scope}:{row.get('name') or row['id']}")


def words_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Where plugins are, by the ids that they show."""
    return tuple(sorted(_word(row) for row in rows))


def _word(row: Row) -> str:
    for scope in ("route", "service"):
        if one := reference(row, scope):
            return f"{scope}:{one}"
    return GLOBAL
