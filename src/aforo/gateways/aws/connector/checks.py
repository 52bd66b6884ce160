"""The connection test, line by line: address, credential, the role's ExternalId, reading, and what was not tried."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aforo.gateway_sdk.contract import Check, Verdict
from aforo.gateway_sdk.errors import (
    BreakerOpen,
    GatewayError,
    GatewayNotAnApi,
    GatewayTlsFailed,
    GatewayUnavailable,
    TargetRefused,
)
from aforo.gateways.aws.client import AssumedRole, Aws
from aforo.kit.clock import Clock

_NOT_REACHED: Final = (GatewayUnavailable, GatewayTlsFailed, GatewayNotAnApi, TargetRefused, BreakerOpen)
_ADDRESS: Final = "Address reached"
_READS: Final[tuple[tuple[str, str, str, dict[str, object]], ...]] = (
    ("REST APIs readable", "apigateway", "GetRestApis", {"limit": 1}),
    ("Usage plans readable", "apigateway", "GetUsagePlans", {"limit": 1}),
    ("HTTP APIs readable", "apigatewayv2", "GetApis", {"MaxResults": "1"}),
)


@dataclass(frozen=True, slots=True)
class _Outcome:
    check: Check
    error: GatewayError | None = None


async def checks(aws: Aws, clock: Clock) -> AsyncIterator[Check]:
    """Stops after a line without which the next ones say nothing new. Never raises, never writes."""
    session = aws.session
    steps = [("Credential accepted", _identity(aws))]
    if isinstance(session, AssumedRole):
        steps = [
            ("Aforo's AWS principal accepted", _principal(aws, session)),
            ("Role assumed", _assumed(aws, session)),
            ("Role demands our ExternalId", _demands_external_id(session)),
        ]
    for number, (name, probe) in enumerate(steps):
        outcome = await _tried(name, probe, clock)
        if number == 0:
            yield _address(aws, outcome)
            if isinstance(outcome.error, _NOT_REACHED):
                return
        yield outcome.check
        if outcome.error:
            return
    readable = True
    for name, service, operation, params in _READS:
        outcome = await _tried(name, _reads(aws, service, operation, params), clock)
        readable = readable and outcome.error is None
        yield outcome.check
    if readable:
        yield Check(
            "May write",
            Verdict.LIMITED,
            "not tested, since a test changes nothing: discovery, import and drift work with read rights alone",
            next_step="Use the full variant of the role template if Aforo is to restore.",
        )


def _address(aws: Aws, first: _Outcome) -> Check:
    where = aws.place.endpoint("sts")
    if first.error is None or not isinstance(first.error, _NOT_REACHED):
        return Check(_ADDRESS, Verdict.OK, where, took_ms=first.check.took_ms)
    return Check(_ADDRESS, Verdict.FAILED, first.error.detail, first.error.next_step, first.error.code)


async def _tried(name: str, probe: Callable[[], Awaitable[str]], clock: Clock) -> _Outcome:
    started = clock.monotonic()
    try:
        detail = await probe()
    except GatewayError as error:
        return _Outcome(Check(name, Verdict.FAILED, error.detail, error.next_step, error.code), error)
    return _Outcome(Check(name, Verdict.OK, detail, took_ms=(clock.monotonic() - started) * 1000))


def _identity(aws: Aws) -> Callable[[], Awaitable[str]]:
    async def probe() -> str:
        return _who(await aws.identity())

    return probe


def _who(told: Mapping[str, object]) -> str:
    return f"account {told.get('Account')} as {told.get('Arn')}"


def _principal(aws: Aws, session: AssumedRole) -> Callable[[], Awaitable[str]]:
    async def probe() -> str:
        told = await aws.sts("GetCallerIdentity", {}, session.principal())
        return str(told.get("Arn"))

    return probe


def _assumed(aws: Aws, session: AssumedRole) -> Callable[[], Awaitable[str]]:
    async def probe() -> str:
        return _who(await aws.sts("GetCallerIdentity", {}, await session.untried_keys()))

    return probe


def _demands_external_id(session: AssumedRole) -> Callable[[], Awaitable[str]]:
    async def probe() -> str:
        await session.keys()
        return "a missing and a wrong one are refused"

    return probe


def _reads(aws: Aws, service: str, operation: str, params: dict[str, object]) -> Callable[[], Awaitable[str]]:
    async def probe() -> str:
        await aws.call(service, operation, params)
        return "one page read"

    return probe
