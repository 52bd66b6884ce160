"""`/integrations/{id}/consumers`: who called before Aforo, and which customer that seems to be."""

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from aforo.accounts import Scope, Session
from aforo.credentials.pages.parts import Parts
from aforo.credentials.service.adoption import Wish
from aforo.credentials.views import consumers_view
from aforo.customers import NewCustomer
from aforo.integrations import Integration
from aforo.jobs import PAGE_PATIENCE_SECONDS, Job, Report, onward
from aforo.kit.jsontree import Json, JsonObject

_ROWS: Final = 50
_MOST_CHOICES: Final = 100
_NEW: Final = "new"


def add(pages: APIRouter, parts: Parts) -> None:
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/integrations/{integration_id}/consumers")
    async def show(request: Request, integration_id: str, session: writer, read: str = "", start: int = 0) -> Response:
        """`read` is the job that read the gateway."""
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        return await _page(parts, request, session, one, read, max(0, start))

    @pages.post("/integrations/{integration_id}/consumers")
    async def read_(integration_id: str, session: writer) -> Response:
        tenant_id = session.caller.tenant_id
        one = await parts.integrations.get(tenant_id, integration_id)
        here = f"/integrations/{one.id}/consumers"

        async def work(report: Report) -> JsonObject:
            found = await parts.room.adoption.consumers(tenant_id, one.id, report)
            told: JsonObject = consumers_view(found).model_dump(mode="json", by_alias=True)
            return {"href": f"{here}?read={{job}}", "integrationId": one.id, **told}

        title = f"Read the consumers of {one.name}"
        job = await parts.jobs.follow(tenant_id, "consumers", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)
        return onward(job, here)

    @pages.post("/integrations/{integration_id}/consumers/adopt")
    async def adopt(request: Request, integration_id: str, session: writer) -> Response:
        who = session.caller
        one = await parts.integrations.get(who.tenant_id, integration_id)
        sent = await request.form()
        read, start = str(sent.get("read", "")), int(str(sent.get("start", "0")))
        wishes = _wishes(await _rows_of(parts, who.tenant_id, one.id, read), sent)
        if not wishes or not sent.get("plan"):
            told = "Tick a consumer first." if not wishes else "Choose a plan first."
            return await _page(parts, request, session, one, read, start, told)

        async def work(report: Report) -> JsonObject:
            made = await parts.room.adoption.adopt(who.tenant_id, one.id, wishes, report)
            for subscription_id in made:
                await parts.note(who, "subscription.adopt", subscription_id, {"integrationId": one.id})
            plan = urlencode({"plan": wishes[0].plan_id})
            return {"href": f"/subscriptions?{plan}", "subscriptionIds": list[Json](made)}

        title = f"Adopt {len(wishes)} of {one.name}"
        job = await parts.jobs.follow(who.tenant_id, "adopt", title, work, wait_seconds=PAGE_PATIENCE_SECONDS)
        return onward(job, f"/integrations/{one.id}/consumers?{urlencode({'read': read, 'start': start})}")


async def _page(
    parts: Parts, request: Request, session: Session, one: Integration, read: str, start: int, told: str = ""
) -> Response:
    tenant_id = session.caller.tenant_id
    job = await _job(parts, tenant_id, one.id, read) if read else None
    found = _found(job) if job else []
    buyers, _ = await parts.room.customers.customers.page(tenant_id, limit=_MOST_CHOICES)
    drawn, _ = await parts.room.customers.plans.page(tenant_id, limit=1_000)
    plans = [plan for plan in drawn if plan.state == "PUBLISHED" or plan.version > 1]
    names = {buyer.id: buyer.name for buyer in buyers}
    for row in found[start : start + _ROWS]:
        proposed = row["match"]["customerId"]
        if proposed and proposed not in names:
            names[proposed] = (await parts.room.customers.customers.one(tenant_id, proposed)).name
    here = f"/integrations/{one.id}/consumers?read={read}"
    return parts.render(
        "credentials/consumers.html",
        request,
        status=422 if told else 200,
        one=one,
        job=job,
        read=read,
        start=start,
        total=len(found),
        free=sum(not row["taken"] for row in found),
        rows=found[start : start + _ROWS],
        newer=f"{here}&start={max(0, start - _ROWS)}" if start else "",
        older=f"{here}&start={start + _ROWS}" if start + _ROWS < len(found) else "",
        customers=list(names.items()),
        plans=[(plan.id, f"{plan.name} ({plan.key})") for plan in plans],
        told=told,
    )


async def _job(parts: Parts, tenant_id: str, integration_id: str, read: str) -> Job | None:
    """What was read, unless it was read of another gateway."""
    job = await parts.jobs.get(tenant_id, read)
    return job if job.result and job.result.get("integrationId") == integration_id else None


async def _rows_of(parts: Parts, tenant_id: str, integration_id: str, read: str) -> list[dict[str, Any]]:
    job = await _job(parts, tenant_id, integration_id, read)
    return _found(job) if job else []


def _found(job: Job) -> list[dict[str, Any]]:
    """The consumers with keys, each with its number; `taken`: it belongs to a subscription already."""
    told: Any = (job.result or {}).get("data", [])
    numbered = [{**row, "id": str(number), "taken": _owner(row)} for number, row in enumerate(told)]
    return [row for row in numbered if row["keys"] or row["taken"]]


def _owner(row: dict[str, Any]) -> str | None:
    owners = (key["subscriptionId"] for key in row["keys"])
    found: str | None = row["subscriptionId"] or next((one for one in owners if one), None)
    return found


def _wishes(rows: list[dict[str, Any]], sent: FormData) -> list[Wish]:
    ticked = {str(one) for one in sent.getlist("pick")}
    plan_id = str(sent.get("plan", ""))
    return [
        Wish(
            row["consumer"],
            row["application"],
            _customer(row, str(sent.get(f"customer.{row['id']}", _NEW))),
            plan_id,
            tuple(key["nativeId"] for key in row["keys"]),
        )
        for row in rows
        if row["id"] in ticked and not row["taken"]
    ]


def _customer(row: dict[str, Any], chosen: str) -> str | NewCustomer:
    return NewCustomer(name=row["name"], email=row["email"]) if chosen == _NEW else chosen
