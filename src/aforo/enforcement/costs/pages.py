"""`/costs`: what a unit costs, since when, and what a change of it would come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile

from aforo.accounts import Accounts, Caller, Scope, Session, VisitorFor
from aforo.customers import CostRule
from aforo.enforcement.costs.desk import CostDesk, Fate, Standing, Taken
from aforo.enforcement.costs.sheet import COLUMNS, MOST_LETTERS, new_rule
from aforo.enforcement.costs.words import about, decimals, priced, shown
from aforo.enforcement.earnings import money
from aforo.kit.errors import Invalid
from aforo.kit.pages import PageRender

_ROWS: Final = 50
_MOST_OPTIONS: Final = 1_000
"""Beyond so many products the form takes an id; a page stays within its weight."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages are given."""

    desk: CostDesk
    accounts: Accounts
    visitor: VisitorFor
    render: PageRender

    async def names(self, tenant_id: str) -> dict[str, str]:
        """What products are called, by id."""
        return {one.id: one.name for one in await self.desk.products(tenant_id)}

    async def noted(self, who: Caller, action: str, rule_id: str, detail: Mapping[str, Any] | None = None) -> None:
        await self.accounts.note(who.tenant_id, who.actor_id, action, rule_id, dict(detail or {}))


def router(parts: Parts) -> APIRouter:
    """`/costs`, `/costs/new`, `/costs/import` and `/costs/{id}/remove`."""
    pages = APIRouter(include_in_schema=False)
    _add_list(pages, parts)
    _add_form(pages, parts)
    _add_import(pages, parts)
    _add_removal(pages, parts)
    return pages


def _add_list(pages: APIRouter, parts: Parts) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]

    @pages.get("/costs")
    async def list_(
        request: Request,
        session: reader,
        show: str = "now",
        q: Annotated[str, Query(max_length=200)] = "",
        page: Annotated[int, Query(ge=1, le=10**6)] = 1,
    ) -> Response:
        tenant_id = session.caller.tenant_id
        products = await parts.names(tenant_id)
        every = [_row(one, standing, products) for one, standing in await parts.desk.rules(tenant_id)]
        present = [row for row in every if row["standing"] != Standing.REPLACED]
        words = q.strip().casefold()
        matching = [row for row in (every if show == "all" else present) if words in row["about"].casefold()]
        figures, first = await parts.desk.figures(tenant_id), (page - 1) * _ROWS
        return parts.render(
            "enforcement/costs.html",
            request,
            figures=figures,
            cost=money(figures.now.cost),
            share=figures.now.share,
            rows=matching[first : first + _ROWS],
            decimals=decimals(row["one"].unit_cost for row in matching[first : first + _ROWS]),
            matching=len(matching),
            first=first,
            in_force=sum(1 for row in every if row["standing"] == Standing.IN_FORCE),
            all_count=len(every),
            replaced=len(every) - len(present),
            show="all" if show == "all" else "now",
            q=q.strip(),
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )


