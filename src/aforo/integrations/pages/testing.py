"""`/integrations/{id}/test`: the connection test, each line as it ends. The wizard's third step, and any later test."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from aforo.accounts import Scope, Session
from aforo.gateway_sdk.contract import Check, Verdict
from aforo.integrations.model import Integration
from aforo.integrations.pages import words
from aforo.integrations.pages.parts import Parts
from aforo.integrations.service import Integrations
from aforo.jobs import Job, Jobs, JobState, Report, work_page
from aforo.kit.jsontree import JsonObject

_SHORT_WAIT_SECONDS: Final = 0.5
_REFRESH_SECONDS: Final = 1
_STATES: Final = {Verdict.OK: "passed", Verdict.LIMITED: "warned", Verdict.FAILED: "failed"}


class TestRuns:
    """Tests under way in this process, with the lines that have ended so far."""

    __test__ = False  # pytest takes the name for a test otherwise

    def __init__(self, integrations: Integrations, jobs: Jobs) -> None:
        self._integrations = integrations
        self._jobs = jobs
        self._lines: dict[str, list[Check]] = {}

    async def start(self, tenant_id: str, one: Integration) -> Job | None:
        """Start a test and give it a moment; None when one is under way already."""
        if one.id in self._lines:
            return None
        lines = self._lines[one.id] = []

        async def work(report: Report) -> JsonObject:
            try:
                async for check in self._integrations.test(tenant_id, one.id):
                    lines.append(check)
                    report(len(lines), None, "checks")
            finally:
                self._lines.pop(one.id, None)
            return {"href": page_of_test(one)}

        title = f"Test {one.name}"
        return await self._jobs.follow(tenant_id, "test", title, work, wait_seconds=_SHORT_WAIT_SECONDS)

    def so_far(self, integration_id: str) -> list[Check] | None:
        """The lines of a test under way; None when there is none."""
        lines = self._lines.get(integration_id)
        return list(lines) if lines is not None else None


def add(pages: APIRouter, parts: Parts, runs: TestRuns) -> None:
    reader = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_READ))]
    writer = Annotated[Session, Depends(parts.visitor(Scope.CONTROL_WRITE))]

    @pages.get("/integrations/{integration_id}/test")
    async def show(request: Request, integration_id: str, session: reader) -> Response:
        tenant_id = session.caller.tenant_id
        one = await parts.integrations.get(tenant_id, integration_id)
        underway = runs.so_far(integration_id)
        told = underway if underway is not None else (one.last_test.checks if one.last_test else ())
        products = (await parts.counts(tenant_id)).get(one.id, (0, 0))[0]
        answer = parts.render(
            "integrations/test.html",
            request,
            one=one,
            proof=words.way_there(one, parts.integrations.manifest(one)),
            checks=[line(check) for check in told] + ([_RUNNING] if underway is not None else []),
            running=underway is not None,
            passed=one.last_test.passed if one.last_test and underway is None else None,
            failures=sum(1 for check in told if check.verdict is Verdict.FAILED),
            first=products == 0,
            may_write=session.caller.may(Scope.CONTROL_WRITE),
        )
        if underway is not None:
            answer.headers["refresh"] = str(_REFRESH_SECONDS)
        return answer

    @pages.post("/integrations/{integration_id}/test")
    async def again(integration_id: str, session: writer) -> RedirectResponse:
        one = await parts.integrations.get(session.caller.tenant_id, integration_id)
        return await tested(runs, session, one)


async def tested(runs: TestRuns, session: Session, one: Integration) -> RedirectResponse:
    """Start the test and go to its page; a test that could not even start is told by its job's page."""
    job = await runs.start(session.caller.tenant_id, one)
    failed = job is not None and job.state is JobState.FAILED
    return RedirectResponse(work_page(job, page_of_test(one)) if job and failed else page_of_test(one), 303)


def page_of_test(one: Integration) -> str:
    return f"/integrations/{one.id}/test"


_RUNNING: Final[dict[str, Any]] = {"label": "Next check", "state": "running", "fact": "", "fix": ""}


def line(check: Check) -> dict[str, Any]:
    """One line of a test: words, fact, milliseconds, next step."""
    took = f"{check.took_ms:,.0f} ms" if check.took_ms is not None else ""
    long = len(check.detail) > _LONGEST_FACT
    facts = [took, "" if long or check.detail == took else check.detail]
    fix = " ".join(part for part in (check.detail if long else "", check.next_step or "") if part)
    return {
        "label": check.name,
        "state": _STATES[check.verdict],
        "fact": ", ".join(part for part in facts if part),
        "fix": fix + (f" ({check.code})" if check.code else ""),
    }


_LONGEST_FACT: Final = 40
