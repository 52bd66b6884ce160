"""What this credential can see at all. Anypoint shows nothing, and no error, to who lacks a scope.

So an empty list proves something only together with a reason to believe it: the app's own scopes where it may read
them, another object behind the same scope, or a count that a list behind another scope tells.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateway_sdk.errors import GatewayForbidden
from aforo.gateways.mulesoft.client import Anypoint, Row


@dataclass(frozen=True, slots=True)
class Need:
    """One right: what it is called where it is given, and the scopes that hold it."""

    title: str
    scopes: frozenset[str]


APIS: Final = Need(
    "View APIs Configuration", frozenset({"read:api_configuration", "manage:api_configuration", "manage:apis"})
)
POLICIES: Final = Need("View Policies", frozenset({"read:api_policies", "manage:api_policies"}))
TIERS: Final = Need("View Contracts", frozenset({"read:api_contracts", "manage:api_contracts"}))
EXCHANGE: Final = Need("Exchange Viewer", frozenset({"read:exchange", "edit:exchange", "manage:exchange"}))
APPLICATIONS: Final = Need(
    "View Client Applications",
    frozenset(
        {
            "read:client_applications",
            "create:client_applications",
            "manage:client_application",
            "manage:client_applications",
        }
    ),
)
READING: Final = (APIS, POLICIES, TIERS, EXCHANGE)
WRITING: Final = (
    Need("Manage APIs Configuration", frozenset({"manage:api_configuration"})),
    Need("Manage Policies", frozenset({"manage:api_policies"})),
    Need("Manage Contracts", frozenset({"manage:api_contracts"})),
)
_EVERYTHING: Final = frozenset({"full"})


class Sight:
    """Answers "is this empty, or am I blind?", with as few calls as it takes."""

    def __init__(self, anypoint: Anypoint) -> None:
        self._anypoint = anypoint
        self._asked = False
        self._scopes: frozenset[str] | None = None
        self._assets: bool | None = None

    async def scopes(self) -> frozenset[str] | None:
        """The scopes that hold here; None where they cannot be known."""
        if not self._asked:
            rows = await self._anypoint.own_scopes()
            place = self._anypoint.place
            self._scopes = None if rows is None else here(rows, place.organization_id, place.environment_id)
            self._asked = True
        return self._scopes

    async def has(self, need: Need) -> bool | None:
        """Whether a right is held; None where that cannot be known."""
        scopes = await self.scopes()
        return None if scopes is None else not scopes.isdisjoint(need.scopes | _EVERYTHING)

    async def doubt_no_apis(self) -> GatewayForbidden | None:
        """The list of API instances is empty: a reason not to believe it, if there is one."""
        if await self.has(APIS):
            return None
        return blind(APIS, "there is no API instance")

    async def doubt_no_tiers(self, rows: Sequence[Row]) -> GatewayForbidden | None:
        """None of these instances shows a tier: not to be believed where it hides contracts that it counts itself."""
        has = await self.has(TIERS)
        contracted = next((row for row in rows if (row.get("activeContractsCount") or 0) > 0), None)
        if has or (has is None and contracted is None):
            return None
        if contracted is not None and await self._shows_contracts(contracted):
            return None
        return blind(TIERS, "there is no SLA tier")

    async def doubt_no_contracts(self, rows: Sequence[Row]) -> GatewayForbidden | None:
        """None of these instances shows a contract: not to be believed where one counts some itself."""
        has = await self.has(TIERS)
        if has or (has is None and not any((row.get("activeContractsCount") or 0) > 0 for row in rows)):
            return None
        return blind(TIERS, "there is no contract")

    async def doubt_no_applications(self) -> GatewayForbidden | None:
        """No client application was ever shown to us. Only the app's own scopes can tell that there is none."""
        if await self.has(APPLICATIONS):
            return None
        return blind(APPLICATIONS, "there is no client application of ours")

    async def doubt_no_policies(self, api_id: str = "", known: Collection[str] = ()) -> GatewayForbidden | None:
        """No policy is shown. `known` are ids of policies that were there once: one that still answers tells."""
        has = await self.has(POLICIES)
        if has is False:
            return blind(POLICIES, "there is no policy")
        if has is None:
            for native in sorted(known)[:1]:
                if await self._anypoint.find("apis", api_id, "policies", native) is not None:
                    return blind(POLICIES, f"there is no policy, though {native} is one")
        return None

    async def doubt_no_asset(self) -> GatewayForbidden | None:
        """Exchange does not know a version that an instance points to: it is gone, if we can see any asset at all."""
        has = await self.has(EXCHANGE)
        if has or (has is None and await self._sees_assets()):
            return None
        return blind(EXCHANGE, "the version of the asset is not in Exchange")

    async def _sees_assets(self) -> bool:
        if self._assets is None:
            self._assets = bool(await self._anypoint.assets(self._anypoint.place.organization_id))
        return self._assets

    async def _shows_contracts(self, row: Row) -> bool:
        listing = await self._anypoint.listing("contracts", "apis", str(row["id"]), "contracts")
        return bool(listing.rows)


def here(rows: Sequence[Mapping[str, Any]], organization_id: str, environment_id: str) -> frozenset[str]:
    """The scopes that hold in this organization and environment: a scope may be bound to either, or to none."""
    found = set()
    for row in rows:
        bound = row.get("context_params") or {}
        if bound.get("org") in (None, organization_id) and bound.get("envId") in (None, environment_id):
            found.add(str(row.get("scope")))
    return frozenset(found)


def blind(need: Need, what: str) -> GatewayForbidden:
    return GatewayForbidden(
        f"Anypoint answers that {what}. It answers so too when the scope {need.title} is missing, and nothing shows "
        "that we have it.",
        next_step=f"Give the connected app the scope {need.title} for this business group and environment, then test "
        "the connection.",
    )


def short(what: str, shown: int, total: int, need: Need) -> GatewayForbidden:
    """A list that shows less than it says there is."""
    return GatewayForbidden(
        f"Anypoint says that there are {total} {what}, but shows {shown}.",
        next_step=f"Check that the scope {need.title} is given for this business group and environment; if it is, "
        "somebody may be changing them just now: try again.",
    )
