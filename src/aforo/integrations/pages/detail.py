"""`/integrations/{id}`: can we talk to it, what may we do there, what happened last?"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from aforo.accounts import Scope, Session
from aforo.alerts import Kind
from aforo.integrations.model import Integration
from aforo.integrations.pages import form, words
from aforo.integrations.pages.parts import Parts
from aforo.integrations.pages.setup import way_of
from aforo.integrations.pages.standing import standing
from aforo.integrations.pages.testing import TestRuns, line
from aforo.jobs import schedule_row

_LEVELS = {"yes": "yes", "substitute": "by another way", "not_yet": "not yet", "no": "no"}


def add(pages: APIRouter, parts: Parts, runs: TestRuns) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]

    @pages.get("/integrations/{integration_id}")
    async def show(request: Request, integration_id: str, session: reader) -> Response:
        tenant_id = session.caller.tenant_id
        one = await parts.integrations.get(tenant_id, integration_id)
        total, drifting = (await parts.counts(tenant_id)).get(one.id, (0, 0))
        return parts.render(
            "integrations/detail.html",
            request,
            one=one,
            health=words.badge(one.vitals.health),
            answer=f"{words.how_it_is(one)} {words.products(total, drifting)}",
            proof=words.way_there(one, parts.integrations.manifest(one)),
            drifting=drifting,
            told=await parts.told(tenant_id, one.id, Kind.HEALTH),
            products=total,
            checks=[line(check) for check in one.last_test.checks] if one.last_test else [],
            testing=runs.so_far(one.id) is not None,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
            running=[job for job in parts.jobs.running(tenant_id) if one.name in job.title],
            incomplete=form.needs_setup(way_of(parts, one), one),
            provider=way_of(parts, one).provider,
            settings=_settings(parts, one),
            capabilities=_capabilities(parts, one),
            has_figures=parts.integrations.manifest(one).usage is not None,
            schedules=[schedule_row(seen) for seen in await parts.schedules.all(tenant_id, subject_id=one.id)],
            **await standing(parts.integrations, parts.clock, one),
            **_calls(parts, one),
        )


def _calls(parts: Parts, one: Integration) -> dict[str, Any]:
    budget = parts.integrations.budget(one)
    manifest = parts.integrations.manifest(one)
    return {
        "calls": budget.calls,
        "throttled": budget.throttled,
        "paused_seconds": budget.paused_seconds(),
        "meters": budget.meters()[:3],
        "limits": [limit for limit in manifest.call_limits if not limit.operation or len(manifest.call_limits) == 1]
        or list(manifest.call_limits[:1]),
        "shared": bool(manifest.limits_shared_by),
    }


def _settings(parts: Parts, one: Integration) -> list[tuple[str, str]]:
    way = way_of(parts, one)
    told = [(field.label, _told(one, field.name)) for field in way.fields]
    return [("Sign-in", way.label), *((label, value) for label, value in told if value)]


def _told(one: Integration, name: str) -> str:
    value = one.secret_hints.get(name) or one.settings.get(name, "")
    lines = value.count("\n") + 1
    return value if lines == 1 else f"{lines} lines"


def _capabilities(parts: Parts, one: Integration) -> list[dict[str, str]]:
    return [
        {"name": capability.value.replace("_", " "), "level": _LEVELS[support.level], "words": support.words}
        for capability, support in parts.integrations.manifest(one).capabilities.items()
    ]
