"""Connection tests over HTTP: after each saving by themselves, and when asked for."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi.responses import JSONResponse

from aforo.accounts import Caller
from aforo.gateway_sdk.contract import Check, Verdict
from aforo.integrations.model import Integration, TestResult
from aforo.integrations.service import Integrations
from aforo.jobs import Jobs, Report, answer
from aforo.kit.wire import Moment, WireModel

_PATIENCE_SECONDS: Final = 10.0


class CheckView(WireModel):
    name: str
    verdict: Verdict
    detail: str
    next_step: str | None
    code: str | None
    took_ms: float | None


class TestView(WireModel):
    passed: bool
    at: Moment
    checks: list[CheckView]


class Trials:
    """Runs tests as jobs, so that none keeps its caller for over ten seconds; without `jobs` the caller waits."""

    def __init__(self, integrations: Integrations, jobs: Jobs | None) -> None:
        self._integrations = integrations
        self._jobs = jobs

    async def after_saving(self, one: Integration) -> Integration:
        """The integration after its test, if that has ended by now. One that lacks a field yet is not tested."""
        if self._integrations.is_complete(one):
            if self._jobs is None:
                await self._integrations.tested(one.tenant_id, one.id)
            else:
                await self._jobs.follow(
                    one.tenant_id, "test", _title(one), self._work(one), wait_seconds=_PATIENCE_SECONDS
                )
        return await self._integrations.get(one.tenant_id, one.id)

    async def answered(self, who: Caller, one: Integration, prefer: str | None) -> JSONResponse:
        """The test's lines, or 202 with a job."""
        work = self._work(one)
        if self._jobs is None:
            return JSONResponse(await work(lambda _done, _about, _what: None))
        return await answer(self._jobs, who, "test", _title(one), work, prefer=prefer)

    def _work(self, one: Integration) -> Callable[[Report], Awaitable[dict[str, Any]]]:
        async def work(_: Report) -> dict[str, Any]:
            result = await self._integrations.tested(one.tenant_id, one.id)
            return test_view(result).model_dump(mode="json", by_alias=True)

        return work


def _title(one: Integration) -> str:
    return f"Test {one.name}"


def test_view(result: TestResult) -> TestView:
    return TestView(passed=result.passed, at=result.at, checks=[_check(check) for check in result.checks])


def _check(check: Check) -> CheckView:
    return CheckView(
        name=check.name,
        verdict=check.verdict,
        detail=check.detail,
        next_step=check.next_step,
        code=check.code,
        took_ms=check.took_ms,
    )
