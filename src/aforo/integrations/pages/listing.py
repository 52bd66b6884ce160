"""`/integrations`: which gateways are connected, and are they well?"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session
from aforo.integrations.model import BreakerState, Health, Integration
from aforo.integrations.pages import words
from aforo.integrations.pages.parts import Parts
from aforo.integrations.pages.standing import last_scans, standing
from aforo.integrations.pages.testing import TestRuns


def add(pages: APIRouter, parts: Parts, runs: TestRuns) -> None:
    del runs
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]

    @pages.get("/integrations")
    async def list_(request: Request, session: reader, q: str = "") -> Response:
        tenant_id = session.caller.tenant_id
        every = await parts.integrations.all(tenant_id)
        counts = await parts.counts(tenant_id)
        every.sort(key=lambda one: words.worst_first(one, counts.get(one.id, (0, 0))[1]))
        names = {one.id: parts.integrations.manifest(one).name for one in every}
        shown = [one for one in every if _matches(one, names[one.id], q)]
        scans = await last_scans(parts.schedules, tenant_id)
        return parts.render(
            "integrations/list.html",
            request,
            answer=words.all_of_them([one.vitals.health for one in every]) if every else "",
            now=parts.clock.now(),
            rows=[
                _row(one, names[one.id], counts.get(one.id, (0, 0)))
                | await standing(parts.integrations, parts.clock, one)
                | {"scan": scans.get(one.id)}
                for one in shown
            ],
            total=len(every),
            q=q,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )


def _matches(one: Integration, gateway: str, q: str) -> bool:
    return q.strip().lower() in f"{one.name} {gateway}".lower()


def _row(one: Integration, gateway: str, counts: tuple[int, int]) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "href": f"/integrations/{one.id}",
        "gateway": gateway,
        "emulated": one.emulated,
        "health": words.badge(one.vitals.health),
        "products": counts[0],
        "drift": counts[1],
        "reason": _reason(one),
    }


def _reason(one: Integration) -> str:
    vitals = one.vitals
    if vitals.breaker.state is BreakerState.OPEN or vitals.health in (Health.DEGRADED, Health.ERROR):
        return vitals.last_error or words.how_it_is(one)
    return words.how_it_is(one) if vitals.health is Health.UNKNOWN else ""
