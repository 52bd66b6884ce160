"""Brings a seat to what is wanted. Every step looks for what an earlier attempt has left.

What takes access away is written before what gives it. An application's description names the instances before any
contract with them is asked for, so that a contract is never out of sight.
"""

from collections.abc import Collection, Mapping
from typing import Final

from aforo.gateway_sdk.errors import GatewayNotFound, GatewayRejected, PostconditionFailed
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Seat, Standing, WantedKey
from aforo.gateways.mulesoft.client import Anypoint, Applications, Row
from aforo.gateways.mulesoft.mapping import limits
from aforo.gateways.mulesoft.mapping.marks import (
    apis_of,
    application_description,
    application_name,
    plan_of,
    subscription_of,
    tier_description,
    tier_name,
)
from aforo.gateways.mulesoft.provisioner.holding import (
    LIVE,
    REVOKED,
    Held,
    Holding,
    Reader,
    contract_of,
    promised,
    tiers_of,
)

_CONFLICT: Final = 409
_OPENING: Final = {"PENDING": "approve", "REJECTED": "approve", REVOKED: "restore"}
_KEPT: Final = ("name", "redirectUri", "grantTypes", "url")
_TIERS: Final = "tiers"


class Writer:
    """Writes one seat. `secrets` are those that Anypoint has told meanwhile, by credential."""

    def __init__(self, anypoint: Anypoint, applications: Applications, seat: Seat) -> None:
        self._anypoint = anypoint
        self._applications = applications
        self._seat = seat
        self._reader = Reader(anypoint, applications, seat)
        self._tiers: dict[str, int | None] = {}
        self.secrets: dict[str, str] = {}

    async def converge(self) -> None:
        held = await self._reader.read()
        await self._take_away(held)
        for key in self._seat.keys:
            if promised(self._seat, key) is Standing.GONE:
                continue
            app = held.of(key)
            if app and app.adopted:
                await self._open_adopted(key, app)
            else:
                await self._have(key, app)

    async def _take_away(self, held: Holding) -> None:
        for stray in held.strays():
            await self._remove(stray)
        for key in self._seat.keys:
            app, wanted = held.of(key), promised(self._seat, key)
            if app and wanted is Standing.GONE and not app.adopted:
                await self._remove(app)
            elif app and wanted is not Standing.ACTIVE:
                await self._revoke(app, app.opens())

    async def _open_adopted(self, key: WantedKey, app: Held) -> None:
        """Only what it had already comes back: a contract that waits for approval is not ours to approve."""
        if promised(self._seat, key) is Standing.ACTIVE:
            for api, row in app.contracts.items():
                if row.get("status") == REVOKED:
                    await self._open(api, row)

    async def _have(self, key: WantedKey, app: Held | None) -> None:
        row = app.row if app else await self._create(key)
        if app and not key.native_id:  # its secret was told to nobody who is left
            self.secrets[key.credential_id] = await self._applications.new_secret(app.native)
        contracts = dict(app.contracts) if app else {}
        wanted = {one.native_id for one in self._seat.scope}
        await self._list(row, key, wanted | contracts.keys())
        for api in sorted(contracts.keys() - wanted):
            await drop(self._anypoint, api, contracts[api])
        if promised(self._seat, key) is Standing.ACTIVE:
            for product in self._seat.scope:
                await self._have_contract(Held(row, contracts), product)
        await self._list(row, key, wanted)

    async def _create(self, key: WantedKey) -> Row:
        if key.native_id and self._seat.adopted:
            raise _missing(self._seat)
        if key.native_id:
            raise PostconditionFailed(
                f"The application with client id {key.native_id} is no longer at Anypoint, or not shown to us any "
                "more, and only Anypoint knew its secret.",
                next_step="If it was deleted, revoke this credential and issue another. Else connect with the "
                "connected app that made it.",
            )
        name = application_name(self._seat.subscription_id, key.credential_id)
        apis = [one.native_id for one in self._seat.scope]
        told = application_description(self._seat.subscription_id, key.credential_id, apis)
        wish: Row = {"name": name, "description": told, "redirectUri": [], "grantTypes": []}
        made = await self._applications.create(wish)
        if made is not None:
            told_once = made.pop("clientSecret", None) or await self._applications.new_secret(str(made["id"]))
            self.secrets[key.credential_id] = str(told_once)
            return {**wish, **made}
        return await self._unlisted(key, name)

    async def _unlisted(self, key: WantedKey, name: str) -> Row:
        """The name is taken though a search did not show it: perhaps the search lags behind."""
        listing = await self._applications.listing()
        row = next((row for row in listing.rows if row.get("name") == name), None)
        if row is None or subscription_of(row) != self._seat.subscription_id:
            raise GatewayRejected(
                f"There is an application {name} that is not ours, or that another connected app has made.",
                status=_CONFLICT,
                next_step="Rename or delete it at Anypoint, or connect with the connected app that made it.",
            )
        self.secrets[key.credential_id] = await self._applications.new_secret(str(row["id"]))
        return row

    async def _list(self, row: Row, key: WantedKey, apis: Collection[str]) -> None:
        """Have the description name exactly these instances."""
        if apis_of(row) != {*apis}:
            told = application_description(self._seat.subscription_id, key.credential_id, apis)
            kept = {name: row[name] for name in _KEPT if row.get(name) is not None}
            await self._applications.change(str(row["id"]), {**kept, "description": told})
            row["description"] = told

    async def _have_contract(self, app: Held, product: ScopedProduct) -> None:
        api = product.native_id
        row = app.contracts.get(api) or await contract_of(self._anypoint, api, app.client_id)
        tier = await self._tier(product)
        if row is None:
            wish: Row = {"applicationId": int(app.native)} | ({"requestedTierId": tier} if tier else {})
            row = await self._anypoint.post(("apis", api, "contracts"), wish)
        elif tier and tier not in (row.get("tierId"), row.get("requestedTierId")):
            await self._anypoint.patch(("apis", api, "contracts", str(row["id"])), {"tierId": tier})
        await self._open(api, row)

    async def _open(self, api: str, row: Row) -> None:
        if action := _OPENING.get(str(row.get("status"))):
            await self._anypoint.act_on_contract(api, str(row["id"]), action)

    async def _tier(self, product: ScopedProduct) -> int | None:
        """The plan's tier; made where the instance wants a tier for every contract and has none for this plan."""
        api = product.native_id
        if api not in self._tiers:
            rows = await tiers_of(self._anypoint, api)
            mine = next((row for row in rows if plan_of(row) == self._seat.plan), None)
            if mine is None and any(row.get("status") == "ACTIVE" for row in rows):
                self._refuse_foreign(rows, product)
                mine = await self._anypoint.post(("apis", api, _TIERS), self._new_tier())
            elif mine and mine.get("status") != "ACTIVE":  # a deprecated one takes no contracts
                await self._anypoint.put(("apis", api, _TIERS, str(mine["id"])), _settable(mine) | {"status": "ACTIVE"})
            self._tiers[api] = int(mine["id"]) if mine else None
        return self._tiers[api]

    def _refuse_foreign(self, rows: Collection[Row], product: ScopedProduct) -> None:
        name = tier_name(self._seat.plan)
        if any(row.get("name") == name for row in rows):
            raise GatewayRejected(
                f"{product.name} has an SLA tier {name} that does not carry Aforo's mark. Nothing was changed there.",
                status=_CONFLICT,
                next_step="Rename or delete that tier at Anypoint.",
            )

    def _new_tier(self) -> Row:
        return {
            "name": tier_name(self._seat.plan),
            "description": tier_description(self._seat.plan),
            "status": "ACTIVE",
            "autoApprove": False,
            "limits": limits.windows(self._seat.limits) or [limits.UNLIMITED],
        }

    async def _remove(self, app: Held) -> None:
        """The application with its contracts, which must be revoked before they can be deleted."""
        for api, row in app.contracts.items():
            await drop(self._anypoint, api, row)
        await self._applications.delete(app.native)

    async def _revoke(self, app: Held, apis: Collection[str]) -> None:
        for api in sorted(apis):
            await _close(self._anypoint, api, app.contracts[api])


async def drop(anypoint: Anypoint, api: str, row: Row) -> None:
    """Delete a contract, which must be closed before."""
    await _close(anypoint, api, row)
    await anypoint.delete("apis", api, "contracts", str(row["id"]))


async def _close(anypoint: Anypoint, api: str, row: Row) -> None:
    """Revoke or reject a contract, so that it opens nothing and can be deleted."""
    action = {LIVE: "revoke", "PENDING": "reject"}.get(str(row.get("status")))
    if action:
        await anypoint.act_on_contract(api, str(row["id"]), action)


def _settable(tier: Mapping[str, object]) -> Row:
    return {name: tier[name] for name in ("name", "description", "autoApprove", "limits") if name in tier}


def _missing(seat: Seat) -> GatewayNotFound:
    """An adopted application that has no contract at all with the plan's products."""
    application = seat.adopted.consumer if seat.adopted else ""
    return GatewayNotFound(
        f"The adopted application {application} has no contract with any product of the plan, or is no longer there.",
        status=404,
        next_step="Ask for access in Exchange, or cancel the subscription.",
    )
