"""Everybody at Anypoint: the applications that contracts name, and those that we can list; removing an orphan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aforo.gateway_sdk.contract import Problem, Progress
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateway_sdk.provision import Existence, Existing, ExistingKey, Standing
from aforo.gateways.mulesoft.client import Anypoint, Applications, Row
from aforo.gateways.mulesoft.connector.reading import whole
from aforo.gateways.mulesoft.connector.sight import APIS, TIERS, Sight, short
from aforo.gateways.mulesoft.mapping.marks import KEY_TYPE, apis_of, subscription_of
from aforo.gateways.mulesoft.mapping.products import api_id, flat
from aforo.gateways.mulesoft.provisioner.holding import LIVE, Held, contract_of
from aforo.gateways.mulesoft.provisioner.writing import drop


@dataclass(slots=True)
class _Found:
    """One application as far as it was told, and the instances that it opens."""

    row: Row
    opens: set[str] = field(default_factory=set)


class Everybody:
    """Applications by id, gathered list by list."""

    def __init__(self, anypoint: Anypoint, applications: Applications) -> None:
        self._anypoint = anypoint
        self._applications = applications
        self._found: dict[str, _Found] = {}
        self._problems: list[Problem] = []

    async def existing(self, products: Sequence[ScopedProduct], progress: Progress) -> Existence:
        """Only a first call that fails raises; whatever is missed, or may be, makes the answer partial."""
        rows = flat(whole(await self._anypoint.listing("assets", "apis"), "API instances", APIS))
        counted = {api_id(row): int(row.get("activeContractsCount") or 0) for row in rows}
        seen = 0
        for number, product in enumerate(products):
            seen += await self._contracts(product, counted.get(product.native_id, 0))
            progress(number + 1, len(products), "API instances")
        if products and not seen and (doubt := await Sight(self._anypoint).doubt_no_contracts(rows)):
            self._problems.append(Problem("contracts", doubt.detail, doubt.code))
        await self._own()
        progress(len(self._found), len(self._found), "applications")
        return Existence(tuple(_told(one) for one in self._found.values()), tuple(self._problems))

    async def _contracts(self, product: ScopedProduct, counted: int) -> int:
        what = f"contracts of {product.name}"
        try:
            listing = await self._anypoint.listing("contracts", "apis", product.native_id, "contracts")
        except GatewayError as fault:
            self._problems.append(Problem(what, fault.detail, fault.code))
            return 0
        live = 0
        for row in listing.rows:
            application = {"id": row.get("applicationId"), **(row.get("application") or {})}
            found = self._found.setdefault(str(application["id"]), _Found(application))
            if row.get("status") == LIVE:
                live += 1
                found.opens.add(product.native_id)
        self._problems += _short(what, listing.fault, live, counted)
        return len(listing.rows)

    async def _own(self) -> None:
        """Those that we made may have no contract."""
        what = "client applications"
        try:
            listing = await self._applications.listing()
            doubt = None
            if not self._applications.has_seen_one:
                doubt = await Sight(self._anypoint).doubt_no_applications()
        except GatewayError as fault:
            self._problems.append(Problem(what, fault.detail, fault.code))
            return
        for row in listing.rows:
            found = self._found.setdefault(str(row["id"]), _Found({}))
            found.row = {**found.row, **row}
        self._problems += [Problem(what, one.detail, one.code) for one in (listing.fault, doubt) if one]


def _short(what: str, fault: GatewayError | None, live: int, counted: int) -> Iterator[Problem]:
    if fault:
        yield Problem(what, fault.detail, fault.code)
    elif 0 < live < counted:
        hidden = short(what, live, counted, TIERS)
        yield Problem(what, hidden.detail, hidden.code)


def _told(found: _Found) -> Existing:
    row = found.row
    native = str(row["id"])
    client_id = Held(row, {}).client_id
    standing = Standing.ACTIVE if found.opens else Standing.SUSPENDED
    return Existing(
        consumer=native,
        name=str(row.get("name") or native),
        keys=(ExistingKey(KEY_TYPE, client_id, standing),) if client_id else (),
        email=row.get("email") or None,
        scope=frozenset(found.opens),
        subscription_id=subscription_of(row),
    )


async def remove(anypoint: Anypoint, applications: Applications, found: Existing) -> None:
    """The application with its contracts; refused unless it carries the mark that `found` was told to have."""
    row = await applications.find(found.consumer) if found.subscription_id else None
    if found.subscription_id and row is None:
        return
    if row is None or subscription_of(row) != found.subscription_id:
        raise GatewayError(
            f"Application {found.name} does not carry Aforo's mark, so Aforo does not delete it.",
            next_step="Delete it at Anypoint if nobody needs it.",
        )
    for api in sorted(apis_of(row)):
        if contract := await contract_of(anypoint, api, Held(row, {}).client_id):
            await drop(anypoint, api, contract)
    await applications.delete(found.consumer)
