"""Reads records.db with the standard library alone. Only reads; the tables belong to other rooms or to `sql`.

Facts: tables `tenants`, `subscriptions`, `customers`, `plans`, `plan_versions`, `grant_changes`, `margin_guards`,
`cost_rules` of the accounts and customers rooms, `products` of the catalog, `product_enforcement`,
`enforcement_pauses`, `enforcement_changes`, `decision_keys` of this one.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from aforo.credentials import CredentialRow
from aforo.enforcement.model import CostRule, Grant, Guard, Product, Tenant, Terms
from aforo.enforcement.state.snapshot import Snapshot, by_ref, grouped, with_credentials, with_fees
from aforo.enforcement.state.terms import read_terms, scaled

_SUBSCRIPTIONS: Final = """
    SELECT s.tenant_id, s.id, s.customer_id, c.external_id, s.status, s.starts_at, s.plan_id, s.plan_version
    FROM subscriptions AS s JOIN customers AS c ON c.id = s.customer_id
    WHERE s.status <> 'CANCELLED'
"""
_TERMS: Final = """
    SELECT p.id, p.key, v.number, v.terms FROM plan_versions AS v JOIN plans AS p ON p.id = v.plan_id
    WHERE v.plan_id = ? AND v.number = ?
"""
_PRODUCTS: Final = """
    SELECT p.tenant_id, p.id, p.integration_id, p.ref, e.mode
    FROM products AS p LEFT JOIN product_enforcement AS e ON e.product_id = p.id
"""
_GUARDS: Final = """
    SELECT tenant_id, scope_kind, scope_ref, mode, floor_l1, floor_l2, floor_l3, throttle_rate, retry_after_seconds
    FROM margin_guards
"""
_FINGERPRINT: Final = """
    SELECT (SELECT coalesce(max(number), 0) FROM enforcement_changes),
           (SELECT count(*) || coalesce(max(updated_at), '') FROM margin_guards),
           (SELECT count(*) || coalesce(max(id), '') FROM cost_rules),
           (SELECT count(*) || coalesce(max(id), '') FROM products),
           (SELECT count(*) || coalesce(max(updated_at), '') FROM customers),
           (SELECT count(*) FROM tenants)
"""
_SOME: Final = 500


class CredentialSource(NamedTuple):
    """Where credentials are read from: rows of all tenants, and a value that differs whenever they do."""

    rows: Callable[[sqlite3.Connection], Iterable[CredentialRow]] = lambda _: ()
    version: Callable[[sqlite3.Connection], object] = lambda _: None


class Reader:
    """One connection's view. Published terms never change, so each is read once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._terms: dict[tuple[str, int], Terms] = {}

    def fingerprint(self) -> tuple[Any, ...]:
        """Differs when anything but subscriptions and credentials does."""
        return tuple(self._connection.execute(_FINGERPRINT).fetchone())

    def newest_change(self) -> int:
        return int(self._one("SELECT coalesce(max(number), 0) FROM grant_changes"))

    def decision_key(self) -> bytes:
        return bytes(self._one("SELECT secret FROM decision_keys ORDER BY id DESC LIMIT 1"))

    def changed_since(self, number: int) -> dict[str, set[str]]:
        """By tenant, the subscriptions that something happened to."""
        found: dict[str, set[str]] = defaultdict(set)
        query = "SELECT tenant_id, subject FROM grant_changes WHERE number > ?"
        for tenant_id, subject in self._connection.execute(query, (number,)):
            found[tenant_id].add(subject)
        return found

    def grants(self, only: Collection[str] | None = None) -> list[Grant]:
        if only is None:
            return [self._grant(row) for row in self._connection.execute(_SUBSCRIPTIONS).fetchall()]
        rows, wanted = [], sorted(only)
        for start in range(0, len(wanted), _SOME):
            some = wanted[start : start + _SOME]
            query = f"{_SUBSCRIPTIONS} AND s.id IN ({','.join('?' * len(some))})"
            rows += self._connection.execute(query, some).fetchall()
        return [self._grant(row) for row in rows]

    def everything(self, version: int, credentials: CredentialSource) -> Snapshot:
        grants, products = _split(self.grants()), self._products()
        guards, costs = self._guards(), self._costs()
        paused = {row[0] for row in self._connection.execute("SELECT tenant_id FROM enforcement_pauses")}
        rows = credentials_by_tenant(self._connection, credentials)
        tenants = {}
        for (tenant_id,) in self._connection.execute("SELECT id FROM tenants"):
            own = grants.get(tenant_id, {})
            mine = products.get(tenant_id, [])
            tenant = Tenant(
                id=tenant_id,
                version=version,
                paused=tenant_id in paused,
                grants=own,
                by_customer=grouped(own),
                products={product.id: product for product in mine},
                refs=by_ref(mine),
                guards=tuple(guards.get(tenant_id, ())),
                costs=tuple(costs.get(tenant_id, ())),
                enforces_any=any(product.enforced for product in mine),
            )
            tenants[tenant_id] = with_credentials(with_fees(tenant), rows.get(tenant_id, ()))
        return Snapshot(version, tenants)

    def _one(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()[0]

    def _grant(self, row: tuple[Any, ...]) -> Grant:
        tenant_id, subscription_id, customer_id, external_id, status, starts_at, plan_id, plan_version = row
        terms = self._plan(plan_id, plan_version)
        return Grant(tenant_id, subscription_id, customer_id, external_id, status, _ms(starts_at), terms)

    def _plan(self, plan_id: str, version: int) -> Terms:
        known = self._terms.get((plan_id, version))
        if known is None:
            known = read_terms(*self._connection.execute(_TERMS, (plan_id, version)).fetchone())
            self._terms[plan_id, version] = known
        return known

    def _products(self) -> dict[str, list[Product]]:
        found: dict[str, list[Product]] = defaultdict(list)
        for tenant_id, product_id, integration_id, ref, mode in self._connection.execute(_PRODUCTS):
            found[tenant_id].append(Product(product_id, integration_id, ref, mode == "enforce"))
        return found

    def _guards(self) -> dict[str, list[Guard]]:
        found: dict[str, list[Guard]] = defaultdict(list)
        for tenant_id, kind, ref, mode, *floors, rate, retry in self._connection.execute(_GUARDS):
            one, two, three = (None if floor is None else scaled(floor, 9) for floor in floors)
            found[tenant_id].append(Guard(kind, ref, mode == "enforce", (one, two, three), rate, retry))
        return found

    def _costs(self) -> dict[str, list[CostRule]]:
        found: dict[str, list[CostRule]] = defaultdict(list)
        query = "SELECT tenant_id, product_id, metric, unit_cost, currency, valid_from FROM cost_rules ORDER BY id"
        for tenant_id, product_id, metric, unit_cost, currency, valid_from in self._connection.execute(query):
            found[tenant_id].append(CostRule(product_id, metric, scaled(unit_cost, 12), currency, _ms(valid_from)))
        return found


def credentials_by_tenant(connection: sqlite3.Connection, source: CredentialSource) -> dict[str, list[CredentialRow]]:
    found: dict[str, list[CredentialRow]] = defaultdict(list)
    for row in source.rows(connection):
        found[row.tenant_id].append(row)
    return found


def _split(grants: Iterable[Grant]) -> dict[str, dict[str, Grant]]:
    found: dict[str, dict[str, Grant]] = defaultdict(dict)
    for grant in grants:
        found[grant.tenant_id][grant.subscription_id] = grant
    return found


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
