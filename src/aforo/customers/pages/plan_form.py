"""`/plans/new` and `/plans/{id}/edit`: a draft, row by row."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from aforo.accounts import Scope, Session
from aforo.customers.model import Plan, PlanState
from aforo.customers.pages.parts import Faults, Parts, faults_of
from aforo.customers.pages.words import MODELS
from aforo.customers.rules.periods import Every
from aforo.customers.shapes import NewPlan, PlanPatch
from aforo.customers.terms import QuotaMode
from aforo.kit.errors import Conflict, Invalid

Typed = dict[str, Any]
"""The form as it was filled in: single fields by name, and rows as lists of fields."""

_QUOTA: Final = ("metric", "units", "period", "mode", "timeZone")
_RATE: Final = ("metric", "units", "perSeconds", "burst")
_PRICE: Final = ("model", "metric", "name", "price", "included", "tiers")
_MOST_PRODUCTS: Final = 500


def add(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/plans/new")
    async def new(request: Request, session: writer) -> Response:
        return await _page(parts, request, session, None, {"currency": "EUR"}, {})

    @pages.post("/plans/new")
    async def create(request: Request, session: writer) -> Response:
        typed = _typed(await request.form())
        try:
            body = NewPlan.model_validate({"key": typed["key"], **_terms(typed)})
            made = await parts.room.plans.create(session.caller.tenant_id, body)
        except (ValidationError, Invalid, Conflict) as fault:
            return await _page(parts, request, session, None, typed, faults_of(fault))
        await parts.note(session.caller, "plan.create", made.id, {"key": made.key})
        return RedirectResponse(f"/plans/{made.id}", 303)

    @pages.get("/plans/{plan_id}/edit")
    async def edit(request: Request, plan_id: str, session: writer) -> Response:
        plan = await parts.room.plans.one(session.caller.tenant_id, plan_id)
        return await _page(parts, request, session, plan, _shown(plan), {})

    @pages.post("/plans/{plan_id}/edit")
    async def change(request: Request, plan_id: str, session: writer) -> Response:
        tenant_id = session.caller.tenant_id
        plan = await parts.room.plans.one(tenant_id, plan_id)
        typed = _typed(await request.form())
        try:
            patch = PlanPatch.model_validate(_terms(typed))
            if plan.state is PlanState.DRAFT:
                saved = await parts.room.plans.change(tenant_id, plan_id, patch)
            else:
                saved = await parts.room.plans.begin_version(tenant_id, plan_id, patch)
        except (ValidationError, Invalid, Conflict) as fault:
            return await _page(parts, request, session, plan, typed, faults_of(fault))
        await parts.note(session.caller, "plan.change", plan_id, {"version": saved.version})
        return RedirectResponse(f"/plans/{plan_id}", 303)


async def _page(
    parts: Parts, request: Request, session: Session, plan: Plan | None, typed: Typed, faults: Faults
) -> Response:
    tenant_id = session.caller.tenant_id
    products = await parts.sellable(tenant_id)
    return parts.render(
        "customers/plan_form.html",
        request,
        status=422 if faults else 200,
        plan=plan,
        typed=typed,
        faults=faults,
        products=products[:_MOST_PRODUCTS],
        unlisted=max(0, len(products) - _MOST_PRODUCTS),
        quotas=_rows(typed.get("quotas", ())),
        rates=_rows(typed.get("rates", ())),
        prices=_rows(typed.get("prices", ()), 2),
        metrics=[(one.name, one.name) for one in await parts.room.metrics.all(tenant_id)],
        periods=[(one.value, one.value) for one in Every],
        modes=[(one.value, one.value) for one in QuotaMode],
        models=[(model.value, words) for model, words in MODELS.items()],
    )


def _rows(filled: Iterable[dict[str, str]], empty: int = 1) -> list[dict[str, str]]:
    """What is filled in, and a few rows more."""
    return [*filled, *({} for _ in range(empty))]


def _typed(form: FormData) -> Typed:
    def rows(group: str, members: tuple[str, ...]) -> list[dict[str, str]]:
        columns = [[str(value).strip() for value in form.getlist(f"{group}.{member}")] for member in members]
        return [dict(zip(members, row, strict=True)) for row in zip(*columns, strict=False)]

    return {
        **{name: str(form.get(name, "")).strip() for name in ("key", "name", "currency", "capAmount", "capPeriod")},
        "failMode": str(form.get("failMode", "closed")),
        "failUnits": str(form.get("failUnits", "")).strip(),
        "productIds": [str(one) for one in form.getlist("productIds")],
        "quotas": [row for row in rows("quota", _QUOTA) if row["units"]],
        "rates": [row for row in rows("rate", _RATE) if row["units"]],
        "prices": [row for row in rows("price", _PRICE) if row["price"] or row["tiers"]],
    }


def _terms(typed: Typed) -> dict[str, Any]:
    """The form as the API's members; what was left empty is left out, what was removed is an empty list."""
    cap = {"amount": typed["capAmount"], "period": typed["capPeriod"] or "month"} if typed["capAmount"] else None
    units = {"units": typed["failUnits"]} if typed["failMode"] == "open_up_to" else {}
    return {
        **({"name": typed["name"]} if typed["name"] else {}),
        "currency": typed["currency"],
        "productIds": typed["productIds"],
        "quotas": [{name: value for name, value in row.items() if value} for row in typed["quotas"]],
        "rateLimits": [_rate(row) for row in typed["rates"]],
        "rateCard": [_price(row) for row in typed["prices"]],
        "spendCap": cap,
        "failMode": {"kind": typed["failMode"], **units},
    }