def _add_form(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/costs/new")
    async def new(request: Request, session: writer, of: str = "") -> Response:
        """`of` is a rule that the new one takes over from."""
        typed = _typed_of(await parts.desk.rule(session.caller.tenant_id, of)) if of else {}
        return await _form(parts, request, session.caller, typed, of)

    @pages.post("/costs/new")
    async def create(request: Request, session: writer) -> Response:
        who, form = session.caller, await request.form()
        typed, of = {name: str(form.get(name, "")).strip() for name in COLUMNS}, str(form.get("of", ""))
        try:
            rule = new_rule(typed)
            effect = await parts.desk.effect_of_new(who.tenant_id, rule)
            if form.get("act") != "add":
                return await _form(parts, request, who, typed, of, effect=shown(effect))
            made = await parts.desk.add(who.tenant_id, rule)
        except Invalid as fault:
            return await _form(parts, request, who, typed, of, faults=_faults(fault))
        await parts.noted(who, "cost_rule.create", made.id)
        return RedirectResponse("/costs", 303)


def _add_import(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/costs/import")
    async def ask(request: Request, session: writer) -> Response:
        del session
        return _import(parts, request, "")

    @pages.post("/costs/import")
    async def take(request: Request, session: writer) -> Response:
        who, form = session.caller, await request.form()
        dry = form.get("act") != "import" or bool(getattr(form.get("file"), "filename", ""))
        try:
            text = await _sheet(form)
            taken = await parts.desk.take(who.tenant_id, text, dry=dry)
        except Invalid as fault:
            return _import(parts, request, str(form.get("csv", "")), error=str(fault))
        for one in taken:
            if one.fate is Fate.ADDED and one.rule_id:
                await parts.noted(who, "cost_rule.create", one.rule_id, {"line": one.number})
        products = await parts.names(who.tenant_id)
        return _import(parts, request, text, taken=[_line(one, products) for one in taken], dry=dry)


def _add_removal(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    async def question(request: Request, who: Caller, rule_id: str, error: str = "") -> Response:
        rule = await parts.desk.rule(who.tenant_id, rule_id)
        effect = await parts.desk.effect_of_removal(who.tenant_id, rule_id)
        words = about(rule, await parts.names(who.tenant_id))
        values = {"rule": rule, "about": words, "unit_cost": priced(rule), "effect": shown(effect), "error": error}
        return parts.render("enforcement/cost_remove.html", request, status=422 if error else 200, **values)

    @pages.get("/costs/{rule_id}/remove")
    async def ask(request: Request, rule_id: str, session: writer) -> Response:
        return await question(request, session.caller, rule_id)

    @pages.post("/costs/{rule_id}/remove")
    async def remove(request: Request, rule_id: str, session: writer) -> Response:
        who, reason = session.caller, str((await request.form()).get("reason", "")).strip()[:500]
        if not reason:
            return await question(request, who, rule_id, "Say why: it stands in the audit trail.")
        await parts.desk.remove(who.tenant_id, rule_id)
        await parts.noted(who, "cost_rule.remove", rule_id, {"reason": reason})
        return RedirectResponse("/costs", 303)


async def _form(
    parts: Parts,
    request: Request,
    who: Caller,
    typed: Mapping[str, str],
    of: str,
    *,
    effect: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    products = await parts.desk.products(who.tenant_id)
    figures = await parts.desk.figures(who.tenant_id)
    named = sorted(((one.id, one.name) for one in products), key=lambda one: (one[1].casefold(), one[0]))
    return parts.render(
        "enforcement/cost_form.html",
        request,
        status=422 if faults else 200,
        typed={"currency": figures.currency or "", **typed},
        of=of,
        products=named if len(named) <= _MOST_OPTIONS else None,
        metrics=sorted(await parts.desk.metrics(who.tenant_id)),
        effect=effect,
        faults=faults or {},
    )


def _import(
    parts: Parts,
    request: Request,
    text: str,
    *,
    taken: list[dict[str, Any]] | None = None,
    dry: bool = True,
    error: str = "",
) -> Response:
    counts = {fate: sum(1 for one in taken or () if one["fate"] == fate) for fate in Fate}
    values = {"text": text, "taken": taken, "dry": dry, "error": error, "counts": counts, "heads": COLUMNS}
    return parts.render("enforcement/cost_import.html", request, status=422 if error else 200, **values)


async def _sheet(form: FormData) -> str:
    """The chosen file, else what was pasted. Raises Invalid."""
    file = form.get("file")
    if isinstance(file, UploadFile) and file.filename:
        raw = await file.read(MOST_LETTERS * 4 + 1)
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid("The file is not UTF-8 text.", (("/csv", "is not UTF-8"),), next_step="Save it so.") from None
    text = str(form.get("csv", ""))
    if not text.strip():
        raise Invalid("There is no sheet.", (("/csv", "is empty"),), next_step="Choose a file, or paste its lines.")
    return text


def _typed_of(rule: CostRule) -> dict[str, str]:
    return {
        "product": rule.product_id or "",
        "metric": rule.metric or "",
        "unitCost": f"{rule.unit_cost:f}",
        "currency": rule.currency,
    }


def _row(one: CostRule, standing: Standing, products: Mapping[str, str]) -> dict[str, Any]:
    return {"id": one.id, "one": one, "standing": standing, "about": about(one, products)}


def _line(one: Taken, products: Mapping[str, str]) -> dict[str, Any]:
    return {
        "number": one.number,
        "fate": one.fate,
        "about": about(one.new.scope, products) if one.new else "",
        "new": one.new,
        "cost": priced(one.new) if one.new else "",
        "fault": one.fault,
    }


def _faults(fault: Invalid) -> dict[str, str]:
    """By the form's field; of a scope's faults each stands at its member."""
    named: dict[str, str] = {}
    for pointer, words in fault.faults or (("/", fault.detail),):
        last = pointer.rpartition("/")[2]
        field = {"scope": "product", "productId": "product"}.get(last, last)
        named.setdefault(field, words[:1].upper() + words[1:])
    return named
