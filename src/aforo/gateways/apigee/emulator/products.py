"""API products and their rate plans."""

import re
import uuid
from collections.abc import Iterator

from .answers import Row, absent, invalid, not_now, taken
from .attributes import Attributes, refuse_too_many
from .paging import from_start_key
from .requests import Request
from .routing import Route
from .shapes import PRODUCT, RATE_PLAN, checked
from .store import Store

_NAME = re.compile(r"[A-Za-z0-9._\-$ %]+")
_PLANS = "apiproducts/{product}/rateplans"


class Products:
    """`page_size` caps a page, whatever was asked for."""

    def __init__(self, store: Store, page_size: int) -> None:
        self._store = store
        self._page_size = page_size
        self._attributes = Attributes(store, "products", "apiproducts/{product}", self._found)

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "apiproducts", self._list)
        yield Route("POST", "apiproducts", lambda request: self.create(request.object()))
        yield Route("GET", "apiproducts/{product}", lambda _, name: self._found(name)[1])
        yield Route("PUT", "apiproducts/{product}", self._replace)
        yield Route("DELETE", "apiproducts/{product}", self._delete)
        yield from self._attributes.routes()

    def create(self, told: Row) -> Row:
        row = _product(told)
        if not row.get("name") or not _NAME.fullmatch(row["name"]):
            raise invalid("The name of an API product may hold letters, digits and ._-$ % only.")
        if self._store.get("products", row["name"]):
            raise taken("ApiProduct", row["name"])
        now = self._store.now_ms()
        return self._store.put("products", row["name"], {**row, "createdAt": now, "lastModifiedAt": now})

    def _list(self, request: Request) -> Row:
        rows = list(self._store.rows("products", start=request.query.get("startKey", "")))
        if attribute := request.query.get("attributename"):
            pair = {"name": attribute, "value": request.query.get("attributevalue", "")}
            rows = [row for row in rows if pair in row.get("attributes", [])]
        page = from_start_key(request, rows, self._page_size)
        shown = page if request.asks("expand") else [{"name": row["name"]} for row in page]
        return {"apiProduct": shown} if shown else {}

    def _replace(self, request: Request, name: str) -> Row:
        """All that is not sent is gone; the name stays as it is."""
        _, before = self._found(name)
        row = _product({**request.object(), "name": name})
        now = self._store.now_ms()
        return self._store.put("products", name, {**row, "createdAt": before["createdAt"], "lastModifiedAt": now})

    def _delete(self, request: Request, name: str) -> Row:
        del request
        _, row = self._found(name)
        for plan in list(self._store.rows("rateplans", f"{name}/")):
            self._store.remove("rateplans", f"{name}/{plan['name']}")
        self._store.remove("products", name)
        return row

    def _found(self, name: str) -> tuple[str, Row]:
        row = self._store.get("products", name)
        if row is None:
            raise absent("ApiProduct", name)
        return name, row


def _product(told: Row) -> Row:
    row: Row = checked(PRODUCT, told)
    if not row.get("displayName"):
        raise invalid("The display name of an API product is required.")
    if row.get("approvalType", "auto") not in ("auto", "manual"):
        raise invalid("The approval type is auto or manual.")
    refuse_too_many(row)
    for group in (name for name in row if name.endswith("OperationGroup") or name == "operationGroup"):
        for config in row[group].get("operationConfigs", []):
            _refuse_config(config)
    return row


def _refuse_config(config: Row) -> None:
    """As Apigee: one operation for each configuration; a quota counts hours unless it says otherwise."""
    if not config.get("apiSource"):
        raise invalid("An operation configuration needs an apiSource.")
    if any(len(config.get(listed, [])) > 1 for listed in ("operations", "llmOperations")):
        raise invalid("Only one operation is allowed in an operation configuration.")
    for name in ("quota", "llmTokenQuota"):
        quota = config.get(name)
        if quota and not (quota.get("limit") and quota.get("interval")):
            raise invalid("A quota needs a limit and an interval.")
        if quota:
            quota.setdefault("timeUnit", "hour")


class RatePlans:
    """Rate plans of products, in an organization in which monetization is on."""

    def __init__(self, store: Store, page_size: int, *, monetized: bool) -> None:
        self._store = store
        self._page_size = page_size
        self._monetized = monetized

    def routes(self) -> Iterator[Route]:
        yield Route("GET", _PLANS, self._list)
        yield Route("POST", _PLANS, lambda request, product: self.create(product, request.object()))
        yield Route("GET", f"{_PLANS}/{{plan}}", lambda _, product, plan: self._found(product, plan))
        yield Route("PUT", f"{_PLANS}/{{plan}}", self._replace)
        yield Route("DELETE", f"{_PLANS}/{{plan}}", self._delete)

    def create(self, product: str, told: Row, name: str | None = None) -> Row:
        self._refuse_unmonetized()
        if self._store.get("products", product) is None:
            raise absent("ApiProduct", product)
        now = self._store.now_ms()
        made = {"name": name or str(uuid.uuid4()), "createdAt": now, "lastModifiedAt": now}
        return self._keep(product, {**_plan(told, product), **made})

    def _list(self, request: Request, product: str) -> Row:
        """Of one product, or with `-` of all; the next page begins with the plan that `nextStartKey` names."""
        self._refuse_unmonetized()
        if product != "-" and self._store.get("products", product) is None:
            raise absent("ApiProduct", product)
        rows = list(self._store.rows("rateplans", "" if product == "-" else f"{product}/"))
        if state := request.query.get("state"):
            rows = [row for row in rows if row.get("state") == state]
        names = [row["name"] for row in rows]
        start = request.query.get("startKey", "")
        rows = rows[names.index(start) :] if start in names else rows
        size = min(request.count("count", 100, 1000), self._page_size)
        shown = rows[:size] if request.asks("expand") else [{"name": row["name"]} for row in rows[:size]]
        following = {"nextStartKey": rows[size]["name"]} if len(rows) > size else {}
        return {**({"ratePlans": shown} if shown else {}), **following}

    def _replace(self, request: Request, product: str, plan: str) -> Row:
        before = self._found(product, plan)
        kept = {"name": plan, "createdAt": before["createdAt"], "lastModifiedAt": self._store.now_ms()}
        return self._keep(product, {**_plan(request.object(), product), **kept})

    def _delete(self, request: Request, product: str, plan: str) -> Row:
        del request
        row = self._found(product, plan)
        self._store.remove("rateplans", f"{product}/{plan}")
        return row

    def _found(self, product: str, plan: str) -> Row:
        self._refuse_unmonetized()
        row = self._store.get("rateplans", f"{product}/{plan}")
        if row is None:
            raise absent("RatePlan", plan)
        return row

    def _keep(self, product: str, row: Row) -> Row:
        """Only one plan of a product may be published at a time."""
        others = self._store.rows("rateplans", f"{product}/")
        if row["state"] == "PUBLISHED" and any(
            one["state"] == "PUBLISHED" and one["name"] != row["name"] for one in others
        ):
            raise not_now(f'ApiProduct "{product}" already has an active rate plan.')
        return self._store.put("rateplans", f"{product}/{row['name']}", row)

    def _refuse_unmonetized(self) -> None:
        if not self._monetized:
            raise not_now("Monetization is not enabled for this organization.")


def _plan(told: Row, product: str) -> Row:
    row: Row = checked(RATE_PLAN, told)
    if row.get("apiproduct", product) != product:
        raise invalid("The rate plan names another API product than the path.")
    return {"state": "DRAFT", **row, "apiproduct": product}