def _rate(row: dict[str, str]) -> dict[str, Any]:
    seconds: Any = int(row["perSeconds"]) if row["perSeconds"].isdecimal() else row["perSeconds"]
    burst = {"burst": row["burst"]} if row["burst"] else {}
    return {"metric": row["metric"], "units": row["units"], "perSeconds": seconds, **burst}


def _price(row: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"model": row["model"], **({"name": row["name"]} if row["name"] else {})}
    if row["model"] == "flat":
        return {**told, "amount": row["price"]}
    told["metric"] = row["metric"]
    if row["model"] == "percentage":
        return {**told, "percent": row["price"]}
    if row["model"] in ("graduated", "volume"):
        return {**told, "tiers": [_tier(one) for one in row["tiers"].replace(";", ",").split(",") if one.strip()]}
    included = {"includedUnits": row["included"]} if row["included"] else {}
    return {**told, "unitPrice": row["price"], **included}


def _tier(word: str) -> dict[str, Any]:
    """`10000: 0.001`, and for the last one `: 0.0008`."""
    reach, _, price = word.partition(":")
    return {"upTo": reach.strip() or None, "unitPrice": price.strip()}


def _shown(plan: Plan) -> Typed:
    """A plan's newest version as the form's fields."""
    told = plan.terms.model_dump(mode="json", by_alias=True)
    cap = told["spendCap"] or {}
    return {
        "key": plan.key,
        "name": plan.name,
        "currency": told["currency"],
        "capAmount": cap.get("amount", ""),
        "capPeriod": cap.get("period", "month"),
        "failMode": told["failMode"]["kind"],
        "failUnits": told["failMode"].get("units", ""),
        "productIds": told["productIds"],
        "quotas": told["quotas"],
        "rates": told["rateLimits"],
        "prices": [_price_shown(entry) for entry in told["rateCard"]],
    }


def _price_shown(entry: dict[str, Any]) -> dict[str, str]:
    tiers = ", ".join(f"{tier['upTo'] or ''}: {tier['unitPrice']}" for tier in entry.get("tiers") or ())
    price = entry.get("amount") or entry.get("unitPrice") or entry.get("percent") or ""
    return {
        "model": entry["model"],
        "metric": entry.get("metric", ""),
        "name": entry.get("name", ""),
        "price": price,
        "included": entry.get("includedUnits", ""),
        "tiers": tiers,
    }
