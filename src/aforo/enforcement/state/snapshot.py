"""All tenants at one moment, and how a snapshot is made from the one before."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from aforo.credentials import CredentialRow
from aforo.enforcement.model import CredentialKey, Grant, Product, ScopeKey, Tenant


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`version` is the catalog version that decisions name: it grows with every change of grants or enforcement."""

    version: int = 0
    tenants: Mapping[str, Tenant] = field(default_factory=dict)


def patched(tenant: Tenant, version: int, changed: Collection[str], found: Iterable[Grant]) -> Tenant:
    """The tenant with some subscriptions read anew; of `changed`, those not found are cancelled."""
    grants = {key: grant for key, grant in tenant.grants.items() if key not in changed}
    grants |= {grant.subscription_id: grant for grant in found}
    touched = {name for key in changed for name in _names(tenant.grants.get(key)) + _names(grants.get(key))}
    names = {**tenant.by_customer, **_by_customer(grants, touched)}
    return with_fees(replace(tenant, version=version, grants=grants, by_customer=names))


def with_fees(tenant: Tenant) -> Tenant:
    """Sums that only margin guards ask for. A subscription counts from its plan's fees, whatever its state."""
    if not tenant.guards:
        return tenant
    fees: dict[ScopeKey, tuple[int, bool]] = {}
    for grant in tenant.grants.values():
        for scope in scopes(grant):
            sum_, priced = fees.get(scope, (0, True))
            fees[scope] = (sum_ + grant.terms.fixed_fees, priced and grant.terms.is_priced)
    return replace(tenant, fees=fees)


def scopes(grant: Grant) -> tuple[ScopeKey, ScopeKey, ScopeKey]:
    """Whose margins a subscription counts for."""
    return ("CUSTOMER", grant.customer_id), ("TIER", grant.terms.key), ("TENANT", grant.tenant_id)


def with_credentials(tenant: Tenant, rows: Iterable[CredentialRow]) -> Tenant:
    """By integration, type and native id; also without type or integration, where that names one subscription only."""
    exact: dict[CredentialKey, CredentialRow] = {}
    loose: dict[CredentialKey, CredentialRow | None] = {}
    for row in rows:
        exact[row.integration_id, row.type, row.native_id] = row
        for key in ((row.integration_id, "", row.native_id), ("", row.type, row.native_id), ("", "", row.native_id)):
            loose[key] = row if key not in loose else None
    return replace(tenant, credentials={**{key: row for key, row in loose.items() if row is not None}, **exact})


def grouped(grants: Mapping[str, Grant]) -> dict[str, tuple[Grant, ...]]:
    """By the customer's id and by the tenant's own name for it, oldest first; an id goes before a name."""
    found: dict[str, list[Grant]] = defaultdict(list)
    for grant in sorted(grants.values(), key=lambda one: one.subscription_id):
        for name in _names(grant):
            found[name].append(grant)
    ids = {grant.customer_id for grant in grants.values()}
    return {
        name: tuple(one for one in some if name not in ids or one.customer_id == name) for name, some in found.items()
    }


def by_ref(products: Iterable[Product]) -> dict[tuple[str | None, str], Product]:
    """By integration and the gateway's name; without the integration only names that occur once."""
    found: dict[tuple[str | None, str], Product] = {}
    times: dict[str, int] = defaultdict(int)
    for product in products:
        found[product.integration_id, product.ref] = product
        found[None, product.ref] = product
        times[product.ref] += 1
    for ref, count in times.items():
        if count > 1:
            del found[None, ref]
    return found


def _names(grant: Grant | None) -> list[str]:
    if grant is None:
        return []
    own = [grant.customer_id]
    return [*own, grant.external_id] if grant.external_id and grant.external_id != grant.customer_id else own


def _by_customer(grants: Mapping[str, Grant], touched: Collection[str]) -> dict[str, tuple[Grant, ...]]:
    some = {key: grant for key, grant in grants.items() if any(name in touched for name in _names(grant))}
    found = grouped(some)
    return {name: found.get(name, ()) for name in touched}
